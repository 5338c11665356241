"""Records: append-only JSON lines, one file per machine, everything else derived on reading."""

import heapq
import json
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, reduce
from operator import or_
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError, WithJsonSchema, create_model
from pydantic_core import from_json

from speedproof.clock import now
from speedproof.environment import Environment
from speedproof.errors import RecordProblem, Uncertified, unknown
from speedproof.pairs.workload import Workload

from .base import About, Body, Unknown
from .journal import append, foreign, lines, value_of
from .kinds import KINDS

FORMAT = 2
"""Number of this format. A reader refuses any other rather than guess."""
EXAMPLE = "2026-11-23T18:00:00+00:00"
MOST_SHOWN = 40
"""Characters of what is damaged that are shown."""


Moment = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""When a record was written: ISO 8601 with a time zone, as `clock.now` has it and reading demands it."""


class Record(BaseModel):
    """One line of a record file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[2] = 2
    written: Moment
    sitting: str
    environment: Environment
    body: SerializeAsAny[Body]

    @property
    def kind(self) -> str:
        """What the record says, in a word."""
        return self.body.kind

    @property
    def about(self) -> About:
        """What it is about; empty where it is about no finding."""
        return self.body.about

    @property
    def finding(self) -> str:
        """The finding that it is about, or an empty string."""
        return self.about.finding

    @property
    def function(self) -> str:
        """The function that it is about, or an empty string."""
        return self.about.function

    @property
    def workload(self) -> Workload | None:
        """The workload that it is about, if it is about one."""
        return self.about.workload


@dataclass(frozen=True)
class Ledger:
    """What a results folder holds: the records that could be read, and the lines that could not."""

    records: tuple[Record, ...]
    problems: tuple[str, ...]

    @property
    def unknown(self) -> dict[str, int]:
        """How many records there are of each kind that the reader does not know. They are kept; nothing reads them."""
        return dict(Counter(record.kind for record in self.records if isinstance(record.body, Unknown)))

    def filter(
        self,
        kind: str | None = None,
        finding: str | None = None,
        workload: str | None = None,
        subject: str | None = None,
        sitting: str | None = None,
        since: datetime | None = None,
    ) -> "Ledger":
        """The records that are all of what is given, in the order written. `since` needs a time zone.

        Raises:
            BadInput: no record has such a kind, finding, workload, subject or sitting; the error lists those there are.
        """
        wanted = {"kind": kind, "finding": finding, "workload": workload, "subject": subject, "sitting": sitting}
        kept = self.records
        for what, name in wanted.items():
            if name is not None:
                known = {_NAMES[what](record) for record in self.records} - {""}
                if name not in known:
                    raise unknown(f"{what} among the {len(self.records)} records", name, sorted(known))
                kept = tuple(record for record in kept if _NAMES[what](record) == name)
        if since is not None:
            kept = tuple(record for record in kept if datetime.fromisoformat(record.written) >= since)
        return Ledger(kept, self.problems)


_NAMES: dict[str, Callable[[Record], str]] = {
    "kind": lambda record: record.kind,
    "finding": lambda record: record.finding,
    "workload": lambda record: record.workload.name if record.workload else "",
    "subject": lambda record: record.workload.subject if record.workload else "",
    "sitting": lambda record: record.sitting,
}


