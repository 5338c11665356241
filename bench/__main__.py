"""python -m bench"""

import sys

from . import search_path

if __name__ == "__main__":
    # Before anything else is imported: the current folder may come first until then.
    search_path.own_code_alone()
    search_path.stay_somewhere()


def main() -> None:
    """Imports the command line and runs it. What keeps it from starting is one line too."""
    try:
        from .cli import main as run
        from .project import PROJECT
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        sys.stderr.write(
            f"speedproof cannot start: {type(error).__name__}: {' '.join(str(error).split())}. "
            "Expected its libraries beside this Python, "
            f"{sys.executable}. Set them up: make, or pip install --group ruler -e . --debug shows the traceback.\n"
        )
        sys.exit(2)
    run(PROJECT)


if __name__ == "__main__":
    # A measuring process imports this file too, under another name, and has no use for a command line.
    main()
