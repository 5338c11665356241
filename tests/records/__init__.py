"""Claims about `speedproof.records`."""
