"""What the reference says to a draw, and how far another answer may be off."""
