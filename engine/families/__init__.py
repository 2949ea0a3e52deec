"""Model families, one file each: text, network, schedule and codec."""
