"""Records: append-only JSON lines, one file per machine, everything else derived on reading."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from .bodies import Body, Certified, Counted, Judged, Measured, Mutated, Needed, Refused, Rewritten
from .clock import now
from .environment import Environment
from .errors import RecordProblem, Uncertified, unknown
from .journal import append, lines
from .traced import Traced
from .workload import Workload

FORMAT = 2
"""Number of this format. A reader refuses any other rather than guess."""


class Record(BaseModel):
    """One line of a record file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[2] = 2
    written: str
    sitting: str
    environment: Environment
    body: Body

    @property
    def kind(self) -> str:
        """What the record says, in a word."""
        return self.body.kind

    @property
    def finding(self) -> str:
        """The finding that it is about, or an empty string."""
        return str(getattr(self._about, "finding", ""))

    @property
    def function(self) -> str:
        """The function that it is about, or an empty string."""
        return str(getattr(self._about, "function", ""))

    @property
    def workload(self) -> Workload | None:
        """The workload that it is about, if it is about one."""
        return getattr(self._about, "workload", None)

    @property
    def _about(self) -> Any:
        return getattr(self.body, "certificate", self.body)


@dataclass(frozen=True)
class Ledger:
    """What a results folder holds: the records that could be read, and the lines that could not."""

    records: tuple[Record, ...]
    problems: tuple[str, ...]

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

    def require_writable(self) -> None:
        """Raises RecordProblem before hours are spent on figures that cannot be kept."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab"):
                pass
        except OSError as error:
            raise self._not_writable(error) from error

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


def read(results: Path) -> Ledger:
    """All records below `results`, oldest file first in name order, damaged lines reported and skipped.

    Raises:
        RecordProblem: a line has a format number that this version does not know, or a file cannot be read.
    """
    records: list[Record] = []
    problems: list[str] = []
    for path in sorted((results / "records").glob("*.jsonl")):
        for number, line in _lines(path):
            try:
                records.append(_parse(line, f"{path.name}:{number}"))
            except (ValueError, Uncertified) as error:
                problems.append(f"{path.name}:{number} skipped: {_first_line(error)}")
    return Ledger(tuple(records), tuple(problems))


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        yield from lines(path)
    except OSError as error:
        raise RecordProblem(
            f"Cannot read {path}: {error.strerror}. Expected a record file. Make it readable, or move it away."
        ) from error


def latest(records: Sequence[Record], kind: type[Any]) -> dict[tuple[str, ...], Record]:
    """The newest record of each thing that bodies of that kind are about."""
    newest: dict[tuple[str, ...], Record] = {}
    for record in records:
        if isinstance(record.body, kind):
            newest[_about(record.body)] = record
    return newest


def schema() -> str:
    """The JSON Schema of one line."""
    return json.dumps(Record.model_json_schema(), indent=2, sort_keys=True) + "\n"


def _about(body: Any) -> tuple[str, ...]:
    if isinstance(body, Measured | Certified):
        c = body.certificate
        arms = body.arms if isinstance(body, Measured) else ("", c.twin)
        return (c.finding, c.function, c.workload.name, c.workload.subject, *arms)
    if isinstance(body, Judged):
        return (body.finding, body.control)
    if isinstance(body, Mutated):
        return (body.module,)
    if isinstance(body, Rewritten):
        return (body.finding, body.subject)
    if isinstance(body, Traced):
        return (body.finding, body.function, body.workload.name, body.workload.subject, body.arm)
    if isinstance(body, Refused | Counted | Needed):
        about = (body.finding, body.function, body.workload.name, body.workload.subject)
        return (*about, body.baseline, body.twin) if isinstance(body, Refused) else about
    return ()


def _parse(line: bytes, place: str) -> Record:
    data = json.loads(line)
    if isinstance(data, dict) and data.get("format") not in (None, FORMAT):
        raise RecordProblem(
            f"{place} has record format {data['format']!r}. Expected {FORMAT}. It was written by another version of "
            "speedproof: read it with that version, or move the file out of results/records."
        )
    return Record.model_validate_json(line)


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error) if isinstance(error, Uncertified) else f"not whole JSON ({str(error).splitlines()[0]})"
