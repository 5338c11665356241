"""The page: plots and words for the report's cards, made of what the report knows and of nothing else."""
