"""A sitting: one uninterrupted stretch of checking, counting and measuring on one machine, recorded as it goes."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from . import candidate as candidates
from .attempt import run_trials
from .bodies import (
    Begun,
    Certified,
    Counted,
    Judged,
    Measured,
    Mutated,
    Needed,
    Rated,
    Refused,
    Resumed,
    Rewritten,
    Sat,
)
from .certificate import Certificate, Refusal
from .check import certify
from .clock import monotonic_s, now
from .comparison import TARGET_HALF_WIDTH
from .controls import CONTROLS
from .controls.control import Control
from .counters import count, device_counters, work
from .digest import source_digest
from .finding import TWINS
from .findings import find
from .ladders import arm
from .measurement import Measurement, measure
from .mutation.session import run_mutants
from .plan import Plan
from .process import Usage, in_fresh_process, prepare
from .question import Question
from .quiet import Condition, Conditions, condition
from .rating import rates
from .record import Recorder
from .resumption import Earlier, this_process
from .roofline import least_work
from .subject import Subject, find_subject
from .workload import Workload

T = TypeVar("T")
Say = Callable[[str, int], None]
"""Told what is being done now, and how many like it are left."""


def _prove(
    asked: Sequence[Question], counted: Sequence[Question], controls: Sequence[tuple[str, str]]
) -> Iterator[Any]:
    """Runs in a fresh process. Yields answers, judgements and counts, and before each what it is, as (words, left)."""
    subjects = _Subjects()
    refused: set[tuple[str, str, str]] = set()
    for left, question in _countdown(asked):
        yield f"checking {question.label}", left
        answer = _answer(question, subjects)
        if isinstance(answer, Refusal):
            refused.add((question.finding, question.function, question.arm))
        yield answer
    sound = [q for q in counted if (q.finding, q.function, q.arm) not in refused]
    for left, question in _countdown(list(dict.fromkeys(replace(q, arm=TWINS[1]) for q in sound))):
        yield f"counting {question.label}", left
        arms = [q.arm for q in sound if replace(q, arm=TWINS[1]) == question]
        yield _count(question, [TWINS[0], *arms], subjects)
        yield from _needed(question, subjects)
    for left, control in _countdown([c for c in CONTROLS if (c.finding.name, c.name) in controls]):
        yield f"control {control.name}", left
        yield _judge(control)


def _countdown(items: Sequence[T]) -> Iterator[tuple[int, T]]:
    return ((len(items) - i, item) for i, item in enumerate(items))


def _answer(question: Question, subjects: "_Subjects") -> Certificate | Refusal:
    finding = find(question.finding)
    pair = finding.pair(question.function)
    function = candidates.load(question.candidate, pair) if question.candidate else arm(pair, question.arm)
    return certify(finding, pair, question.workload, function, subjects[question.workload], seed=question.seed)


def _count(question: Question, arms: Sequence[str], subjects: "_Subjects") -> Counted:
    finding = find(question.finding)
    pair = finding.pair(question.function)
    subject = subjects[question.workload]
    counters = (*finding.counters, *(device_counters(subject) if pair.uses_model else ()))
    functions = {name: arm(pair, name) for name in arms}
    done = {
        name: work(counters, function, pair.inputs(question.workload, subject, None))
        for name, function in functions.items()
    }
    return Counted(
        finding=finding.name,
        function=pair.name,
        workload=question.workload,
        sources={name: source_digest(function) for name, function in functions.items()},
        counts={name: dict(one.counts) for name, one in done.items()},
        tables={name: {of: dict(table) for of, table in one.tables.items()} for name, one in done.items()},
    )


def _needed(question: Question, subjects: "_Subjects") -> Iterator[Needed]:
    """The least work of the question's call, where it is known."""
    finding, function, workload = question.finding, question.function, question.workload
    work = least_work(find(finding).pair(function).inputs(workload, subjects[workload], None))
    if work:
        yield Needed(finding=finding, function=function, workload=workload, work=work)


def _judge(control: Control) -> Judged:
    judgement = control.judge()
    answer = judgement.answer
    return Judged(
        finding=control.finding.name,
        control=control.name,
        wrong=control.kind != "no faster",
        as_expected=judgement.as_expected,
        answer=str(answer) if isinstance(answer, Refusal) else f"equivalent, but {control.why}. {_work(control)}",
        at_the_limit=control.kind == "at the limit",
        only=control.only,
        who=control.who,
        why=control.why,
        **({name: getattr(answer, name) for name in REFUSED_BY} if isinstance(answer, Refusal) else {}),
    )


REFUSED_BY = ("rule", "trial", "excess")
REFUSAL = ("finding", "function", "workload", "twin", "code", "reason", *REFUSED_BY)
"""What a refusal by the gate says; which arm was to be the baseline is only known of a measurement."""


