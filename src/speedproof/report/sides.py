"""Grids: sides that were held against one and the same, as records tell of them: a row a twin, a column a side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from speedproof.pairs.finding import TWINS
from speedproof.records.sides import Compared, SideSeen
from speedproof.sides.outcome import Outcome, outcomes

from .asked import Asked
from .sittings import RecordedSitting, that_counts

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
    sitting: RecordedSitting
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

    first: SideSeen
    columns: tuple[Column, ...]
    abouts: tuple[tuple[str, str], ...]
    """Function and twin of every row, in the findings' order."""

    @property
    def machines(self) -> str:
        """The machines that the columns were measured on, most often one."""
        return "; ".join(dict.fromkeys(column.sitting.machine for column in self.columns))


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


def grids(among: Sequence[RecordedSitting], asked: Asked) -> tuple[Grid, ...]:
    """One for each side that others were held against; of a pair of sides the newest sitting counts.

    Only what was asked on the subject counts, or on the workloads' own where none is named.
    """
    held = [body for sitting in among for body in sitting.of(Compared) if _is_of(body, asked)]
    found: dict[str, list[tuple[SideSeen, Column]]] = {}
    for before, after in dict.fromkeys((body.before.text, body.after.text) for body in held):
        compared = partial(_compared, asked)
        sitting = that_counts(among, [(before, after)], compared)
        bodies = compared(sitting, (before, after)) if sitting else []
        if sitting and bodies:
            told = {(one.body.function, one.body.twin): one for one in outcomes(bodies)}
            found.setdefault(before, []).append((bodies[-1].before, Column(bodies[-1].after, sitting, told)))
    return tuple(_grid(columns[0][0], [column for _, column in columns], asked) for columns in found.values())


def _compared(asked: Asked, sitting: RecordedSitting, sides: tuple[str, str]) -> list[Compared]:
    held = (body for body in sitting.of(Compared) if _is_of(body, asked))
    return [body for body in held if (body.before.text, body.after.text) == sides]


def _is_of(body: Compared, asked: Asked) -> bool:
    own = {workload.subject for _, pair in asked.pairs for workload in pair.workloads}
    return body.workload.subject in ({asked.subject} if asked.subject else own)


def _grid(first: SideSeen, columns: Sequence[Column], asked: Asked) -> Grid:
    found = {about for column in columns for about in column.found}
    known = [(pair.name, twin) for _, pair in asked.pairs for twin in TWINS]
    return Grid(first, tuple(columns), (*(about for about in known if about in found), *sorted(found - set(known))))
