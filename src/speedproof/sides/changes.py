"""Changes of work: counters held against a commit's or a file's, and those that somebody has accepted."""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from speedproof.errors import BadInput
from speedproof.records.kinds import Counted
from speedproof.records.sides import Compared

Counts = Mapping[str, int]
"""FUNCTION.TWIN.COUNTER -> number."""


class Baseline(BaseModel):
    """What a file of counts holds: the numbers, and the versions that they were taken with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = 1
    versions: dict[str, str]
    counts: dict[str, int]


class Acceptance(BaseModel):
    """That a change is wanted: which row, from which number to which, who says so and why. None is: no such row."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    row: str
    before: int | None = None
    after: int | None = None
    who: str
    why: str


@dataclass(frozen=True)
class Change:
    """A counter whose number moved. None where it does not exist on that side."""

    row: str
    before: int | None
    after: int | None
    accepted: Acceptance | None = None

    @property
    def kind(self) -> str:
        """`more work`, `less work`, `vanished` or `new`."""
        if self.before is None:
            return "new"
        if self.after is None:
            return "vanished"
        return "more work" if self.after > self.before else "less work"

    @property
    def stops(self) -> bool:
        """Whether it stops the line: all do but new rows, less work too, until somebody accepts it.

        Less work that nobody expected is often work that is no longer done.
        """
        return self.kind != "new" and self.accepted is None

    @property
    def words(self) -> str:
        """One line."""
        sides = " to ".join("none" if n is None else f"{n:,}" for n in (self.before, self.after))
        told = f", accepted by {self.accepted.who}: {self.accepted.why}" if self.accepted else ""
        return f"{self.row}: {sides} ({self.kind}{told})"


def changes(before: Counts, after: Counts, accepted: Sequence[Acceptance] = ()) -> list[Change]:
    """Every row whose number is not the same on both sides."""
    by_change = {(a.row, a.before, a.after): a for a in accepted}
    found = []
    for row in dict.fromkeys([*before, *after]):
        sides = before.get(row), after.get(row)
        if sides[0] != sides[1]:
            found.append(Change(row, *sides, by_change.get((row, *sides))))
    return found


def counts_of(counted: Sequence[Counted]) -> dict[str, int]:
    """Counts as a sitting took them, by row."""
    return {
        f"{one.function}.{twin}.{name}": number
        for one in counted
        for twin, numbers in one.counts.items()
        for name, number in numbers.items()
    }


def counts_of_sides(compared: Sequence[Compared]) -> tuple[dict[str, int], dict[str, int]]:
    """Counts before and after, by row."""
    sides: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for one in compared:
        for name, pair in one.counts.items():
            for side, number in zip(sides, pair, strict=True):
                if number is not None:
                    side[f"{one.function}.{one.twin}.{name}"] = number
    return sides


def read_baseline(path: Path) -> Baseline:
    """A file of counts. Raises BadInput."""
    try:
        return Baseline.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        told = error.strerror if isinstance(error, OSError) else "it is no file of counts"
        raise BadInput(
            f"--against {str(path)!r} cannot be read: {told}. Expected what 'python -m bench guard --save FILE' "
            "writes, or a commit."
        ) from error


def save_baseline(path: Path, baseline: Baseline) -> None:
    """Writes a file of counts, one row a line, so that a change shows as one. Raises BadInput."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(baseline.model_dump(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"--save {str(path)!r}: {error.strerror}. Expected a file that can be written.") from error


def read_accepted(path: Path) -> list[Acceptance]:
    """The accepted changes; none where there is no file. Raises BadInput."""
    if not path.exists():
        return []
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("accepted", [])
        return [Acceptance(**entry) for entry in entries]
    except (OSError, tomllib.TOMLDecodeError, ValidationError, TypeError) as error:
        raise BadInput(
            f"{path} cannot be read: {str(error).splitlines()[0]}. Expected [[accepted]] tables with row, before, "
            "after, who and why."
        ) from error


def require_reason(who: str, why: str) -> None:
    """Raises BadInput where nobody accepts, or for no reason."""
    if not who.strip() or not why.strip():
        raise BadInput("An accepted change needs --who and --why. Expected words that a reader in a year understands.")


def write_accepted(path: Path, found: Sequence[Change], who: str, why: str) -> None:
    """Adds the changes to the file, which is to be committed. Raises BadInput."""
    require_reason(who, why)
    try:
        with path.open("a", encoding="utf-8") as file:
            file.writelines(_entry(change, who, why) for change in found)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}. Expected a file that can be written.") from error


def _entry(change: Change, who: str, why: str) -> str:
    lines = ["\n[[accepted]]", f"row = {_quoted(change.row)}"]
    sides = (("before", change.before), ("after", change.after))
    lines += [f"{name} = {number}" for name, number in sides if number is not None]
    return "\n".join([*lines, f"who = {_quoted(who)}", f"why = {_quoted(why)}", ""])


def _quoted(text: str) -> str:
    # A TOML basic string is written as JSON writes its own.
    return json.dumps(text, ensure_ascii=True)


def lines_of(found: Sequence[Change]) -> Iterator[str]:
    """What stops the line first."""
    yield from (change.words for change in sorted(found, key=lambda change: (not change.stops, change.row)))


def as_json(change: Change) -> dict[str, Any]:
    """A change as plain data."""
    return {
        "row": change.row,
        "before": change.before,
        "after": change.after,
        "kind": change.kind,
        "stops": change.stops,
        "accepted": change.accepted.model_dump() if change.accepted else None,
    }
