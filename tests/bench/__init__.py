"""Claims about `bench`."""
