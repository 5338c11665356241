"""Torch: what is watched, counted and traced."""
