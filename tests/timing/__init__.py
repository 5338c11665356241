"""Claims about `speedproof.timing`."""
