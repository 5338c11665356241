"""What the profiler says of two arms, and where the traces are."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from speedproof.cli.lines import out, say_line
from speedproof.report.operators import N_SHOWN, Difference
from speedproof.wording import memory, seconds, some


def show_operators(found: Sequence[Difference]) -> None:
    """The operators whose time moved most between each function's twins; neighbours on a ladder in a sentence."""
    for difference in found:
        arms = f"{difference.baseline.arm} to {difference.contender.arm}"
        stale = " (STALE: an arm has changed since)" if difference.is_stale else ""
        say_line(f"{difference.baseline.function}, {arms}{stale}: {difference.words}")
        if difference.is_twins and difference.changes:
            out.print(_table(difference))
    say_line("Times are the profiler's, of one call on a few items: where time goes, and no figures.")


def say_where(folder: Path, n_traces: int) -> None:
    """How the traces are opened."""
    say_line(f"{some(n_traces, 'trace')} under {folder}.")
    say_line("TensorBoard: make tensorboard, then the address it prints.")
    say_line(
        "Perfetto: open https://ui.perfetto.dev, 'Open trace file', and choose a *.pt.trace.json there; the file stays "
        "on this machine."
    )


def operators_as_json(difference: Difference) -> dict[str, Any]:
    """The difference as plain data: microseconds and bytes, before and after."""
    return {
        "function": difference.baseline.function,
        "baseline": difference.baseline.arm,
        "contender": difference.contender.arm,
        "workload": difference.baseline.workload.name,
        "items": difference.baseline.n_items,
        "stale": difference.is_stale,
        "words": difference.words,
        "operators": [
            {
                "operator": change.name,
                "became": change.word,
                "calls": change.counts,
                "self_us": change.self_us,
                "self_bytes": change.self_bytes,
            }
            for change in difference.changes
        ],
    }


def _table(difference: Difference) -> Table:
    table = Table("operator", "became", "calls", "own time, profiled", "memory")
    for change in difference.changes[:N_SHOWN]:
        calls = " to ".join(f"{n:,}" for n in change.counts)
        took = " to ".join(seconds(us / 1e6) for us in change.self_us)
        table.add_row(Text(change.name), change.word, calls, took, " to ".join(map(memory, change.self_bytes)))
    return table
