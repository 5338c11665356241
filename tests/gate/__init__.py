"""Claims about `speedproof.gate`."""
