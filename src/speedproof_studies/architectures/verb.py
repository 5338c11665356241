"""The verb of which models, SAEs and tokenizers can be asked about: architectures."""

from typing import Annotated

import typer
from rich.table import Table

from speedproof.cli.lines import out, print_json
from speedproof.cli.options import AsJson, Results, open_sitting, read_records
from speedproof.cli.progress import progress
from speedproof.errors import unknown
from speedproof.folders import RESULTS

from .rows import HEAD, newest, rows


def architectures(
    context: typer.Context,
    models: Annotated[list[str] | None, typer.Argument(metavar="MODEL", help="Kinds of model; all if none.")] = None,
    only_show: Annotated[bool, typer.Option("--show", help="Show what is recorded, and try nothing.")] = False,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Which kinds of models, SAEs and tokenizers the gate can be asked about, by which API, and how far the oracle is
    from Transformers' own float64.

    Examples:
      python -m bench architectures
      python -m bench architectures llama gemma3
    """
    # Every command loads this file, and what makes models loads their libraries.
    from .kinds import cells
    from .models import CONFIGS

    if strangers := sorted(set(models or ()) - set(CONFIGS)):
        raise unknown("kind of model", strangers[0], list(CONFIGS))
    if only_show:
        tried = newest(record.body for record in read_records(context, results).records)
    else:
        from .session import try_all

        sitting = open_sitting(results, None)
        with progress() as sitting.say:
            tried = newest(sitting.keep(try_all(cells(tuple(models or ())), sitting.say)))
    if as_json:
        print_json([one.model_dump() for one in tried])
    else:
        table = Table(*HEAD)
        for row in rows(tried):
            table.add_row(*row)
        out.print(table)
    raise typer.Exit(0 if tried else 1)
