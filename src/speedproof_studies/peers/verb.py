"""The verb of the peers: what a user would pick instead, beside the batched twin."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table as Shown
from rich.text import Text

from speedproof.cli.lines import out, print_json, say_line
from speedproof.cli.options import AsJson, Precision, Results, Seed, SidesBudget, open_sitting, read_records
from speedproof.cli.progress import progress
from speedproof.errors import unknown
from speedproof.folders import CACHE, RESULTS

from .table import HEAD, Table, tables

PEERS_BUDGET_S = 1200.0
"""Seconds of timing a workload; four rounds run whatever it is."""
PRECISION = 0.03
"""Relative half-width at which sampling stops: a peer that is ahead or behind by a tenth is told either way."""


def peers(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="PEER", help="Peers by name; all if none.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="On the tiny subject's texts.")] = False,
    budget_s: SidesBudget = PEERS_BUDGET_S,
    precision: Precision = PRECISION,
    only_show: Annotated[bool, typer.Option("--show", help="Show what is recorded, and ask nothing.")] = False,
    seed: Seed = None,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Hold what a user would pick instead of finding 1's batched twin against it: answers, then time. Takes long.

    Examples:
      python -m bench peers
      python -m bench peers transformers_cut saelens_idiom --quick
      python -m bench peers --show
    """
    if not only_show:
        _take(names or (), quick, budget_s, precision, seed, results)
    told = tables(read_records(context, results).records)
    if as_json:
        print_json([row.as_json for table in told for row in table.rows])
    else:
        _show(told)
    raise typer.Exit(0 if told else 1)


def _take(
    names: Sequence[str], quick: bool, budget_s: float, precision: float, seed: int | None, results: Path
) -> None:
    """Asks and times the peers of these names, and records it. Raises BadInput for a name that is none."""
    from bench.findings.text_batching import REPORT

    from .card import MANY, MANY_SMOKE, PEERS, SMOKE
    from .session import Session

    by_name = {peer.name: peer for peer in PEERS}
    for name in names:
        if name not in by_name:
            raise unknown("peer", name, list(by_name))
    chosen = [by_name[name] for name in dict.fromkeys(names)] if names else list(PEERS)
    workloads = (SMOKE, MANY_SMOKE) if quick else (REPORT, MANY)
    sitting = open_sitting(results, seed)
    with progress() as sitting.say:
        session = Session(chosen, workloads, sitting.seed, CACHE, sitting.say)
        session.proven()
        threads = {workload.n_threads for workload in workloads}
        sitting.rate_on(threads)
        for workload in workloads:
            sitting.keep(session.timed(workload, budget_s, precision))
        sitting.rate_on(threads)
        sitting.close()


def _show(told: Sequence[Table]) -> None:
    if not told:
        say_line("Nothing is recorded of any peer. To ask them: python -m bench peers")
    for one in told:
        shown = Shown(*HEAD, title=one.title)
        for row in one.rows:
            shown.add_row(*map(Text, row.cells))
        out.print(shown)
        say_line(one.line)
        say_line(one.made)
