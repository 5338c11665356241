"""A sitting: one uninterrupted stretch of checking, counting and measuring on one machine, recorded as it goes."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from speedproof.clock import monotonic_s, now
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.machine.condition import Condition, Conditions, condition
from speedproof.pairs.question import Question
from speedproof.processes import Saying, Usage, Work, beside, in_fresh_process, prepare
from speedproof.records.base import Body
from speedproof.records.kinds import (
    Begun,
    Certified,
    Counted,
    Judged,
    Measured,
    Rated,
    Refused,
    Resumed,
    Sat,
    answer_of,
)
from speedproof.records.record import Recorder
from speedproof.timing.estimate import TARGET_HALF_WIDTH
from speedproof.timing.method import TODAYS
from speedproof.timing.plan import Plan
from speedproof.timing.rounds import Taken
from speedproof.timing.runner import measure

from .proving import prove_all
from .resumption import Earlier, this_process
from .shares import Further, Left, has_room_for_two
from .spent import Spent, Watch

if TYPE_CHECKING:
    from speedproof.gate.control import Control

B = TypeVar("B", bound=Body)
RATES = "speedproof.tensors.rates:rates"
"""What rates the machine, by reference: it needs torch, which this process may not have."""
Say = Callable[[str, int], None]
"""Told what is being done now, and how many like it are left."""


@dataclass
class Proven:
    """What the gate said of questions and of controls, and the work that was counted."""

    answers: list[Certificate | Refusal]
    judged: list[Judged]
    counted: list[Counted]

    def take(self, body: Body) -> None:
        """Puts what a record says where it belongs."""
        if isinstance(body, Certified | Refused):
            self.answers.append(answer_of(body))
        elif isinstance(body, Judged):
            self.judged.append(body)
        elif isinstance(body, Counted):
            self.counted.append(body)

    def settled(self, bodies: Iterable[Body], n_answers: int) -> Iterator[Body]:
        """What processes say, of which some may count an arm that another one refuses: counts wait until so many
        answers are there, and are then of the definition and of what passed everywhere."""
        waiting: list[Counted] = []
        refused = {(a.finding, a.function, a.twin) for a in self.answers if isinstance(a, Refusal)}
        for body in bodies:
            if isinstance(body, Certified | Refused):
                n_answers -= 1
            if isinstance(body, Refused):
                refused.add((body.finding, body.function, body.twin))
            if isinstance(body, Counted):
                waiting.append(body)
            else:
                yield body
            if n_answers <= 0:
                yield from filter(None, (_without(one, refused) for one in waiting))
                waiting.clear()

    def refuses(self, question: Question) -> bool:
        """Whether an arm of that name was refused, on whatever workload."""
        refused = [answer for answer in self.answers if isinstance(answer, Refusal)]
        return (question.finding, question.function, question.arm) in {(a.finding, a.function, a.twin) for a in refused}


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
    spent: Spent = field(default_factory=Spent)

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
        controls: Sequence["Control"] = (),
        further: Sequence[Further] = (),
        then: Sequence[Work] = (),
    ) -> Proven:
        """Answers all questions, judges the controls, counts work and does the further work, in fresh processes that
        time nothing: in two at once where the machine has room for both.

        Of the questions in `counted`, those whose arm was found equivalent are counted, and the definition with them.
        What an earlier stretch of the sitting recorded is not made again. `then` is the work of processes to come;
        their first ones are made ready meanwhile.
        """
        known = {q: self.earlier.answer(q.finding, q.function, q.workload, q.arm) for q in asked}
        answers = [answer for answer in known.values() if answer]
        proven = Proven(answers, self.earlier.judged, list(self.earlier.bodies(Counted)))
        judged = {(one.finding, one.control) for one in proven.judged}
        left = Left(
            tuple(q for q in asked if not known[q]),
            tuple(
                q for q in counted if not (self.earlier.counted(q.finding, q.function, q.workload) or proven.refuses(q))
            ),
            tuple((c.finding.card, c.name) for c in controls if (c.finding.name, c.name) not in judged),
            tuple(further),
        )
        with tempfile.TemporaryDirectory() as folder:
            works = left.shared_out(folder, has_room_for_two())
            for body in self.keep(proven.settled(self.told_beside(prove_all, works, then), len(left.asked))):
                proven.take(body)
        return proven

    def measure(
        self, plans: Sequence[Plan], budget_s: float, precision: float = TARGET_HALF_WIDTH
    ) -> list[Taken[Plan]]:
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
        of_models = (plan.certificate.workload for plan in plans if plan.pair.uses_model)
        self.rate_on({workload.n_threads for workload in of_models})

    def rate_on(self, thread_counts: Set[int]) -> None:
        """Records what the machine can do on so many threads, for each of these numbers."""
        for n_threads in sorted(thread_counts):
            self.say("rating the machine", 1)
            # Its seconds are no twin's, so they are not added to the sitting's.
            multiplied, moved = in_fresh_process(Usage(), RATES, n_threads)
            self.recorder.write(Rated(n_threads=n_threads, multiplied=multiplied, moved=moved))

    def told(self, work: Work, *arguments: Any, then: Sequence[Work] = ()) -> Iterator[Any]:
        """What `work` yields in a fresh process; what it is doing is said and not passed on."""
        yield from self.told_beside(work, [arguments], then)

    def told_beside(self, work: Work, shares: Sequence[tuple[Any, ...]], then: Sequence[Work] = ()) -> Iterator[Any]:
        """What `work` yields of each share of it, each in a fresh process of its own, all at once."""
        watch = Watch(self.spent)
        for place, message in beside(self.usage, [(work, arguments) for arguments in shares]):
            for to_come in then:
                prepare(to_come)
            then = ()
            watch.heard(place, message.words if isinstance(message, Saying) else "")
            if isinstance(message, Saying):
                self.say(message.words, message.left)
            else:
                yield message
        watch.end()

    def keep(self, bodies: Iterable[B]) -> list[B]:
        """Records each as it comes."""
        kept = []
        for body in bodies:
            self.recorder.write(body)
            kept.append(body)
        return kept

    def close(self) -> Sat:
        """Records how long the sitting was."""
        body = Sat(
            wall_s=monotonic_s() - self.started_s,
            under_test_s=self.usage.under_test_s,
            peak_host_bytes=self.usage.peak_host_bytes,
            seed=self.seed,
            conditions=Conditions(before=self.before, after=condition(), n_threads=self.n_threads),
            spent_s={stage: round(seconds, 1) for stage, seconds in self.spent.seconds.items()},
        )
        self.recorder.write(body)
        return body


def sitting_name(seed: int) -> str:
    """Unique name of a sitting: when it began, and its seed."""
    return f"{now()}-{seed:08x}"


def _without(counted: Counted, refused: Set[tuple[str, str, str]]) -> Counted | None:
    """The counts without arms that were refused; None where the definition alone is left."""
    arms = [arm for arm in counted.counts if (counted.finding, counted.function, arm) not in refused]
    if arms == [*counted.counts]:
        return counted
    kept = {name: {arm: getattr(counted, name)[arm] for arm in arms} for name in ("sources", "counts", "tables")}
    return counted.model_copy(update=kept) if len(arms) > 1 else None


def _measured(measurement: Taken[Plan]) -> Measured | Refused:
    plan, certificate = measurement.what, measurement.what.certificate
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
    return Measured(
        certificate=certificate,
        baseline=plan.baseline_certificate,
        launches=measurement.launches,
        method=TODAYS.name,
    )
