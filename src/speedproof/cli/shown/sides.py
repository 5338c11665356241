"""What a person sees of two sides: tables, or the same as plain data."""

import math
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from speedproof.cli.lines import out, say_line
from speedproof.sides.outcome import Outcome
from speedproof.wording import moved, seconds


def show_outcomes(found: Sequence[Outcome]) -> None:
    """What changed between two sides, and below it where a change of time comes from."""
    table = Table("function", "twin", "answers", "work", "after / before, 95% interval", "time")
    for one in found:
        told = ""
        if one.slowdown:
            low, high = one.slowdown.interval
            told = f"{one.slowdown.factor:.3f} [{low:.3f}, {high:.3f}]"
        cells = (one.answers, "; ".join(one.work) or "same", told, one.time_told)
        table.add_row(one.body.function, one.body.twin, *map(Text, cells))
    if found:
        for name, side in (("before", found[0].body.before), ("after", found[0].body.after)):
            versions = ", ".join(f"{package} {version}" for package, version in side.versions.items())
            say_line(f"{name}: {side.text} ({versions})")
    out.print(table)
    for one in found:
        if one.body.hotspots:
            say_line(f"{one.body.function}, {one.body.twin}: what moved, a call")
            _show_hotspots(one)


def show_matrix(first: str, columns: Sequence[tuple[str, Sequence[Outcome]]]) -> None:
    """One row for each twin of each function, one column for each dependency set, held against the first."""
    table = Table("function", "twin", *(f"{name}, against {first}" for name, _ in columns))
    cells: dict[tuple[str, str], list[Text]] = {}
    for _, found in columns:
        for one in found:
            told = f" {one.slowdown.factor:.3f}x" if one.slowdown else ""
            text = one.answers if one.body.answers is None else f"{one.answers}; {_work(one)}; {one.time_told}{told}"
            cells.setdefault((one.body.function, one.body.twin), []).append(Text(text))
    for about, texts in cells.items():
        table.add_row(*about, *texts)
    out.print(table)


def _work(one: Outcome) -> str:
    return "; ".join(one.work) or "same work"


def _show_hotspots(one: Outcome) -> None:
    table = Table("operator", "times", "self time", "called from")
    for spot in one.body.hotspots:
        table.add_row(
            spot.operator, moved(spot.count), " to ".join(seconds(us / 1e6) for us in spot.self_us), *spot.lines[:1]
        )
    out.print(table)


def outcome_as_json(one: Outcome) -> dict[str, object]:
    """An outcome as plain data."""
    told = one.slowdown
    return {
        "finding": one.body.finding,
        "function": one.body.function,
        "twin": one.body.twin,
        "answers": one.body.answers.model_dump() if one.body.answers else None,
        "failure": one.body.failure,
        "work": {name: pair for name, pair in one.body.counts.items() if pair[0] != pair[1]},
        "operators": one.body.tables,
        "time": one.time,
        "margin": one.margin,
        "would_have_shown": told.detectable if told and math.isfinite(told.detectable) else None,
        "slowdown": told.factor if told else None,
        "interval": told.interval if told else None,
        "hotspots": [spot.model_dump() for spot in one.body.hotspots],
        "changed": one.changed,
    }
