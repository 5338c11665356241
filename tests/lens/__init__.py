"""Claims about `speedproof.lens`."""
