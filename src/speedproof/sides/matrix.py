"""The matrix: one table of dependency sets, each held against the first."""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from speedproof.errors import BadInput, SpeedproofError
from speedproof.folders import ROOT
from speedproof.pairs.question import Question
from speedproof.records.sides import Compared, SideSeen
from speedproof.wording import some

from .comparing import Pairing, asked_of_both
from .installing import Run
from .lockstep import Say
from .places import Place, places_or_reasons, required
from .side import Side, parse_side, tree_digest

FILE = ROOT / "bench" / "matrix.toml"


@dataclass(frozen=True)
class Column:
    """One dependency set: its name in the table, the side, and why it needs the pins that it has."""

    name: str
    side: str
    why: str = ""


def read_columns(path: Path = FILE) -> list[Column]:
    """The columns, the one that all others are held against first.

    Raises:
        BadInput: the file cannot be read, has fewer than two columns, or two of one name.
    """
    try:
        columns = [Column(**entry) for entry in tomllib.loads(path.read_text(encoding="utf-8"))["column"]]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise BadInput(
            f"{path} cannot be read: {error}. Expected TOML with [[column]] tables of name, side and why."
        ) from error
    if len(columns) < 2 or len({column.name for column in columns}) < len(columns):
        raise BadInput(f"{path} has {some(len(columns), 'column')}. Expected two or more, with different names.")
    return columns


def matrix(
    columns: Sequence[Column],
    questions: Sequence[Question],
    budget_s: float,
    seed: int,
    cache: Path,
    say: Say,
    run: Run | None = None,
) -> Iterator[Compared]:
    """Every column against the first, `budget_s` of timing each; without a budget, answers and work alone.

    A column that cannot be had is recorded with the reason, and the others go on.

    Raises:
        BadInput: a column's side cannot be read.
        Unsupported: the first column's environment cannot be made.
    """
    sides = [parse_side(column.side) for column in columns]
    found = places_or_reasons(sides, cache, say, run)
    first = required(found[0])
    asked = asked_of_both(questions)
    for number, (side, place) in enumerate(zip(sides[1:], found[1:], strict=True), start=1):
        left = {(question.function, question.arm): question for question in asked}
        try:
            for one in Pairing(first, required(place), asked, seed + number, say).compared(budget_s):
                del left[one.function, one.twin]
                yield one
        except SpeedproofError as error:
            yield from (unsupported(first, side, question, str(error)) for question in left.values())


def unsupported(first: Place, side: Side, question: Question, reason: str) -> Compared:
    """What is recorded of a side that there is no environment for, or none that starts."""
    return Compared(
        before=_unseen(first.side),
        after=_unseen(side),
        finding=question.finding,
        function=question.function,
        workload=question.workload,
        twin=question.arm,
        failure=reason,
    )


def _unseen(side: Side) -> SideSeen:
    return SideSeen(
        text=side.text, commit=side.commit, tree=tree_digest(side), requirements=side.requirements, versions={}
    )
