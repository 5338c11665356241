"""Claims about what a pull request is told."""
