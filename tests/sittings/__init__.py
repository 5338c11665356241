"""Claims about `speedproof.sittings`."""
