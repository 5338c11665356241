"""Claims about `speedproof_studies`."""
