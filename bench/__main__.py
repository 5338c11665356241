"""python -m bench: the command line, with the six findings and the studies of the instrument."""

from speedproof.__main__ import main

if __name__ == "__main__":
    # A measuring process imports this file too, under another name, and has no use for a command line.
    main("speedproof_studies.project:PROJECT")
