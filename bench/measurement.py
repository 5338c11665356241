"""The paired runner: fresh processes, random balanced order, outputs of timed calls checked.

Speed-ups are of pairs taken back to back, so that the machine's drift hits both sides.
"""

import gc
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from .clock import elapsed_s, monotonic_s
from .comparison import FEWEST_LAUNCHES, Comparison, Launch
from .equivalence import Inputs
from .errors import SpeedproofError
from .gate import recheck
from .oracle import Oracle
from .plan import Plan
from .process import ProcessDied, Usage, in_fresh_process
from .subject import Subject, find_subject

MOST_LAUNCHES = 8
"""Fresh processes at most; beyond, an interval narrows by less than a tenth per process."""
SHORTEST_SAMPLE_S = 0.02
"""Seconds behind one sample. The clock's step and a context switch are a thousandth of it."""
LONGEST_STRETCH_S = 4.0
"""Seconds of pairs that one process takes for one comparison at most, unless a single pair is longer."""
SHORTEST_STRETCH_S = 0.4
"""Seconds of pairs that one process takes for one comparison at least: some twenty samples."""
MOST_PAIRS = 40
WARM_UP_ITEMS = 6
"""Items of the warm-up call: enough to touch all weights and code, a small part of a long call."""


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

    @property
    def comparison(self) -> Comparison:
        """What the samples say."""
        return Comparison(self.plan.certificate, self.launches, self.plan.baseline_certificate)

    @property
    def decided(self) -> bool:
        """Whether more samples would change nothing."""
        if self.failure:
            return True
        claim = self.plan.finding.claim
        carries_claim = self.plan.is_of_twins and self.plan.pair is self.plan.finding.pairs[0]
        ends = [end for end in (claim.low, claim.high) if end] if carries_claim else []
        return len(self.launches) >= FEWEST_LAUNCHES and self.comparison.decided(ends)


Progress = Callable[[str, int, int], None]
"""Told what is measured now, in which process by number, and how many plans that process still has."""


def measure(
    plans: Sequence[Plan], budget_s: float, seed: int, usage: Usage, progress: Progress | None = None
) -> Iterator[Measurement]:
    """Samples for every plan, one fresh process after another, until all are decided or the budget is spent.

    At least three processes run whatever the budget. Yields each plan's measurement as soon as it is final.
    """
    rng = random.Random(seed)
    end_s = monotonic_s() + budget_s
    open_plans = [Measurement(plan) for plan in plans]
    stretch_s = min(LONGEST_STRETCH_S, max(SHORTEST_STRETCH_S, budget_s / (MOST_LAUNCHES * max(1, len(plans)))))
    baseline_first = rng.random() < 0.5
    for n_launch in range(1, MOST_LAUNCHES + 1):
        rng.shuffle(open_plans)
        # Where a process takes a single pair, its order alternates from process to process.
        baseline_first = not baseline_first
        start_s = monotonic_s()
        conditions = (rng.getrandbits(32), stretch_s, baseline_first)
        outcomes = _launch([m.plan for m in open_plans], conditions, n_launch, usage, progress)
        sampled = [_add(measurement, outcome) for measurement, outcome in zip(open_plans, outcomes, strict=True)]
        yield from (measurement for measurement in sampled if measurement.decided)
        open_plans = [measurement for measurement in sampled if not measurement.decided]
        saved_s = sum(o.took_s for m, o in zip(sampled, outcomes, strict=True) if m.decided)
        next_end_s = monotonic_s() + (monotonic_s() - start_s) - saved_s
        if not open_plans or (n_launch >= FEWEST_LAUNCHES and next_end_s > end_s):
            break
    yield from open_plans


def _add(measurement: Measurement, outcome: Outcome) -> Measurement:
    if outcome.launch is None:
        return replace(measurement, failure=outcome.failure)
    return replace(measurement, launches=(*measurement.launches, outcome.launch))


