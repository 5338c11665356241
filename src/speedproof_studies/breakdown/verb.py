"""The verb of where a call goes: breakdown."""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from speedproof.cli.lines import out, print_json, say_line
from speedproof.cli.options import AsJson, Results, open_sitting, read_records
from speedproof.cli.progress import progress
from speedproof.folders import RESULTS
from speedproof.pairs.workload import Workload
from speedproof.timing.method import TODAYS

from .rows import HEAD, Row, lines, rows

BREAKDOWN = "speedproof_studies.breakdown.session:breakdown_of"
"""What profiles, by reference: it needs torch, which this process may do without."""


def breakdown(
    context: typer.Context,
    quick: Annotated[bool, typer.Option("--quick", help="On the tiny subject's texts.")] = False,
    processes: Annotated[int, typer.Option(min=1, max=100, help="Fresh processes for each.")] = TODAYS.first,
    only_show: Annotated[bool, typer.Option("--show", help="Show what is recorded, and ask nothing.")] = False,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Where a call of the batched twins of findings 1 and 2 goes: matrix products, attention, all else; and how much of
    the machine's floor it would reach if nothing but its products took time.

    Examples:
      python -m bench breakdown
      python -m bench breakdown --quick
      python -m bench breakdown --show
    """
    if not only_show:
        sitting = open_sitting(results, None)
        asked = [*_asked(quick)]
        with progress() as sitting.say:
            threads = {workload.n_threads for _, workload in asked}
            sitting.rate_on(threads)
            for _ in range(processes):
                # All in turn, so that a phase of the machine is no function's own.
                for card, workload in asked:
                    sitting.keep(sitting.told(BREAKDOWN, card, workload))
            sitting.rate_on(threads)
            sitting.close()
    told = rows(read_records(context, results).records)
    if as_json:
        print_json([row.as_json for row in told])
    else:
        _show(told)
    raise typer.Exit(0 if told else 1)


def _asked(quick: bool) -> Iterator[tuple[str, Workload]]:
    """Cards and workloads: both functions on the report's texts, and the first on the many of the peers' table."""
    from bench.findings import find
    from speedproof_studies.peers.card import MANY, MANY_SMOKE

    first, second = find("text_batching"), find("comparison_table")
    name = "smoke" if quick else "report"
    yield first.card, first.pairs[0].workload(name)
    yield first.card, MANY_SMOKE if quick else MANY
    yield second.card, second.pairs[0].workload(name)


def _show(told: list[Row]) -> None:
    if not told:
        say_line("Nothing is recorded of where a call goes. To ask: python -m bench breakdown")
        return
    shown = Table(*HEAD)
    for row in told:
        shown.add_row(*map(Text, row.cells))
    out.print(shown)
    for line in lines(told):
        say_line(line)
