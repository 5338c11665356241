"""What a person sees: progress on standard error, tables on standard output, JSON in their place where asked for."""
