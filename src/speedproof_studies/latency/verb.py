"""The verb of how long a user waits: latency."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Annotated

import typer
from rich.table import Table

from speedproof.cli.lines import out, print_json, say_line
from speedproof.cli.options import AsJson, Results, open_sitting, read_records
from speedproof.cli.progress import progress
from speedproof.folders import RESULTS
from speedproof.records.base import Body
from speedproof_studies.kinds import Waited

from .commands import CHECK_OF_IT, MEMORY_FACTOR, ONE_CALL


def latency(
    context: typer.Context,
    rounds: Annotated[int, typer.Option(min=1, max=100, help="Times that each command is asked.")] = 3,
    only_show: Annotated[bool, typer.Option("--show", help="Show what is recorded, and ask nothing.")] = False,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """How long a user waits for commands, and how much memory a check takes, against what is aimed at.

    Examples:
      python -m bench latency
      python -m bench latency --show
    """
    from .session import waits

    if only_show:
        taken = newest(record.body for record in read_records(context, results).records)
    else:
        sitting = open_sitting(results, None)
        with progress() as sitting.say:
            taken = newest(sitting.keep(waits(results / "records", rounds, sitting.say)))
    if as_json:
        print_json([one.model_dump() for one in taken])
    else:
        _show(taken)
    raise typer.Exit(0 if taken and not late(taken) and not memory_is_beyond(taken) else 1)


def newest(bodies: Iterable[Body]) -> list[Waited]:
    """The last record of each command, in the order of the commands."""
    found = {body.command: body for body in bodies if isinstance(body, Waited)}
    return [*found.values()]


def late(taken: Sequence[Waited]) -> list[Waited]:
    """Commands whose middle time is beyond what is aimed at."""
    return [one for one in taken if one.most_s is not None and median(one.wall_s) > one.most_s]


def rows(taken: Sequence[Waited]) -> list[list[str]]:
    """Of each command: its times, and what they may be."""
    return [
        [
            one.command,
            f"{median(one.wall_s):.2f} s [{min(one.wall_s):.2f}, {max(one.wall_s):.2f}]",
            f"{median(one.cpu_s):.2f} s",
            f"{one.peak_mib:,.0f} MiB",
            "" if one.most_s is None else f"{one.most_s:g} s",
        ]
        for one in taken
    ]


HEAD = ("command", "from the shell, middle [least, most]", "processor", "memory", "aim")


def memory_factor(taken: Sequence[Waited]) -> float | None:
    """Times the memory of one call that its check took; None where one of both was not asked."""
    peaks = {one.command: one.peak_mib for one in taken}
    return peaks[CHECK_OF_IT] / peaks[ONE_CALL] if {CHECK_OF_IT, ONE_CALL} <= peaks.keys() else None


def memory_is_beyond(taken: Sequence[Waited]) -> bool:
    """Whether a check took more memory than it may."""
    return (memory_factor(taken) or 0.0) > MEMORY_FACTOR


def _show(taken: Sequence[Waited]) -> None:
    table = Table(*HEAD)
    for row in rows(taken):
        table.add_row(*row)
    out.print(table)
    if factor := memory_factor(taken):
        say_line(f"A check took {factor:.1f} times the memory of one call; {MEMORY_FACTOR:g} are aimed at.")
    for one in late(taken):
        say_line(f"LATE {one.command}: {median(one.wall_s):.2f} s, where {one.most_s:g} s are aimed at.")
