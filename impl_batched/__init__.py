"""The fast twin of each definition: same file names, same functions, same answers."""
