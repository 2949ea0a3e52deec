"""Measured quality of the bundled model and of the mixture."""
