"""Resumption: which interrupted sitting a run goes on with, and what of it still counts."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import psutil

from speedproof.clock import now
from speedproof.digest import digest, file_digest
from speedproof.environment import Environment
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.pairs.finding import Finding
from speedproof.pairs.workload import Workload
from speedproof.records.base import About, Body
from speedproof.records.kinds import Begun, Certified, Counted, Judged, Measured, Refused, Resumed, Sat, answer_of
from speedproof.records.record import Record
from speedproof.search_path import OWN
from speedproof.timing.plan import Plan

B = TypeVar("B", bound=Body)

LONGEST_PAUSE_H = 2.0
"""Hours between the last record of an interrupted sitting and its resumption. Figures of one sitting are compared with
each other, and half a working day apart the machine is another one."""


@dataclass(frozen=True)
class Earlier:
    """What the earlier stretches of a sitting recorded; of a new sitting, nothing."""

    records: tuple[Record, ...] = ()

    @property
    def sitting(self) -> str:
        """The sitting's name."""
        return self.records[0].sitting

    @property
    def seed(self) -> int:
        """The sitting's seed."""
        return next(self.bodies(Begun)).seed

    @property
    def pause_s(self) -> float:
        """Seconds since the last record."""
        return (datetime.fromisoformat(now()) - datetime.fromisoformat(self.records[-1].written)).total_seconds()

    def answer(self, finding: str, function: str, workload: Workload, arm: str) -> Certificate | Refusal | None:
        """The gate's answer to that question, if it was given."""
        asked = About(finding, function, workload, (arm,))
        for body in self.bodies(Certified):
            if _is_of(body.about, asked):
                return body.certificate
        for refused in self.bodies(Refused):
            if _is_of(refused.about, asked):
                return answer_of(refused)
        return None

    def counted(self, finding: str, function: str, workload: Workload) -> bool:
        """Whether that work was counted."""
        asked = About(finding, function, workload)
        return any(body.about.work == asked.work for body in self.bodies(Counted))

    @property
    def judged(self) -> list[Judged]:
        """The controls that were judged."""
        return list(self.bodies(Judged))

    def measured(self, plan: Plan) -> bool:
        """Whether that plan was measured to the end, or failed for good."""
        wanted = (plan.certificate, plan.baseline_certificate)
        done = any((body.certificate, body.baseline) == wanted for body in self.bodies(Measured))
        asked = About.of(plan.certificate, plan.baseline, plan.contender)
        return done or any(_is_of(body.about, asked) for body in self.bodies(Refused))

    @property
    def measured_null(self) -> bool:
        """Whether the A/A pair was measured to the end."""
        return any(body.null for body in self.bodies(Measured))

    @property
    def n_kept(self) -> int:
        """How many results are not made again."""
        kept = [record.body for record in self.records if record.body.kept]
        return sum(not getattr(body, "null", False) for body in kept)

    def bodies(self, kind: type[B]) -> Iterator[B]:
        """What was recorded of one kind."""
        return (record.body for record in self.records if isinstance(record.body, kind))


def interrupted(records: Sequence[Record], scope: str, environment: Environment) -> Earlier:
    """The newest sitting of that scope, if it is of this machine and environment, was begun not long ago, was not
    completed, and nobody is at it now; else nothing."""
    begun = [r for r in records if isinstance(r.body, Begun) and r.body.scope == scope]
    same = [
        r for r in begun if (r.environment.machine, r.environment.digest) == (environment.machine, environment.digest)
    ]
    if not same:
        return Earlier()
    earlier = Earlier(tuple(record for record in records if record.sitting == same[-1].sitting))
    is_complete = any(isinstance(record.body, Sat) for record in earlier.records)
    in_time = 0 <= earlier.pause_s <= LONGEST_PAUSE_H * 3600
    stretch = next(r.body for r in reversed(earlier.records) if isinstance(r.body, Begun | Resumed))
    return earlier if in_time and not is_complete and not _alive(stretch) else Earlier()


def scope_of(findings: Sequence[Finding], workloads: Sequence[Workload], options: Mapping[str, Any]) -> str:
    """Fingerprint of all that decides a sitting's results but the machine: sources, ruler, workloads, options."""
    folders = [Path(folder, name) for folder, names in OWN.items() for name in names]
    ruler = file_digest(*(path for folder in folders for path in sorted(folder.rglob("*.py"))))
    subjects = sorted({workload.subject for workload in workloads})
    asked = [workload.digest for workload in workloads]
    return digest([ruler, [f.digest for f in findings], asked, [_folder(s) for s in subjects], dict(options)])


def this_process() -> dict[str, Any]:
    """What names the process that is at a sitting."""
    return {"process": os.getpid(), "process_began_s": psutil.Process().create_time()}


def _alive(stretch: Begun | Resumed) -> bool:
    try:
        began_s = psutil.Process(stretch.process).create_time()
    except psutil.Error:
        return False
    # The number may have been given to another process since; two seconds are a clock that was set right.
    return abs(began_s - stretch.process_began_s) < 2


def _is_of(about: About, asked: About) -> bool:
    """Whether it is exactly what was asked: the same work, by the same arms."""
    return (about.work, about.arms) == (asked.work, asked.arms)


def _folder(subject: str) -> list[tuple[str, int, int]]:
    """What is in a subject's folder, if it is one: its name says nothing about its weights."""
    files = sorted(path for path in Path(subject).rglob("*") if path.is_file()) if Path(subject).is_dir() else []
    return [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
