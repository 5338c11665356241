"""The verb that studies whether two sides are told apart: planted."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from speedproof.cli.lines import out, print_json
from speedproof.cli.options import AsJson, Results, Seed, SidesBudget, open_sitting, read_records
from speedproof.cli.progress import progress
from speedproof.folders import CACHE, RESULTS
from speedproof_studies.kinds import Planted

from .rates import Detection, detection
from .study import KINDS, study


def planted(
    context: typer.Context,
    trials: Annotated[int, typer.Option(min=1, help="Trials of each planted change.")] = 50,
    kind: Annotated[
        list[str] | None, typer.Option(help=f"{', '.join(KINDS)}; may be given again, all if none.")
    ] = None,
    budget_s: SidesBudget = 60,
    show: Annotated[bool, typer.Option("--show", help="Only show what was recorded.")] = False,
    seed: Seed = None,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Plant changes into copies of the twins and count how many are found. Takes hours.

    Examples:
      python -m bench planted --kind exact
      python -m bench planted --show
    """
    if not show:
        sitting = open_sitting(results, seed)
        with progress() as sitting.say:
            sitting.keep(study(trials, budget_s, sitting.seed, CACHE, kind or (), sitting.say))
    bodies = [record.body for record in read_records(context, results).records]
    rates = detection([body for body in bodies if isinstance(body, Planted)])
    if as_json:
        print_json([vars(rate) for rate in rates])
    else:
        _show(rates)


def _show(rates: Sequence[Detection]) -> None:
    """How many planted changes were found, with an interval; of identical copies, how many were told apart."""
    table = Table("planted", "trials", "told", "share, 95% interval", "after / before, mean")
    for rate in rates:
        table.add_row(rate.plant, str(rate.n_trials), str(rate.n_found), Text(rate.shown), rate.measured)
    out.print(table)
