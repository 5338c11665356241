"""The definition: the efficiency report's code as written, one file per finding."""
