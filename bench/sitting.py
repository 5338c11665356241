"""A sitting: one uninterrupted stretch of checking, counting and measuring on one machine, recorded as it goes."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from . import candidate as candidates
from .bodies import Begun, Certified, Counted, Judged, Measured, Refused, Resumed, Sat
from .certificate import Certificate, Refusal, certify
from .clock import monotonic_s, now
from .controls import CONTROLS
from .controls.control import Control
from .counters import count, device_counters, work
from .finding import TWINS, Finding
from .findings import find
from .measurement import Measurement, Plan, measure
from .process import Usage, in_fresh_process
from .record import Recorder
from .resumption import Earlier, this_process
from .subject import Subject, find_subject
from .workload import Workload

T = TypeVar("T")
Say = Callable[[str, int], None]
"""Told what is being done now, and how many like it are left."""


@dataclass(frozen=True)
class Question:
    """Is this function's fast form equivalent on this workload? By name, so that it can be sent to a process."""

    finding: str
    function: str
    workload: Workload
    candidate: str | None = None

    @property
    def label(self) -> str:
        """What a progress bar says."""
        return f"{self.finding}.{self.function} on {self.workload.name} ({self.workload.subject})"


def questions(
    findings: Sequence[Finding],
    workload: str | None = None,
    subject: str | None = None,
    function: str | None = None,
    given: tuple[str, ...] = (),
    candidate: str | None = None,
) -> list[Question]:
    """Every pair on every workload, or on those named. A subject given replaces the workloads' own.

    Raises:
        BadInput: no such workload, subject or function.
    """
    asked = []
    for finding in findings:
        # A candidate stands in for one function: the finding's first unless another is named.
        default = finding.pairs[:1] if candidate else finding.pairs
        for pair in [finding.pair(function)] if function else default:
            for chosen in [pair.workload(workload)] if workload else pair.workloads:
                if subject:
                    chosen = replace(chosen, subject=find_subject(subject).name)
                if given:
                    chosen = replace(chosen, form="given", given=given, n_items=len(given))
                asked.append(Question(finding.name, pair.name, chosen, candidate))
    return list(dict.fromkeys(asked))


def _prove(
    asked: Sequence[Question], counted: Sequence[Question], controls: Sequence[tuple[str, str]]
) -> Iterator[Any]:
    """Runs in a fresh process. Yields answers, judgements and counts, and before each what it is, as (words, left)."""
    subjects = _Subjects()
    refused: set[tuple[str, str]] = set()
    for left, question in _countdown(asked):
        yield f"checking {question.label}", left
        answer = _answer(question, subjects)
        if isinstance(answer, Refusal):
            refused.add((question.finding, question.function))
        yield answer
    for left, question in _countdown([q for q in counted if (q.finding, q.function) not in refused]):
        yield f"counting {question.label}", left
        yield _count(question, subjects)
    for left, control in _countdown([c for c in CONTROLS if (c.finding.name, c.name) in controls]):
        yield f"control {control.name}", left
        yield _judge(control)


def _countdown(items: Sequence[T]) -> Iterator[tuple[int, T]]:
    return ((len(items) - i, item) for i, item in enumerate(items))


def _answer(question: Question, subjects: "_Subjects") -> Certificate | Refusal:
    finding = find(question.finding)
    pair = finding.pair(question.function)
    function = candidates.load(question.candidate, pair) if question.candidate else None
    return certify(finding, pair, question.workload, function, subjects[question.workload])


def _count(question: Question, subjects: "_Subjects") -> Counted:
    finding = find(question.finding)
    pair = finding.pair(question.function)
    subject = subjects[question.workload]
    counters = (*finding.counters, *(device_counters(subject) if pair.uses_model else ()))
    sequential, batched = (
        work(counters, pair.twin(twin), pair.inputs(question.workload, subject, None)) for twin in TWINS
    )
    return Counted(
        finding=finding.name,
        function=pair.name,
        workload=question.workload,
        sources=pair.source_digests(),
        sequential=dict(sequential.counts),
        batched=dict(batched.counts),
        sequential_tables={name: dict(table) for name, table in sequential.tables.items()},
        batched_tables={name: dict(table) for name, table in batched.tables.items()},
    )


def _judge(control: Control) -> Judged:
    judgement = control.judge()
    answer = judgement.answer
    return Judged(
        finding=control.finding.name,
        control=control.name,
        wrong=control.kind == "wrong",
        as_expected=judgement.as_expected,
        answer=str(answer) if isinstance(answer, Refusal) else f"equivalent, but {control.why}. {_work(control)}",
    )


def _work(control: Control) -> str:
    """What a control that is right does, beside what the definition does: the counts, since it is never timed."""
    workload = control.pair.workload(control.workload)
    subject = find_subject(workload.subject, workload.dtype)
    mine, definitions = (
        count(control.finding.counters, function, control.pair.inputs(workload, subject, None))
        for function in (control.function, control.pair.sequential)
    )
    return "; ".join(
        f"{name.replace('_', ' ')}: {n:,}, the definition's {definitions[name]:,}" for name, n in mine.items()
    )


