"""Claims about `speedproof.machine`."""
