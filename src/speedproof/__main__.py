"""speedproof, and python -m speedproof: the command line."""

import gc
import sys

from . import search_path


def main(project: str = "") -> None:
    """Imports the command line and runs it with what a project hands in, named as module:NAME.

    Unless told otherwise that is what the checkout names which the code lies in; installed code has no project. What
    keeps the command line from starting is one line too.
    """
    # Before anything else is imported: the current folder may come first until then.
    search_path.own_code_alone()
    search_path.stay_somewhere()
    # Importing leaves next to no garbage, and looking for it takes a quarter of the start.
    gc.disable()
    try:
        from pkgutil import resolve_name

        from .cli import main as run
        from .cli.project import Project
        from .folders import ROOT, named_project

        given = project or named_project(ROOT)
        handed_in = resolve_name(given) if given else Project()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        sys.stderr.write(
            f"speedproof cannot start: {type(error).__name__}: {' '.join(str(error).split())}. "
            f"Expected its libraries beside this Python, {sys.executable}. Set them up with make, or "
            "pip install -e '.[lens,report]'. --debug shows the traceback.\n"
        )
        sys.exit(2)
    # What was imported stays to the end, so that no later look for garbage goes through it.
    gc.freeze()
    gc.enable()
    run(handed_in)


if __name__ == "__main__":
    main()
