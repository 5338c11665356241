"""Proves that a fast function gives a slow one's answer, and only then says how much faster it is, and how surely."""
