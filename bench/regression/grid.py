"""Grids: sides that were held against one and the same, as records tell of them: a row a twin, a column a side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ..finding import TWINS, Finding
from ..record import Record
from ..two_sides import Compared, SideSeen
from .outcome import Outcome, outcomes

Change = Literal["same", "rounding", "work", "faster", "slower", "answers", "unsupported"]
CHANGES: Mapping[Change, str] = {
    "same": "nothing differs",
    "rounding": "answers differ within rounding",
    "work": "other work",
    "faster": "faster, confirmed",
    "slower": "slower, confirmed",
    "answers": "other answers",
    "unsupported": "cannot be had or run",
}
"""What a cell can say, the worst last."""


@dataclass(frozen=True)
class Column:
    """One side held against the grid's first, in its newest sitting."""

    side: SideSeen
    sitting: str
    found: Mapping[tuple[str, str], Outcome]
    """By function and twin."""

    @property
    def failure(self) -> str:
        """Why no twin could be compared, where it is one reason for all; else nothing."""
        reasons = {one.body.failure for one in self.found.values()}
        return reasons.pop() if len(reasons) == 1 else ""


@dataclass(frozen=True)
class Grid:
    """All sides that were held against `first`, in the order first recorded."""

    findings: tuple[Finding, ...]
    first: SideSeen
    columns: tuple[Column, ...]

    @property
    def abouts(self) -> list[tuple[str, str]]:
        """Function and twin of every row, in the findings' order."""
        known = [(pair.name, twin) for finding in self.findings for pair in finding.pairs for twin in TWINS]
        found = {about for column in self.columns for about in column.found}
        return [about for about in known if about in found] + sorted(found - set(known))


def change(one: Outcome) -> Change:
    """The worst of what an outcome tells."""
    answers = one.body.answers
    if answers is None:
        return "unsupported"
    if answers.status == "different":
        return "answers"
    if one.time == "slower":
        return "slower"
    if one.time == "faster":
        return "faster"
    if one.work:
        return "work"
    return "rounding" if answers.status == "rounding" else "same"


def grids(findings: Sequence[Finding], records: Sequence[Record]) -> tuple[Grid, ...]:
    """One for each side that others were held against; of a pair of sides the newest sitting counts."""
    sittings: dict[tuple[str, str], dict[str, list[Compared]]] = {}
    for record in records:
        body = record.body
        if isinstance(body, Compared):
            sides = (body.before.text, body.after.text)
            sittings.setdefault(sides, {}).setdefault(record.sitting, []).append(body)
    found: dict[str, tuple[SideSeen, list[Column]]] = {}
    for (before, _), by_sitting in sittings.items():
        sitting, bodies = list(by_sitting.items())[-1]
        column = Column(bodies[-1].after, sitting, {(o.body.function, o.body.twin): o for o in outcomes(bodies)})
        found.setdefault(before, (bodies[-1].before, []))[1].append(column)
    return tuple(Grid(tuple(findings), first, tuple(columns)) for first, columns in found.values())
