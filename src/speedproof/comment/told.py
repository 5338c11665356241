"""What a measuring job hands over: one JSON file that is only data.

Whoever opens a pull request can write this file as they like, since their code runs in the job that makes it. So every
text and every number in it is bounded, no field is unknown, and nothing of it decides where a comment goes.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from speedproof.errors import BadInput, SpeedproofError

FORMAT = 1
"""Number of the file's format; a file of another one is refused."""
MOST_BYTES = 2**18
"""Size of a file that is read: some ten times that of all functions with all that may be said of them."""
MOST_ROWS = 200
MOST_COUNTERS = 40
MOST_SPOTS = 10
MOST_WORDS = 12
MOST_NAME, MOST_TEXT = 120, 400
"""Characters of a name, and of a reason."""
FAR = 1e9
"""No factor is larger, nor its inverse."""
EXPECTED = "Expected what 'check', 'measure', 'compare' or 'guard' writes with --pull-request."

Name = Annotated[str, StringConstraints(max_length=MOST_NAME)]
Text = Annotated[str, StringConstraints(max_length=MOST_TEXT)]
Number = Annotated[int, Field(ge=0, le=10**15)]
Factor = Annotated[float, Field(ge=1 / FAR, le=FAR)]
Amount = Annotated[float, Field(ge=0, le=FAR)]


class Data(BaseModel):
    """What all parts of the file have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, hide_input_in_errors=True)


class Moved(Data):
    """A counter whose number is another one; None where that side has no such counter."""

    counter: Name
    before: Number | None
    after: Number | None
    stops: bool
    """Whether it stops the line."""


class Spot(Data):
    """An operator that moved, how often it was called before and after, and the line that calls it."""

    operator: Name
    before: Amount
    after: Amount
    line: Name = ""


class Timed(Data):
    """after / before in time, above 1 is slower, and what may be said of it."""

    says: Literal["slower", "faster", "alike", "undecided", "not confirmed"]
    factor: Factor
    low: Factor
    high: Factor
    would_have_shown: Factor | None = None
    """Change, as a share, that would have been seen, where it is undecided."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.low <= self.factor <= self.high:
            raise ValueError("a factor lies within its interval")
        return self


class Row(Data):
    """One function on two sides."""

    finding: Name = ""
    """What names it in a command, where it is one of the project's own."""
    again: tuple[Name, ...] = Field(default=(), max_length=MOST_WORDS)
    """Words of the command that asks for it, where it is a pair of somebody's own."""
    name: Name
    answers: Literal["same", "rounding", "different", "not judged"]
    why: Text = ""
    work: tuple[Moved, ...] = Field(default=(), max_length=MOST_COUNTERS)
    other: tuple[Name, ...] = Field(default=(), max_length=MOST_COUNTERS)
    """What was counted by name and is other in kind, as operators."""
    time: Timed | None = None
    """None where nothing was timed."""
    spots: tuple[Spot, ...] = Field(default=(), max_length=MOST_SPOTS)

    @property
    def row(self) -> str:
        """What it is called where a change of work is accepted: FUNCTION.TWIN, or a pair's name."""
        return self.name.replace(", ", ".")

    @property
    def is_wrong(self) -> bool:
        """Whether its answer is another one, or was not judged."""
        return self.answers in ("different", "not judged")

    @property
    def stops_by_work(self) -> bool:
        """Whether its work stops the line."""
        return any(one.stops for one in self.work)

    @property
    def time_says(self) -> str:
        """What may be said of its time; empty where nothing was timed."""
        return self.time.says if self.time else ""

    @property
    def order(self) -> tuple[bool, ...]:
        """The worst first."""
        settled = self.time_says in ("slower", "faster")
        return (not self.is_wrong, not self.stops_by_work, self.time_says != "slower", not settled, not self.work)


class Null(Data):
    """An A/A pair: one function against itself."""

    factor: Factor
    low: Factor
    high: Factor
    differs: bool


