"""The paired runner: fresh processes, random balanced order, outputs of timed calls checked.

Speed-ups are of pairs taken back to back, so that the machine's drift hits both sides.
"""

import gc
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, TypeVar

from .clock import monotonic_s
from .comparison import Comparison, Launch
from .contract import Inputs
from .errors import SpeedproofError
from .estimate import TARGET_HALF_WIDTH
from .failures import Failed, reason, show_where_asked
from .gate import recheck
from .looks import LOOKS, next_look
from .plan import Plan
from .process import ProcessDied, Usage, in_fresh_process
from .sampling import MOST_PAIRS, cores_for, on_cores, orders, retain_memory, take, warm
from .subjects import Subject, Subjects

SHORTEST_STRETCH_S = 0.2
"""Seconds of pairs that one process takes for one comparison at least: some four short pairs."""
LONGEST_STRETCH_S = 1.2
"""Seconds of pairs that one process takes for one comparison at most, unless a single pair is longer: some twenty.

What narrows an interval is processes. With a spread of 1-2% between them and of 3-10% between pairs of 0.06 s within
one, and some 2 s of starting up and warming up for each comparison, the least width for a given time is at
sqrt(2 * 0.06) * (pairs' spread / processes') = 1-2 s (Kalibera and Jones 2013, ISMM, section 9)."""


@dataclass(frozen=True)
class Outcome:
    """What came of a plan in one process: samples, or why there are none."""

    launch: Launch | None
    failure: str = ""
    took_s: float = 0.0
    """Wall time in the process, warm-up and checks included."""


@dataclass(frozen=True)
class Measurement:
    """A plan and all its samples, or the reason why they do not count."""

    plan: Plan
    launches: tuple[Launch, ...] = ()
    failure: str = ""
    launch_s: tuple[float, ...] = ()
    """What each launch took, warm-up and checks included."""

    @property
    def comparison(self) -> Comparison:
        """What the samples say."""
        return Comparison(self.plan.certificate, self.launches, self.plan.baseline_certificate)

    @property
    def took_s(self) -> float:
        """What a further launch will take: the longest so far, its process's start left out."""
        return max(self.launch_s, default=0.0)

    def decided(self, precision: float = TARGET_HALF_WIDTH) -> bool:
        """Whether more samples would change nothing; known at a look only."""
        if self.failure:
            return True
        if len(self.launches) not in LOOKS:
            return False
        claim = self.plan.finding.claim
        carries_claim = self.plan.is_of_twins and self.plan.pair is self.plan.finding.pairs[0]
        return self.comparison.decided((claim.band or ()) if carries_claim else (), precision)


Progress = Callable[[str, int, int], None]
"""Told what is measured now, in which process by number, and how many plans that process still has."""


def measure(
    plans: Sequence[Plan],
    budget_s: float,
    seed: int,
    usage: Usage,
    progress: Progress | None = None,
    precision: float = TARGET_HALF_WIDTH,
) -> Iterator[Measurement]:
    """Samples for every plan, one fresh process after another, until all are decided or the budget is spent.

    The processes up to the first look run whatever the budget. After each look only undecided plans go on, and of
    these the quickest that can reach the next look in time. Yields each plan's measurement as soon as it is final.
    """
    if not plans:
        return
    rng = random.Random(seed)
    end_s = monotonic_s() + budget_s
    open_plans = [Measurement(plan) for plan in plans]
    fair_s = budget_s / (LOOKS[2] * max(1, len(plans)))
    stretch_s = min(LONGEST_STRETCH_S, max(SHORTEST_STRETCH_S, fair_s))
    baseline_first = rng.random() < 0.5
    for n_launch in range(1, LOOKS[-1] + 1):
        rng.shuffle(open_plans)
        # Where a process takes a single pair, its order alternates from process to process.
        baseline_first = not baseline_first
        start_s = monotonic_s()
        conditions = (rng.getrandbits(32), stretch_s, baseline_first)
        outcomes = _launch([m.plan for m in open_plans], conditions, n_launch, usage, progress)
        sampled = [_add(measurement, outcome) for measurement, outcome in zip(open_plans, outcomes, strict=True)]
        spent_s = monotonic_s() - start_s
        open_plans = [m for m in sampled if not m.decided(precision)]
        if n_launch in LOOKS:
            start_up_s = max(0.0, spent_s - sum(outcome.took_s for outcome in outcomes))
            n_more = (next_look(n_launch) or n_launch) - n_launch
            open_plans = in_time(open_plans, n_more, start_up_s, end_s - monotonic_s())
        yield from (measurement for measurement in sampled if measurement not in open_plans)
        if not open_plans:
            break


