"""Claims about `speedproof.counters`."""
