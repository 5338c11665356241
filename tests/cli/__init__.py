"""Claims about `speedproof.cli`."""