class Timeable(Protocol):
    """Something that launches are taken of."""

    @property
    def took_s(self) -> float:
        """What a further launch will take."""


T = TypeVar("T", bound=Timeable)


def in_time(measurements: Sequence[T], n_launches: int, start_up_s: float, left_s: float) -> list[T]:
    """The most of `measurements`, the quickest first, for which so many further launches fit into the time left.

    None if there is no further look. Their order stays.
    """
    quickest = sorted(measurements, key=lambda measurement: measurement.took_s)
    while quickest and n_launches * (start_up_s + sum(m.took_s for m in quickest)) > left_s:
        quickest.pop()
    return [m for m in measurements if n_launches and any(m is one for one in quickest)]


def _add(measurement: Measurement, outcome: Outcome) -> Measurement:
    if outcome.launch is None:
        return replace(measurement, failure=outcome.failure)
    return replace(
        measurement,
        launches=(*measurement.launches, outcome.launch),
        launch_s=(*measurement.launch_s, outcome.took_s),
    )


def _launch(
    plans: Sequence[Plan], conditions: tuple[int, float, bool], n_launch: int, usage: Usage, progress: Progress | None
) -> list[Outcome]:
    """One fresh process for all plans. If it dies, the plan that it was at and those after it fail, nothing else."""
    outcomes: list[Outcome] = []
    stream = in_fresh_process(usage, sample_all, list(plans), *conditions)
    try:
        for plan in plans:
            if progress:
                progress(plan.label, n_launch, len(plans) - len(outcomes))
            outcomes.append(next(stream))
        next(stream, None)
    except (ProcessDied, Failed) as death:
        outcomes += [Outcome(None, str(death))] * (len(plans) - len(outcomes))
    return outcomes


def sample_all(plans: Sequence[Plan], seed: int, stretch_s: float, baseline_first: bool) -> Iterator[Outcome]:
    """Runs in the fresh process: one outcome per plan, in order."""
    retain_memory()
    rng = random.Random(seed)
    subjects = Subjects()
    for plan in plans:
        workload = plan.certificate.workload
        subject = subjects.kept(plan.pair.subject(workload))
        start_s = monotonic_s()
        try:
            launch = _samples(plan, subject, rng.getrandbits(32), stretch_s, baseline_first)
            yield Outcome(launch, took_s=monotonic_s() - start_s)
        except SpeedproofError as error:
            yield Outcome(None, str(error))
        except (Exception, SystemExit) as error:
            show_where_asked(error)
            yield Outcome(None, reason(error))


def _samples(plan: Plan, subject: Subject, seed: int, stretch_s: float, baseline_first: bool) -> Launch:
    pair, workload = plan.pair, plan.certificate.workload
    rng = random.Random(seed)
    arms = plan.functions
    kept: list[tuple[int, Inputs, Any]] = []
    samples: tuple[list[float], list[float]] = ([], [])
    first: list[bool] = []
    order = orders(baseline_first, rng)
    with on_cores(cores_for(workload.n_threads, rng)):
        forms = tuple(warm(arm, pair, workload, subject) for arm in arms)
        # What is alive now stays; collecting it again before every sample would take longer than many a sample.
        gc.collect()
        gc.freeze()
        start = monotonic_s()
        while not first or _goes_on(len(first), monotonic_s() - start, stretch_s):
            first.append(next(order))
            for side in (0, 1) if first[-1] else (1, 0):
                make = partial(pair.inputs, workload, subject, None)
                inputs, output, seconds = take(arms[side], forms[side], make, pair.kit.wait)
                samples[side].append(seconds)
                kept.append((side, inputs, output))
    gc.unfreeze()
    reference = pair.reference(subject)
    for side, certificate in enumerate(plan.certificates):
        recheck(certificate, pair, reference, [(given, output) for arm, given, output in kept if arm == side])
    return Launch(seed, tuple(samples[0]), tuple(samples[1]), tuple(first), (forms[0].n_calls, forms[1].n_calls))


def _goes_on(n_pairs: int, spent_s: float, stretch_s: float) -> bool:
    """Until the stretch is over; one pair longer where that evens out the order without taking thrice as long."""
    if n_pairs % 2:
        return spent_s < 3 * stretch_s
    return spent_s < stretch_s and n_pairs < MOST_PAIRS