class _Subjects(dict[tuple[str, str], Subject]):
    """Subjects by workload, one loaded at a time, since a large one fills a good part of the memory."""

    def __getitem__(self, workload: Workload) -> Subject:  # type: ignore[override]
        key = (workload.subject, workload.dtype)
        if key not in self:
            for subject in self.values():
                subject.release()
            self.clear()
            self[key] = find_subject(*key)
        return super().__getitem__(key)


@dataclass
class Sitting:
    """Runs the stages in order; each result is recorded as soon as it is there."""

    recorder: Recorder
    seed: int
    say: Say
    usage: Usage = field(default_factory=Usage)
    started_s: float = field(default_factory=monotonic_s)
    earlier: Earlier = field(default_factory=Earlier)

    def begin(self, scope: str, earlier: Earlier) -> None:
        """Records the beginning, or takes up the sitting that `earlier` recorded a part of."""
        if not earlier.records:
            self.recorder.write(Begun(scope=scope, seed=self.seed, **this_process()))
            return
        self.recorder = replace(self.recorder, sitting=earlier.sitting)
        self.earlier, self.seed = earlier, earlier.seed
        self.recorder.write(Resumed(pause_s=earlier.pause_s, n_kept=earlier.n_kept, **this_process()))

    def prove(
        self, asked: Sequence[Question], counted: Sequence[Question] = (), with_controls: bool = False
    ) -> tuple[list[Certificate | Refusal], list[Judged]]:
        """Answers all questions, judges the controls and counts work, in one fresh process that times nothing.

        Only questions in `counted` whose pair was found equivalent are counted. What an earlier stretch of the sitting
        recorded is not made again.
        """
        known = {q: self.earlier.answer(q.finding, q.function, q.workload) for q in asked}
        found = [answer for answer in known.values() if answer]
        judged = self.earlier.judged
        refused = {(a.finding, a.function) for a in found if isinstance(a, Refusal)}
        # Those of one subject together, so that it is loaded once.
        asked = sorted((q for q in asked if not known[q]), key=lambda question: question.workload.subject)
        counted = [
            q
            for q in counted
            if not self.earlier.counted(q.finding, q.function, q.workload) and (q.finding, q.function) not in refused
        ]
        names = {(c.finding.name, c.name) for c in CONTROLS if with_controls} - {(j.finding, j.control) for j in judged}
        stream = in_fresh_process(self.usage, _prove, asked, counted, sorted(names))
        for message in stream if asked or counted or names else ():
            if isinstance(message, tuple):
                self.say(*message)
                continue
            self.recorder.write(_body(message))
            if isinstance(message, Certificate | Refusal):
                found.append(message)
            elif isinstance(message, Judged):
                judged.append(message)
        return found, judged

    def measure(self, certificates: Sequence[Certificate], budget_s: float) -> list[Measurement]:
        """Paired samples under each certificate, and of the A/A pair.

        In a sitting that was resumed: of those not yet measured, with an A/A pair of their own, since another stretch's
        says nothing about this one, and with their share of the budget.
        """
        plans = [Plan(certificate) for certificate in certificates if not self.earlier.measured(certificate)]
        if plans or not self.earlier.measured_null:
            plans += [Plan(c, null=True) for c in certificates[:1]]
        budget_s *= len(plans) / (len(certificates) + 1)
        done = []
        for measurement in measure(
            plans,
            budget_s,
            self.seed,
            self.usage,
            lambda label, n, left: self.say(f"timing {label} (process {n})", left),
        ):
            self.recorder.write(_measured(measurement))
            done.append(measurement)
        return done

    def close(self) -> Sat:
        """Records how long the sitting was."""
        body = Sat(
            wall_s=monotonic_s() - self.started_s,
            under_test_s=self.usage.under_test_s,
            peak_host_bytes=self.usage.peak_host_bytes,
            seed=self.seed,
        )
        self.recorder.write(body)
        return body


def new_seed() -> int:
    """A seed for a sitting's orders, from the system."""
    return random.SystemRandom().getrandbits(32)


def sitting_name(seed: int) -> str:
    """Unique name of a sitting: when it began, and its seed."""
    return f"{now()}-{seed:08x}"


def _body(answer: Certificate | Refusal | Judged | Counted) -> Certified | Refused | Judged | Counted:
    if isinstance(answer, Judged | Counted):
        return answer
    if isinstance(answer, Certificate):
        return Certified(certificate=answer)
    return Refused(**{name: getattr(answer, name) for name in Refused.model_fields if name != "kind"})


def _measured(measurement: Measurement) -> Measured | Refused:
    certificate = measurement.plan.certificate
    if measurement.failure:
        return Refused(
            finding=certificate.finding,
            function=certificate.function,
            workload=certificate.workload,
            twin=certificate.twin,
            code="not measured",
            reason=measurement.failure,
        )
    return Measured(certificate=certificate, launches=measurement.launches, null=measurement.plan.null)