def _work(control: Control) -> str:
    """What a control that is right does, beside what the definition does: the counts, since it is never timed."""
    workload = control.on
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
    before: Condition = field(default_factory=condition)
    n_threads: int = 1
    """Threads that torch has in the process that has most."""
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
        self,
        asked: Sequence[Question],
        counted: Sequence[Question] = (),
        controls: Sequence[Control] = (),
        then: Sequence[Callable[..., Iterator[Any]]] = (),
    ) -> tuple[list[Certificate | Refusal], list[Judged]]:
        """Answers all questions, judges the controls and counts work, in one fresh process that times nothing.

        Of the questions in `counted`, those whose arm was found equivalent are counted, and the definition with them.
        What an earlier stretch of the sitting recorded is not made again. `then` is the work of processes to come;
        their first ones are made ready meanwhile.
        """
        known = {q: self.earlier.answer(q.finding, q.function, q.workload, q.arm) for q in asked}
        found = [answer for answer in known.values() if answer]
        judged = self.earlier.judged
        refused = {(a.finding, a.function, a.twin) for a in found if isinstance(a, Refusal)}
        # Those of one subject together, so that it is loaded once.
        asked = sorted((q for q in asked if not known[q]), key=lambda question: question.workload.subject)
        counted = [
            q
            for q in counted
            if not self.earlier.counted(q.finding, q.function, q.workload)
            and (q.finding, q.function, q.arm) not in refused
        ]
        names = {(c.finding.name, c.name) for c in controls} - {(j.finding, j.control) for j in judged}
        stream = in_fresh_process(self.usage, _prove, asked, counted, sorted(names))
        for message in stream if asked or counted or names else ():
            for work_to_come in then:
                prepare(work_to_come)
            then = ()
            if isinstance(message, tuple):
                self.say(*message)
                continue
            self.recorder.write(_body(message))
            if isinstance(message, Certificate | Refusal):
                found.append(message)
            elif isinstance(message, Judged):
                judged.append(message)
        return found, judged

    def rewrite(self, trials: Mapping[str, int], subject: str) -> list[Rewritten]:
        """Shows the gate so many valid rewrites of each finding named, in one fresh process. None may be rejected."""
        found = self.earlier.rewritten
        trials = {name: n for name, n in trials.items() if name not in {one.finding for one in found}}
        for message in in_fresh_process(self.usage, run_trials, trials, subject, self.seed) if trials else ():
            if isinstance(message, tuple):
                self.say(*message)
            else:
                self.recorder.write(message)
                found.append(message)
        return found

    def mutate(
        self, modules: Sequence[str], sample: int | None, workers: int, reasons: Path
    ) -> tuple[list[Mutated], list[str]]:
        """Plants faults in the modules named. What became of them, and the reasons that are not needed."""
        found: list[Mutated] = []
        unneeded: list[str] = []
        for message in in_fresh_process(self.usage, run_mutants, tuple(modules), sample, self.seed, workers, reasons):
            if isinstance(message, tuple):
                self.say(*message)
            elif isinstance(message, list):
                unneeded = message
            else:
                self.recorder.write(message)
                found.append(message)
        return found, unneeded

    def measure(
        self, plans: Sequence[Plan], budget_s: float, precision: float = TARGET_HALF_WIDTH
    ) -> list[Measurement]:
        """Paired samples for each plan, to that relative half-width if time allows. The machine is rated twice.

        In a sitting that was resumed: of those not yet measured, with an A/A pair of their own, since another stretch's
        says nothing about this one, and with their share of the budget.
        """
        left = [plan for plan in plans if not plan.null and not self.earlier.measured(plan)]
        if left or not self.earlier.measured_null:
            left += [plan for plan in plans if plan.null]
        budget_s *= len(left) / max(1, len(plans))
        plans = left
        self.rate(plans)
        self.n_threads = max((plan.certificate.workload.n_threads for plan in plans), default=self.n_threads)
        done = []
        for measurement in measure(
            plans,
            budget_s,
            self.seed,
            self.usage,
            lambda label, n, left: self.say(f"timing {label} (process {n})", left),
            precision,
        ):
            self.recorder.write(_measured(measurement))
            done.append(measurement)
        self.rate(plans)
        return done

    def rate(self, plans: Sequence[Plan]) -> None:
        """Records what the machine can do, for each thread count under which a model will run."""
        certificates = [plan.certificate for plan in plans]
        of_models = (c.workload for c in certificates if find(c.finding).pair(c.function).uses_model)
        for n_threads in sorted({workload.n_threads for workload in of_models}):
            self.say("rating the machine", 1)
            # Its seconds are no twin's, so they are not added to the sitting's.
            multiplied, moved = in_fresh_process(Usage(), rates, n_threads)
            self.recorder.write(Rated(n_threads=n_threads, multiplied=multiplied, moved=moved))

    def close(self) -> Sat:
        """Records how long the sitting was."""
        body = Sat(
            wall_s=monotonic_s() - self.started_s,
            under_test_s=self.usage.under_test_s,
            peak_host_bytes=self.usage.peak_host_bytes,
            seed=self.seed,
            conditions=Conditions(before=self.before, after=condition(), n_threads=self.n_threads),
        )
        self.recorder.write(body)
        return body


def new_seed() -> int:
    """A seed for a sitting's orders, from the system."""
    return random.SystemRandom().getrandbits(32)


def sitting_name(seed: int) -> str:
    """Unique name of a sitting: when it began, and its seed."""
    return f"{now()}-{seed:08x}"


def _body(answer: Certificate | Refusal | Judged | Counted | Needed) -> Certified | Refused | Judged | Counted | Needed:
    if isinstance(answer, Judged | Counted | Needed):
        return answer
    if isinstance(answer, Certificate):
        return Certified(certificate=answer)
    return Refused(**vars(answer))


def _measured(measurement: Measurement) -> Measured | Refused:
    plan, certificate = measurement.plan, measurement.plan.certificate
    if measurement.failure:
        return Refused(
            finding=certificate.finding,
            function=certificate.function,
            workload=certificate.workload,
            twin=certificate.twin,
            code="not measured",
            reason=measurement.failure,
            baseline=plan.baseline,
        )
    return Measured(certificate=certificate, baseline=plan.baseline_certificate, launches=measurement.launches)
