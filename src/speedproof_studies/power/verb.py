"""The verb that compares the harness with its peers."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from speedproof.cli.lines import warn_line
from speedproof.cli.options import Results, Seed, open_sitting, read_records
from speedproof.cli.progress import progress
from speedproof.folders import RESULTS
from speedproof.sittings.sitting import Sitting
from speedproof_studies.kinds import Powered


def power(
    context: typer.Context,
    trials: Annotated[int, typer.Option(min=1, help="Trials of each tool, slowdown and load.")] = 20,
    budget_s: Annotated[
        float, typer.Option(min=1, help="Seconds of timing a trial; starting processes is extra.")
    ] = 10,
    tool: Annotated[list[str] | None, typer.Option(help="Ask this tool alone; repeat for more. All if none.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Only show what was recorded.")] = False,
    seed: Seed = None,
    results: Results = RESULTS,
    form: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
) -> None:
    """Inject slowdowns and ask this and other tools whether they see them, quiet and loaded. Takes hours.

    Examples:
      python -m bench power
      python -m bench power --tool speedproof --tool asv --trials 5
      python -m bench power --show
    """
    if not show:
        # What asks needs torch; what shows does without.
        from .study import tools
        from .tools import PEERS, installed

        asked = tools(tool or ())
        missing = [name for name in PEERS if name not in installed()]
        if missing and not tool:
            warn_line(
                f"Left out, since not installed: {', '.join(missing)}. To have all: pip install -e '.[power,test]'"
            )
        _ask(asked, open_sitting(results, seed), trials, budget_s)
    import pandas as pd

    from speedproof.records.table import rendered

    from .rates import power_rows

    taken = [record.body for record in read_records(context, results).records if isinstance(record.body, Powered)]
    sys.stdout.write(rendered(pd.DataFrame(power_rows(taken)), form))


def _ask(asked: Sequence[str], sitting: Sitting, trials: int, budget_s: float) -> None:
    from .study import study

    with progress() as say:
        for loaded in (False, True):
            for answer in study(asked, trials, budget_s, loaded, sitting.seed, say):
                sitting.recorder.write(
                    Powered(
                        tool=answer.tool,
                        injected=answer.injected,
                        loaded=loaded,
                        budget_s=budget_s,
                        alarms=dict(answer.alarms),
                        wall_s=answer.wall_s,
                    )
                )
