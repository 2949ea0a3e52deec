"""Files that the engine reads and writes."""
