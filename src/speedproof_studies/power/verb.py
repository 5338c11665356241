"""The verb that compares the harness with its peers."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from speedproof.cli.lines import say_line, warn_line
from speedproof.cli.options import Results, Seed, open_sitting, read_records
from speedproof.cli.progress import progress
from speedproof.errors import unknown
from speedproof.folders import RESULTS
from speedproof_studies.kinds import Powered

FORMATS = ["table", "csv", "json"]


def power(
    context: typer.Context,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Trials of each tool and slowdown, half of them loaded, for the aims.")
    ] = None,
    for_s: Annotated[float | None, typer.Option(min=0, help="Begin no trial after so many seconds.")] = None,
    tool: Annotated[list[str] | None, typer.Option(help="Ask this tool alone; repeat for more. All if none.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Only show what was recorded.")] = False,
    seed: Seed = None,
    results: Results = RESULTS,
    form: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
) -> None:
    """Inject slowdowns and ask this and other tools whether they see them, quiet and loaded, until there are enough
    trials. Takes a day; what is on record is not asked again, so it may be interrupted and goes on where it stopped.

    Examples:
      python -m bench power
      python -m bench power --for-s 3600
      python -m bench power --tool speedproof --tool asv --trials 20
      python -m bench power --show
    """
    if form not in FORMATS:
        raise unknown("format", form, FORMATS)
    if not show:
        _ask(context, results, seed, tool or [], trials, for_s)
    import pandas as pd

    from speedproof.records.table import rendered

    from .rates import pool

    pooled = pool(read_records(context, results).records)
    (say_line if form == FORMATS[0] else warn_line)(pooled.line)
    sys.stdout.write(rendered(pd.DataFrame(pooled.rows_by_load), form))


def _ask(
    context: typer.Context, results: Path, seed: int | None, tool: list[str], trials: int | None, for_s: float | None
) -> None:
    """Takes the trials that are missing; each is recorded as soon as it is there."""
    sitting = open_sitting(results, seed)
    # What asks needs torch; what shows does without.
    from .aims import aims, missing, of_today, told
    from .study import study, tools

    aimed = aims(tools(tool), trials)
    known = [record.body for record in read_records(context, results).records if isinstance(record.body, Powered)]
    warn_line(told(missing(aimed, of_today(known)), known))
    with progress() as say:
        for body in study(aimed, known, sitting.seed, say, warn_line, for_s):
            sitting.recorder.write(body)
