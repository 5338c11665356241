"""Folders: where the code lies, and where results and caches go. Nothing is ever written beside installed code.

The cache folder of a user is found by hand and not with `platformdirs`: every environment that a side is installed in
would need that too.
"""

import os
import sys
import tomllib
from pathlib import Path
from typing import Any

PROJECT = "speedproof"
SOURCE = Path(__file__).resolve().parents[1]
"""The folder that holds the instrument: `src` of a checkout, or where packages are installed."""
ROOT = SOURCE.parent
"""A checkout's folder, which holds the findings and their twins. Only read, unless it is a checkout."""


RESULTS_NAMED = "SPEEDPROOF_RESULTS"
"""The variable that names the folder of results."""


def is_checkout(folder: Path) -> bool:
    """Whether the folder is this project's own, and not a place that packages are installed in."""
    return _table(folder, "project").get("name") == PROJECT


def named_project(folder: Path) -> str:
    """What a checkout hands to the command line, as module:NAME; empty where it is none or names nothing."""
    return str(_table(folder, "tool", PROJECT).get("project", "")) if is_checkout(folder) else ""


def _table(folder: Path, *names: str) -> dict[str, Any]:
    """A table of the folder's pyproject.toml; empty where there is none."""
    try:
        told: Any = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    for name in names:
        told = told.get(name) if isinstance(told, dict) else None
    return told if isinstance(told, dict) else {}


def results_folder(root: Path) -> Path:
    """`SPEEDPROOF_RESULTS`, else the checkout's, else a folder where the user is."""
    return named_folder(RESULTS_NAMED) or (root / "results" if is_checkout(root) else Path(f"{PROJECT}-results"))


def cache_folder(root: Path) -> Path:
    """`SPEEDPROOF_CACHE`, else the checkout's, else the user's own. Deleting it costs only seconds to fill it again."""
    return named_folder("SPEEDPROOF_CACHE") or (root / ".cache" if is_checkout(root) else _users_cache() / PROJECT)


def named_folder(variable: str) -> Path | None:
    """The folder that a variable names. Whole, since what we start may run in another folder."""
    text = os.environ.get(variable, "")
    return Path(os.path.abspath(os.path.expanduser(text))) if text else None


def _users_cache() -> Path:
    if sys.platform == "darwin":
        return Path("~/Library/Caches").expanduser()
    # Relative paths are to be ignored, says the XDG Base Directory Specification.
    named = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", "")
    return Path(named) if os.path.isabs(named) else Path("~/.cache").expanduser()


RESULTS = results_folder(ROOT)
"""Where records and reports go."""
CACHE = cache_folder(ROOT)
"""Where remembered activations, made-up hubs and environments lie."""
