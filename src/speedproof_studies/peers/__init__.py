"""What a user would pick instead of finding 1's batched twin: other libraries' ways, through the same gate."""
