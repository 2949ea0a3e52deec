"""The sidebar's tab: draws what there is, and does nothing."""