def _launch(
    plans: Sequence[Plan], conditions: tuple[int, float, bool], n_launch: int, usage: Usage, progress: Progress | None
) -> list[Outcome]:
    """One fresh process for all plans. If it dies, the plan that it was at and those after it fail, nothing else."""
    outcomes: list[Outcome] = []
    stream = in_fresh_process(usage, _sample_all, list(plans), *conditions)
    try:
        for plan in plans:
            if progress:
                progress(plan.label, n_launch, len(plans) - len(outcomes))
            outcomes.append(next(stream))
        next(stream, None)
    except ProcessDied as death:
        outcomes += [Outcome(None, str(death))] * (len(plans) - len(outcomes))
    return outcomes


def _sample_all(plans: Sequence[Plan], seed: int, stretch_s: float, baseline_first: bool) -> Iterator[Outcome]:
    """Runs in the fresh process: one outcome per plan, in order."""
    rng = random.Random(seed)
    subjects: dict[tuple[str, str], Subject] = {}
    for plan in plans:
        workload = plan.certificate.workload
        key = (workload.subject, workload.dtype)
        subject = subjects.setdefault(key, find_subject(*key))
        start_s = monotonic_s()
        try:
            launch = _samples(plan, subject, rng.getrandbits(32), stretch_s, baseline_first)
            yield Outcome(launch, took_s=monotonic_s() - start_s)
        except SpeedproofError as error:
            yield Outcome(None, str(error))
        except Exception as error:
            yield Outcome(None, f"{type(error).__name__}: {str(error)[:300]}")


def _samples(plan: Plan, subject: Subject, seed: int, stretch_s: float, baseline_first: bool) -> Launch:
    pair, workload = plan.pair, plan.certificate.workload
    torch.set_num_threads(workload.n_threads)
    rng = random.Random(seed)
    arms = plan.functions
    n_calls = tuple(_warm_up(arm, plan, subject) for arm in arms)
    kept: list[tuple[int, Inputs, Any]] = []
    samples: tuple[list[float], list[float]] = ([], [])
    first: list[bool] = []
    # What is alive now stays; collecting it again before every sample would take longer than many a sample.
    gc.collect()
    gc.freeze()
    start = monotonic_s()
    while not first or _goes_on(len(first), monotonic_s() - start, stretch_s):
        # Every second pair is taken in the other order than the one before it; of two such, chance picks the first.
        first.append(baseline_first if not first else not first[-1] if len(first) % 2 else rng.random() < 0.5)
        for side in (0, 1) if first[-1] else (1, 0):
            inputs = [pair.inputs(workload, subject, None) for _ in range(n_calls[side])]
            gc.collect()
            output, seconds = elapsed_s(partial(_call_all, arms[side], inputs))
            samples[side].append(seconds / n_calls[side])
            kept.append((side, inputs[-1], output))
    gc.unfreeze()
    oracle = Oracle(subject)
    for side, certificate in enumerate(plan.certificates):
        recheck(certificate, pair, oracle, [(given, output) for arm, given, output in kept if arm == side])
    return Launch(seed, tuple(samples[0]), tuple(samples[1]), tuple(first), (n_calls[0], n_calls[1]))


def _call_all(arm: Callable[..., Any], inputs: Sequence[Inputs]) -> Any:
    """One call for each set of inputs; the last output."""
    output = None
    for kwargs in inputs:
        output = arm(**kwargs)
    return output


def _goes_on(n_pairs: int, spent_s: float, stretch_s: float) -> bool:
    """Until the stretch is over; one pair longer where that evens out the order without taking thrice as long."""
    if n_pairs % 2:
        return spent_s < 3 * stretch_s
    return spent_s < stretch_s and n_pairs < MOST_PAIRS


def _warm_up(arm: Callable[..., Any], plan: Plan, subject: Subject) -> int:
    """Touches code, weights and caches, then says how many calls make a sample long enough."""
    pair, workload = plan.pair, plan.certificate.workload
    few = list(range(min(WARM_UP_ITEMS, workload.n_items)))
    _, seconds = elapsed_s(lambda: arm(**pair.inputs(workload, subject, few)))
    if seconds > SHORTEST_SAMPLE_S * 10:
        return 1
    inputs = pair.inputs(workload, subject, None)
    _, seconds = elapsed_s(lambda: arm(**inputs))
    inputs = pair.inputs(workload, subject, None)
    _, seconds = elapsed_s(lambda: arm(**inputs))
    return max(1, min(2_000, round(SHORTEST_SAMPLE_S / max(seconds, 1e-7))))
