"""What was measured: verdicts, sizes, ladders."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from speedproof.cli.lines import out, say_line
from speedproof.report.figure import Figure
from speedproof.report.ladder import Waterfall
from speedproof.report.page.conclusion import outcome
from speedproof.report.row import Row
from speedproof.report.sweep import WORDS, Sweep
from speedproof.timing.comparison import Comparison
from speedproof.wording import digits, seconds

if TYPE_CHECKING:
    from speedproof.report.report import Report


def show_rows(built: "Report") -> None:
    """The verdicts, and the A/A line."""
    table = Table("#", "function", "claimed", "measured, 95% interval", "sequential", "batched", "verdict", "claim")
    for row in built.rows:
        compared = row.figure.comparison
        times = [seconds(s) for s in (compared.baseline_s, compared.contender_s)] if compared else ["", ""]
        said = Text(row.figure.told)
        number = str(row.finding.number)
        table.add_row(number, row.pair.name, row.claimed, Text(row.figure.words), *times, said, outcome(row))
    out.print(table)
    for row in built.rows:
        if row.careful:
            took = f" ({row.careful_s} careful)" if row.careful_s else ""
            say_line(f"{row.pair.name}, against a careful loop: {row.against_careful}{took}")
    for line in built.advice:
        say_line(f"What on the machine may be wrong: {line}")
    say_line(
        f"A/A: {built.null_words}. Controls rejected: {built.separation.n_killed} of {len(built.separation.wrong)}."
    )
    for extra in built.extras:
        if extra.told.line:
            say_line(extra.told.line)


def show_sweeps(swept: Sequence[Sweep]) -> None:
    """Each series' points, and where the batched twin loses."""
    for sweep in swept:
        table = Table(sweep.series.unit, "sequential", "batched", "speed-up, 95% interval", "outcome")
        for point in sweep.points:
            told = (
                [Text(f"withheld ({point.figure.why})")] if point.comparison is None else [Text(WORDS[point.outcome])]
            )
            figures = ["", seconds(point.alone.seconds) if point.alone else "", ""]
            if point.comparison:
                times = [seconds(s) for s in (point.comparison.baseline_s, point.comparison.contender_s)]
                figures = [*times, point.comparison.words]
            table.add_row(f"{point.size:,}", *map(Text, figures), *told)
        say_line(f"{sweep.series.function}, {sweep.series.title}")
        out.print(table)
        say_line(f"{sweep.crossover}.")
        if sweep.alone:
            say_line(f"{sweep.alone}.")
        for twin, exponent in zip(("sequential", "batched"), sweep.exponents or (), strict=False):
            if exponent is None:
                continue
            grows = f"{exponent.value:.2f} [{exponent.low:.2f}, {exponent.high:.2f}]"
            say_line(f"{twin} grows with the power {grows} over {exponent.smallest:,} to {exponent.largest:,}.")


def row_as_json(row: Row) -> dict[str, Any]:
    """A verdict as plain data; no figure where there is none to be told."""
    told = row.figure.comparison
    return {
        "finding": row.finding.name,
        "function": row.pair.name,
        "claimed": row.claimed,
        "verdict": row.figure.verdict.value,
        "reason": row.figure.why,
        "speedup": told.speedup if told else None,
        "interval": told.interval if told else None,
        "n_pairs": told.n_pairs if told else None,
        "n_disturbed_pairs": told.n_disturbed if told else None,
        "slow_share": told.slow_share if told else None,
        "claim": outcome(row),
        "careful": _careful_as_json(row.careful) if row.careful else None,
    }


def _careful_as_json(careful: Figure) -> dict[str, Any]:
    arms = dict(zip(("baseline", "contender"), careful.about.arms, strict=True))
    found = {"verdict": careful.verdict.value, "reason": careful.why}
    return {**arms, **found, **_speedup_as_json(careful.comparison)}


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
        in_all = f"{digits(step.in_all)}x" if step.in_all else ""
        said = step.figure.verdict.word if step.figure else ""
        took = seconds(step.seconds) if step.seconds else ""
        table.add_row(step.rung.name, step.rung.adds, Text(step.factor), in_all, took, said)
        if step.counts:
            work.add_row(step.rung.name, *(f"{step.counts[name]:,}" for name in fall.counters))
    out.print(table)
    out.print(work)
    for step in fall.steps:
        if step.figure and step.figure.told != step.figure.verdict.word:
            say_line(f"{step.rung.name}: {step.figure.told}")
    say_line(f"A/A: {fall.sitting.null.words if fall.sitting.null else 'none'}")


def waterfall_as_json(fall: Waterfall) -> dict[str, Any]:
    """A ladder's figures as plain data."""
    return {
        "finding": fall.finding.name,
        "function": fall.pair.name,
        "sitting": fall.sitting.name,
        "null_differs": fall.sitting.is_void,
        "rungs": [
            {
                "rung": step.rung.name,
                "adds": step.rung.adds,
                "verdict": step.figure.verdict.value if step.figure else None,
                "reason": step.figure.why if step.figure else "",
                "baseline": step.baseline or None,
                **_speedup_as_json(step.comparison),
                "in_all": step.in_all,
                "counts": dict(step.counts) if step.counts else None,
            }
            for step in fall.steps
        ],
    }
