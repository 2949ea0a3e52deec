"""Many pictures on many devices: what is to be made, who makes it, and what becomes of it."""
