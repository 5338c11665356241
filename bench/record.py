"""Records: append-only JSON lines, one file per machine, everything else derived on reading."""

import fcntl
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from .bodies import Body, Certified, Counted, Judged, Measured, Mutated, Refused, Rewritten
from .clock import now
from .environment import Environment
from .errors import RecordProblem, Uncertified

FORMAT = 2
"""Number of this format. A reader refuses any other rather than guess."""
RESULTS = Path(os.environ.get("SPEEDPROOF_RESULTS", Path(__file__).resolve().parent.parent / "results"))


class Record(BaseModel):
    """One line of a record file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[2] = 2
    written: str
    sitting: str
    environment: Environment
    body: Body


@dataclass(frozen=True)
class Ledger:
    """What a results folder holds: the records that could be read, and the lines that could not."""

    records: tuple[Record, ...]
    problems: tuple[str, ...]


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


def append(path: Path, line: bytes) -> None:
    """Appends `line`, first ending a line that a crash cut short. If the disk fills up, the part written is undone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        end = file.seek(0, os.SEEK_END)
        if end:
            file.seek(end - 1)
            line = line if file.read(1) == b"\n" else b"\n" + line
        try:
            written = 0
            while written < len(line):
                written += file.write(line[written:]) or 0
            os.fsync(file.fileno())
        except OSError:
            file.truncate(end)
            raise


def read(results: Path) -> Ledger:
    """All records below `results`, oldest file first in name order, damaged lines reported and skipped.

    Raises:
        RecordProblem: a line has a format number that this version does not know.
    """
    records: list[Record] = []
    problems: list[str] = []
    for path in sorted((results / "records").glob("*.jsonl")):
        for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
            if line.strip():
                try:
                    records.append(_parse(line, f"{path.name}:{number}"))
                except (ValueError, Uncertified) as error:
                    problems.append(f"{path.name}:{number} skipped: {_first_line(error)}")
    return Ledger(tuple(records), tuple(problems))


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
    if isinstance(body, Refused | Counted):
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
