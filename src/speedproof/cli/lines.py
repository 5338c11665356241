"""Lines and JSON: answers on standard output, everything else on standard error, neither marked up by accident."""

import json
import sys
from typing import Any, NoReturn

from rich.console import Console

out = Console(width=None if sys.stdout.isatty() else 140)
"""Standard output; wide enough for a table where it is a file or a pipe."""
err = Console(stderr=True)


def say_line(text: str) -> None:
    """One line on standard output, as it is."""
    out.print(text, markup=False, highlight=False, soft_wrap=True)


def warn_line(text: str) -> None:
    """One line on standard error, as it is."""
    err.print(text, markup=False, highlight=False, soft_wrap=True)


def fail(message: str, status: int) -> NoReturn:
    """Says what went wrong and ends the program."""
    err.print(message, style="bold", markup=False, highlight=False, soft_wrap=True)
    raise SystemExit(status)


def print_json(value: Any) -> None:
    """`value` as JSON on standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")
