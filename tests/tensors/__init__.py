"""Claims about `speedproof.tensors`."""
