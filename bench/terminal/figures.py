"""What was measured: verdicts, sizes, ladders."""

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from ..comparison import Comparison
from ..report import Report
from ..row import Row
from ..sweep import WORDS, Sweep
from ..waterfall import Waterfall
from ..wording import figure, seconds, speedup
from .lines import out, say_line


def show_rows(built: Report) -> None:
    """The verdicts, and the A/A line."""
    table = Table("#", "function", "claimed", "measured, 95% interval", "sequential", "batched", "verdict", "claim")
    for row in built.rows:
        compared = row.comparison
        times = [seconds(s) for s in (compared.baseline_s, compared.contender_s)] if compared else ["", ""]
        said = Text(f"{row.verdict}{f' ({row.reason})' if row.reason else ''}")
        number = str(row.finding.number)
        table.add_row(number, row.pair.name, row.claimed, Text(row.measured), *times, said, row.outcome)
    out.print(table)
    for row in built.rows:
        if row.beside:
            took = f" ({row.beside.careful_s} careful)" if row.beside.careful_s else ""
            say_line(f"{row.pair.name}, against a careful loop: {row.beside.told}{took}")
    for line in built.advice:
        say_line(f"What on the machine may be wrong: {line}")
    say_line(
        f"A/A: {built.null_words}. Controls rejected: {built.separation.n_killed} of {len(built.separation.wrong)}."
    )
    if built.rejections:
        say_line(f"Valid rewrites rejected: {built.all_rejections.words}.")


def show_sweeps(swept: Sequence[Sweep]) -> None:
    """Each series' points, and where the batched twin loses."""
    for sweep in swept:
        table = Table(sweep.series.unit, "sequential", "batched", "speed-up, 95% interval", "outcome")
        for point in sweep.points:
            told = [Text(f"withheld ({point.reason})")] if point.comparison is None else [Text(WORDS[point.outcome])]
            figures = ["", "", ""]
            if point.comparison:
                times = [seconds(s) for s in (point.comparison.baseline_s, point.comparison.contender_s)]
                figures = [*times, speedup(point.comparison)]
            table.add_row(f"{point.size:,}", *map(Text, figures), *told)
        say_line(f"{sweep.series.function}, {sweep.series.title}")
        out.print(table)
        say_line(f"{sweep.crossover}.")
        for twin, exponent in zip(("sequential", "batched"), sweep.exponents or (), strict=False):
            grows = f"{exponent.value:.2f} [{exponent.low:.2f}, {exponent.high:.2f}]"
            say_line(f"{twin} grows with the power {grows} over {exponent.smallest:,} to {exponent.largest:,}.")


def row_as_json(row: Row) -> dict[str, Any]:
    """A verdict as plain data; no figure where there is none to be told."""
    told = row.comparison if row.measured else None
    return {
        "finding": row.finding.name,
        "function": row.pair.name,
        "claimed": row.claimed,
        "verdict": row.verdict.value,
        "reason": row.reason,
        "speedup": told.speedup if told else None,
        "interval": told.interval if told else None,
        "claim": row.outcome,
        "careful": _beside_as_json(row),
    }


def _beside_as_json(row: Row) -> dict[str, Any] | None:
    if not row.beside:
        return None
    told = row.beside.comparison if row.beside.careful_s else None
    arms = {"baseline": row.beside.baseline, "contender": row.beside.contender}
    found = {"verdict": row.beside.verdict.value, "reason": row.beside.reason}
    return {**arms, **found, **_speedup_as_json(told)}


def _speedup_as_json(told: Comparison | None) -> dict[str, Any]:
    return {
        "speedup": told.speedup if told else None,
        "interval": told.interval if told else None,
        "baseline_s": told.baseline_s if told else None,
        "contender_s": told.contender_s if told else None,
    }


def show_waterfall(fall: Waterfall) -> None:
    """A ladder's rungs: what each adds, what that bought, and the work that is left."""
    out.print(Text(f"{fall.finding.number}. {fall.finding.title} ({fall.pair.name})"))
    table = Table("rung", "adds", "its own factor", "in all", "per call", "verdict")
    work = Table("rung", *(name.replace("_", " ") for name in fall.counters))
    for step in fall.steps:
        in_all = f"{figure(step.in_all)}x" if step.in_all else ""
        said = step.verdict.value if step.verdict else ""
        table.add_row(step.rung.name, step.rung.adds, Text(step.factor), in_all, step.seconds, said)
        if step.counts:
            work.add_row(step.rung.name, *(f"{step.counts[name]:,}" for name in fall.counters))
    out.print(table)
    out.print(work)
    for step in fall.steps:
        if step.reason:
            say_line(f"{step.rung.name}: {step.verdict} ({step.reason})")
    null = f"{figure(fall.null.speedup)}x, {'differs: void' if fall.null_differs else 'alike'}" if fall.null else "none"
    say_line(f"A/A: {null}")


def waterfall_as_json(fall: Waterfall) -> dict[str, Any]:
    """A ladder's figures as plain data."""
    return {
        "finding": fall.finding.name,
        "function": fall.pair.name,
        "sitting": fall.sitting.sitting,
        "null_differs": fall.null_differs,
        "rungs": [
            {
                "rung": step.rung.name,
                "adds": step.rung.adds,
                "verdict": step.verdict.value if step.verdict else None,
                "reason": step.reason,
                "baseline": step.baseline or None,
                **_speedup_as_json(step.comparison),
                "in_all": step.in_all,
                "counts": dict(step.counts) if step.counts else None,
            }
            for step in fall.steps
        ],
    }
