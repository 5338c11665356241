"""The verb that compares the harness with its peers."""

import sys
from collections.abc import Sequence
from typing import Annotated

import pandas as pd
import typer

from .. import terminal
from ..bodies import Powered
from ..folders import RESULTS
from ..power.peers import PEERS, installed
from ..power.study import study, tools
from ..power.summary import power_rows
from ..sitting import Sitting
from ..table import rendered
from .options import Results, Seed, app, open_sitting, read_records


@app.command()
def power(
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
        asked = tools(tool or ())
        missing = [name for name in PEERS if name not in installed()]
        if missing and not tool:
            terminal.warn_line(
                f"Left out, since not installed: {', '.join(missing)}. To have all: pip install -e '.[power,test]'"
            )
        _ask(asked, open_sitting(results, seed), trials, budget_s)
    taken = [record.body for record in read_records(results).records if isinstance(record.body, Powered)]
    sys.stdout.write(rendered(pd.DataFrame(power_rows(taken)), form))


def _ask(asked: Sequence[str], sitting: Sitting, trials: int, budget_s: float) -> None:
    with terminal.progress() as say:
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
