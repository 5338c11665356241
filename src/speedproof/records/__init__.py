"""What was seen, one line at a time."""
