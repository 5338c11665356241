"""Anybody's pairs: two functions by name, the inputs that they are asked about, and a tolerance that nobody types."""
