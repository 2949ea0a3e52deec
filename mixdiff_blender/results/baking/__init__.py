"""What is projected onto objects as pictures of their UV maps: our own arithmetic, no render."""
