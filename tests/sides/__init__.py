"""Claims about `speedproof.sides`."""