class Told(Data):
    """All that a comment is made of."""

    format: Annotated[int, Field(ge=FORMAT, le=FORMAT)] = FORMAT
    asked: Literal["commits", "libraries", "pairs"]
    """What was held against what: two commits of this project, two states of a library, or pairs of somebody's."""
    before: Name = ""
    after: Name = ""
    """Empty where it is what is checked out."""
    n_cores: Annotated[int, Field(ge=0, le=100_000)] = 0
    rows: tuple[Row, ...] = Field(default=(), max_length=MOST_ROWS)
    n_left_out: Number = 0
    """Rows that found no place in the file."""
    null: Null | None = None
    failure: Text = ""
    """Why nothing, or not all, could be judged."""

    @property
    def stops(self) -> bool:
        """Whether the line stops: other answers, or work that nobody accepted. Time never stops it."""
        return any(row.is_wrong or row.stops_by_work for row in self.rows)

    def without_void_times(self) -> Self:
        """The same without times, where the A/A pair differs: none of them counts then."""
        if not (self.null and self.null.differs):
            return self
        return self.model_copy(update={"rows": tuple(row.model_copy(update={"time": None}) for row in self.rows)})

    def with_more(self, more: "Told") -> "Told":
        """Both together, the worst rows first, and no more of them than may be."""
        rows = sorted((*self.rows, *more.rows), key=lambda row: row.order)
        return self.model_copy(
            update={
                "rows": tuple(rows[:MOST_ROWS]),
                "n_left_out": self.n_left_out + more.n_left_out + max(0, len(rows) - MOST_ROWS),
                "null": _worse(self.null, more.null),
                "failure": self.failure or more.failure,
            }
        )


def _worse(one: Null | None, other: Null | None) -> Null | None:
    """Of two A/A pairs the one that speaks for both: one that differs, else the wider."""
    known = [null for null in (one, other) if null]
    return max(known, key=lambda null: (null.differs, null.high / null.low), default=None)


def cut(text: str, most: int = MOST_TEXT) -> str:
    """At most so many characters of a text, in one line, as a file may hold them."""
    line = " ".join(text.encode("utf-8", "replace").decode().split())
    return line if len(line) <= most else f"{line[: most - 3]}..."


def read_told(path: Path) -> Told:
    """The file, if it holds nothing but what it may. Raises BadInput; the words hold nothing of the file's."""
    content = _content(path)
    try:
        return Told.model_validate_json(content)
    except ValidationError as error:
        raise BadInput(f"{path} is not what a comment is made of: {_first(error)}. {EXPECTED}") from None


def _content(path: Path) -> bytes:
    try:
        # A link could lead to any file of this machine, and whoever opens a pipe may wait for ever.
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}. {EXPECTED}") from None
    try:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise BadInput(f"{path} is no file. {EXPECTED}")
        with os.fdopen(opened, "rb", closefd=False) as file:
            content = file.read(MOST_BYTES + 1)
    finally:
        os.close(opened)
    if len(content) > MOST_BYTES:
        raise BadInput(f"{path} is larger than {MOST_BYTES:,} bytes. {EXPECTED}")
    return content


def _first(error: ValidationError) -> str:
    """Where the first thing is wrong, and what: the model's own words and names, none of the file's."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    known = {name for model in (Told, Row, Moved, Spot, Timed, Null) for name in model.model_fields}
    if first["loc"] == ("format",):
        return f"it is of another format than {FORMAT}"
    where = ".".join(str(part) if isinstance(part, int) or part in known else "?" for part in first["loc"])
    what = "it is no JSON" if first["type"] == "json_invalid" else first["type"].replace("_", " ")
    return f"{what}{f' at {where}' if where else ''}"


def add_told(path: Path, told: Told) -> None:
    """Adds to what the file holds, or writes it. Raises BadInput."""
    whole = (read_told(path).with_more(told) if path.exists() else told).model_dump_json()
    while len(whole) > MOST_BYTES:
        kept = Told.model_validate_json(whole)
        n = len(kept.rows) // 2
        rest = {"rows": kept.rows[:n], "n_left_out": kept.n_left_out + len(kept.rows) - n}
        whole = kept.model_copy(update=rest).model_dump_json()
    try:
        path.write_text(whole + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"--pull-request {path}: {error.strerror}. Expected a file that can be written.") from error


@contextmanager
def failures_told(path: Path | None, asked: Literal["commits", "libraries", "pairs"]) -> Iterator[None]:
    """Whoever reads the comment alone must see why there is no judgement."""
    try:
        yield
    except SpeedproofError as error:
        if path:
            add_told(path, Told(asked=asked, failure=cut(str(error))))
        raise


def in_order(rows: Sequence[Row]) -> tuple[tuple[Row, ...], int]:
    """The worst rows first, as many as may be, and how many that leaves out."""
    ordered = sorted(rows, key=lambda row: row.order)
    return tuple(ordered[:MOST_ROWS]), max(0, len(rows) - MOST_ROWS)
