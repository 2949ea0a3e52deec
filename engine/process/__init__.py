"""What this process owes the one that started it, and the machine."""
