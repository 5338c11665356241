"""Verbs that need no subject: duplicates, schema."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from .. import terminal
from ..duplicates import find_duplicates
from ..record import schema
from .options import AsJson, app


@app.command()
def duplicates(
    paths: Annotated[list[Path], typer.Argument(help="Python files, notebooks, or folders of them.")],
    as_json: AsJson = False,
) -> None:
    """Find functions that one file or notebook defines twice, also where one is nested in another function.

    Example: python -m bench duplicates phase_3.ipynb
    """
    found = find_duplicates(paths)
    if as_json:
        terminal.print_json([vars(duplicate) for duplicate in found])
    else:
        for duplicate in found:
            terminal.say_line(f"{duplicate.name}: {duplicate.again} again, first {duplicate.first}")
        terminal.say_line(f"{len(found)} duplicate definitions.")
    raise typer.Exit(1 if found else 0)


@app.command("schema")
def schema_() -> None:
    """Print the JSON Schema of a record line.

    Example: python -m bench schema > results/record.schema.json
    """
    sys.stdout.write(schema())