@dataclass(frozen=True)
class Recorder:
    """Appends the records of one sitting to this machine's file."""

    results: Path
    environment: Environment
    sitting: str

    def require_usable(self) -> None:
        """Raises RecordProblem before hours are spent on figures that cannot be kept, or not be read afterwards."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab"):
                pass
        except OSError as error:
            raise self._not_writable(error) from error
        require_known_formats(self.results)

    def write(self, body: Any) -> Record:
        """One whole line, under a lock, forced to the disk. Raises RecordProblem; earlier lines are never touched."""
        record = Record(written=now(), sitting=self.sitting, environment=self.environment, body=body)
        try:
            append(self._path, record.model_dump_json().encode() + b"\n")
        except OSError as error:
            raise self._not_writable(error) from error
        return record

    @property
    def _path(self) -> Path:
        return self.results / "records" / f"{self.environment.machine}.jsonl"

    def _not_writable(self, error: OSError) -> RecordProblem:
        return RecordProblem(
            f"Cannot write {self._path}: {error.strerror}. Expected a writable folder with free space. "
            "Nothing recorded earlier is lost. Free space, or choose another folder with --results."
        )


def read(results: Path, kinds: Sequence[type[Body]] = KINDS) -> Ledger:
    """All records below `results`, those of all files in the order of time; what cannot be read is told and skipped.

    Within a file its own order stands, as where a clock was set back. The files' names have no say in which is newest.
    A record of a kind that is none of `kinds` is kept, its body as it stands in the file.

    Raises:
        RecordProblem: a line has a format number that this version does not know.
    """
    files: list[list[Record]] = []
    problems: list[str] = []
    for path in sorted((results / "records").glob("*.jsonl")):
        told, skipped = _read(path, tuple(kinds))
        files.append(told)
        problems += skipped
    in_time = heapq.merge(*files, key=lambda record: datetime.fromisoformat(record.written))
    return Ledger(tuple(in_time), tuple(problems))


def require_known_formats(results: Path) -> None:
    """Raises RecordProblem where any line is of a format that this version does not know, so that no work is done whose
    records could not be read. What else may be wrong with a line is told when it is read."""
    usual = b'{"format":%d,' % FORMAT
    for path in sorted((results / "records").glob("*.jsonl")):
        with suppress(OSError):
            for number, line in lines(path):
                if not line.startswith(usual):
                    with suppress(ValueError, RecursionError):
                        _require_format(value_of(line), f"{path.name}:{number}")


def _read(path: Path, kinds: tuple[type[Body], ...]) -> tuple[list[Record], list[str]]:
    """The records of a file, and a line for each of its lines that is none, or one for a file of another kind."""
    records: list[Record] = []
    problems: list[str] = []
    try:
        told, kind = list(lines(path)), foreign(path)
    except OSError as error:
        return [], [f"{path.name} skipped: {error.strerror}. Expected a record file: mend it, or move it away."]
    for number, line in told:
        try:
            records.append(_parse(line, f"{path.name}:{number}", kinds))
        except (ValueError, RecursionError, Uncertified) as error:
            problems.append(f"{path.name}:{number} skipped: {_first_line(error)}")
    if problems and kind:
        problems = [f"{path.name} skipped: it is {kind}, and {len(problems)} lines of it are no records."]
    return records, problems


def schema(kinds: Sequence[type[Body]] = KINDS) -> str:
    """The JSON Schema of one line whose body is one of these kinds."""
    return json.dumps(_form(tuple(kinds)).model_json_schema(), indent=2, sort_keys=True) + "\n"


@cache
def _form(kinds: tuple[type[Body], ...]) -> type[Record]:
    """What a line must be whose body is one of these kinds."""
    body = (reduce(or_, kinds), Field(discriminator="kind"))
    return create_model("Record", __base__=Record, __doc__=Record.__doc__, body=body)


def _parse(line: bytes, place: str, kinds: tuple[type[Body], ...]) -> Record:
    data = value_of(line)
    _require_format(data, place)
    kind = _kind(data)
    if kind is None or any(kind == known.model_fields["kind"].default for known in kinds):
        record = Record(**dict(_form(kinds).model_validate_json(line)))
    else:
        told = from_json(line)
        said = {name: value for name, value in told["body"].items() if name != "kind"}
        record = Record.model_validate(told | {"body": Unknown(kind=kind, said=said)})
    _require_moment(record.written)
    return record


def _require_format(data: Any, place: str) -> None:
    """Raises RecordProblem where a line says that it is of a format that this version does not know."""
    form = data.get("format") if isinstance(data, dict) else None
    if isinstance(form, int) and not isinstance(form, bool) and form != FORMAT:
        raise RecordProblem(
            f"{place} has record format {form}. Expected {FORMAT}. It was written by another version of "
            "speedproof: read it with that version, or move the file out of results/records."
        )


def _kind(data: Any) -> str | None:
    """What kind a line says that it is of, if it says so."""
    body = data.get("body") if isinstance(data, dict) else None
    kind = body.get("kind") if isinstance(body, dict) else None
    return kind if isinstance(kind, str) else None


def _require_moment(written: str) -> None:
    """Raises ValueError for what cannot be put in order with other moments, or is none."""
    try:
        moment = datetime.fromisoformat(written)
        moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"written: {written[:MOST_SHOWN]!r} is no moment. Expected one such as {EXAMPLE}") from error
    if moment.tzinfo is None:
        raise ValueError(f"written: {written!r} has no time zone. Expected a moment such as {EXAMPLE}")


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        # What is not there says more than what is wrong with the rest.
        first = min(error.errors(), key=lambda one: one["type"] != "missing")
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    said = str(error).splitlines()[0]
    return f"not whole JSON ({said})" if isinstance(error, json.JSONDecodeError | UnicodeDecodeError) else said
