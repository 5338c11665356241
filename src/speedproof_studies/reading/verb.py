"""The verb of the textbook: rewrites whose verdict is known beforehand, with many seeds each."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from speedproof.cli.lines import out, print_json, say_line
from speedproof.cli.options import AsJson, Results, open_sitting, read_records
from speedproof.cli.progress import progress
from speedproof.folders import RESULTS
from speedproof_studies.gate_source import own_digest
from speedproof_studies.kinds import Read

from .session import left

READ_ALL = "speedproof_studies.reading.session:read_all"
"""What shows the check the rewrites, by reference: it needs torch and pandas, which this process may do without."""


def textbook(
    context: typer.Context,
    topics: Annotated[list[str] | None, typer.Argument(metavar="TOPIC", help="Files of rewrites; all if none.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds that each rewrite is asked with.")] = 100,
    workers: Annotated[int, typer.Option(min=1, max=16, help="Rewrites that are asked about at a time.")] = 2,
    only_show: Annotated[bool, typer.Option("--show", help="Show what is recorded, and ask nothing.")] = False,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Show the check textbook rewrites, right and wrong; it must pass and refuse each as is known.

    What is recorded of today's check is not asked again, so an interrupted run goes on where it stopped.

    Examples:
      python -m bench textbook --seeds 100
      python -m bench textbook sorting averages
    """
    from speedproof_studies.textbook import entries

    chosen = entries(topics)
    known = [record.body for record in read_records(context, results).records if isinstance(record.body, Read)]
    if not only_show:
        sitting = open_sitting(results, None)
        with progress() as sitting.say:
            known += sitting.keep(sitting.told(READ_ALL, left(chosen, known, seeds), workers))
    todays = [one for one in known if one.gate == own_digest()]
    if as_json:
        print_json([one.model_dump() for one in todays])
    else:
        _show(todays)
    raise typer.Exit(0 if todays and not wrongly_judged(todays) else 1)


def wrongly_judged(read: Sequence[Read]) -> list[Read]:
    """Right ones that did not pass with every seed, wrong ones that were not refused with every seed."""
    return [one for one in read if (one.n_passed if one.right else one.n_refused) != one.n_seeds]


def _show(read: Sequence[Read]) -> None:
    table = Table("", "rewrites", "trials", "passed", "refused", "not judged", "largest error / allowed")
    for name, right in (("right", True), ("wrong", False)):
        of = [one for one in read if one.right is right]
        n_judged = sum(one.n_passed + one.n_refused for one in of)
        counts = [
            len({one.entry for one in of}),
            n := sum(one.n_seeds for one in of),
            sum(one.n_passed for one in of),
            sum(one.n_refused for one in of),
            n - n_judged,
        ]
        closest = max((one.closest for one in of), default=0.0)
        table.add_row(name, *(f"{count:,}" for count in counts), f"{closest:.2f}")
    out.print(table)
    for one in wrongly_judged(read):
        told = (*one.why_refused, *one.unjudged)
        why = f": {told[0]}" if told else ""
        say_line(
            f"WRONGLY JUDGED {one.entry}, seeds from {one.seed}: {one.n_passed} passed, {one.n_refused} refused{why}"
        )
    planted, seen = (sum(getattr(one, name) for one in read if one.right) for name in ("n_planted", "n_seen"))
    if planted:
        say_line(f"Faults planted in the right ones and seen: {seen:,} of {planted:,} ({100 * seen / planted:.0f}%).")
