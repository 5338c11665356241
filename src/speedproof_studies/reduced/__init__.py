"""Reduced precision as an explicit choice: finding 1's batched twin in bfloat16, and what that costs in features."""
