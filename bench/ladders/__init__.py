"""The arms of the findings' ladders: what each single change between a definition and its batched twin is."""
