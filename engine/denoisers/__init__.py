"""Model families: one small interface, one adapter for each."""
