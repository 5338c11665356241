"""Claims about `speedproof.report`."""
