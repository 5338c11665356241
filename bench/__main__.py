"""python -m bench"""

if __name__ == "__main__":
    # A measuring process imports this file too, under another name, and has no use for a command line.
    from .cli import main

    main()
