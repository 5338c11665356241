"""The textbook read: what the check says of rewrites whose verdict is known beforehand."""
