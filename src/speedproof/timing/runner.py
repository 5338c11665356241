"""The paired runner: fresh processes, random balanced order, outputs of timed calls checked.

Speed-ups are of pairs taken back to back, so that the machine's drift hits both sides.
"""

import gc
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from speedproof.clock import monotonic_s
from speedproof.errors import NotEquivalent, SpeedproofError
from speedproof.failures import Failed, reason, show_where_asked
from speedproof.gate.gate import recheck
from speedproof.pairs.contract import Inputs
from speedproof.pairs.finding import Pair
from speedproof.pairs.references import resolve
from speedproof.pairs.subjects import Subject, Subjects
from speedproof.pairs.workload import Workload
from speedproof.processes import ProcessDied, Usage, in_fresh_process

from .comparison import Comparison
from .estimate import TARGET_HALF_WIDTH
from .launches import Launch
from .method import TODAYS
from .plan import Plan
from .rounds import Outcome, Round, Taken, rounds
from .sampling import (
    SHORTEST_STRETCH_S,
    Sample,
    Stretch,
    cores_for,
    in_pairs,
    look_through_once,
    on_cores,
    retain_memory,
    take,
    warm_both,
)

LONGEST_STRETCH_S = 1.2
"""Seconds of pairs that one process takes for one comparison at most, unless a single pair is longer: some twenty.

What narrows an interval is processes. With a spread of 1-2% between them and of 3-10% between pairs of 0.06 s within
one, and some 2 s of starting up and warming up for each comparison, the least width for a given time is at
sqrt(2 * 0.06) * (pairs' spread / processes') = 1-2 s (Kalibera and Jones 2013, ISMM, section 9)."""
LONGEST_SECOND = 3.0
"""A second pair, which evens out the order of a stretch, may make it so many times as long."""

RATED_FROM_S = 2.0
"""Seconds of the longer of two samples from which the rate of products is taken beside both. That takes some tenths of
a second each time."""
RATE = "speedproof.tensors.rates:rate_beside"

Progress = Callable[[str, int, int], None]
"""Told what is measured now, in which process by number, and how many plans that process still has."""


def measure(
    plans: Sequence[Plan],
    budget_s: float,
    seed: int,
    usage: Usage,
    progress: Progress | None = None,
    precision: float = TARGET_HALF_WIDTH,
) -> Iterator[Taken[Plan]]:
    """Samples for every plan, one fresh process after another, until all are decided or the budget is spent.

    Yields each plan as soon as it is final.
    """
    fair_s = budget_s / (TODAYS.looks[1].n * max(1, len(plans)))
    stretch_s = min(LONGEST_STRETCH_S, max(SHORTEST_STRETCH_S, fair_s))

    def launch(plans: Sequence[Plan], now: Round) -> list[Outcome]:
        stretch = Stretch(stretch_s, now.baseline_first, LONGEST_SECOND * stretch_s, now.quiet_probes)
        return _launch(plans, (now.rng.getrandbits(32), stretch), now.number, usage, progress)

    return rounds(plans, launch, partial(_is_decided, precision), budget_s, seed)


def compared(taken: Taken[Plan]) -> Comparison:
    """What the samples of a plan say."""
    return Comparison(taken.what.certificate, taken.launches, taken.what.baseline_certificate)


def _is_decided(precision: float, taken: Taken[Plan]) -> bool:
    """Whether more samples would change nothing, neither the verdict nor what becomes of a claim."""
    plan = taken.what
    claim = plan.finding.claim
    carries_claim = plan.is_of_twins and plan.pair is plan.finding.pairs[0]
    ends = (claim.band or ()) if carries_claim else ()
    return compared(taken).decided(ends, precision)


def _launch(
    plans: Sequence[Plan], conditions: tuple[int, Stretch], n_launch: int, usage: Usage, progress: Progress | None
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


def sample_all(plans: Sequence[Plan], seed: int, stretch: Stretch) -> Iterator[Outcome]:
    """Runs in the fresh process: one outcome per plan, in order."""
    retain_memory()
    rng = random.Random(seed)
    subjects = Subjects()
    try:
        yield from _sampled(plans, subjects, rng, stretch)
    finally:
        gc.unfreeze()


def _sampled(plans: Sequence[Plan], subjects: Subjects, rng: random.Random, stretch: Stretch) -> Iterator[Outcome]:
    for plan in plans:
        workload = plan.certificate.workload
        subject = subjects.kept(plan.pair.subject(workload))
        start_s = monotonic_s()
        try:
            launch = _samples(plan, subject, rng.getrandbits(32), stretch)
            yield Outcome(launch, took_s=monotonic_s() - start_s)
        except NotEquivalent as error:
            yield Outcome(None, f"{error} (in a timed call)")
        except SpeedproofError as error:
            yield Outcome(None, str(error))
        except (Exception, SystemExit) as error:
            show_where_asked(error)
            yield Outcome(None, reason(error))


def _samples(plan: Plan, subject: Subject, seed: int, stretch: Stretch) -> Launch:
    pair, workload = plan.pair, plan.certificate.workload
    rng = random.Random(seed)
    arms = plan.functions
    rate = _rate_beside(pair, workload, subject)
    kept: list[tuple[int, Inputs, Any]] = []

    def sample(side: int) -> Sample:
        make = partial(pair.inputs_of(arms[side]), workload, subject, None)
        inputs, output, taken = take(arms[side], forms[side], make, pair.kit.wait)
        kept.append((side, inputs, output))
        if not rate or max(form.n_calls * form.once_s for form in forms) < RATED_FROM_S:
            return taken
        return replace(taken, seen={**taken.seen, **rate()})

    with on_cores(cores_for(workload.n_threads, rng)):
        forms = warm_both(arms, pair, workload, subject)
        look_through_once()
        launch = in_pairs(sample, (forms[0].n_calls, forms[1].n_calls), stretch, rng, seed)
    reference = pair.reference(subject)
    for side, certificate in enumerate(plan.certificates):
        recheck(certificate, pair, reference, [(given, output) for arm, given, output in kept if arm == side])
    return launch


def _rate_beside(pair: Pair, workload: Workload, subject: Subject) -> Callable[[], dict[str, float]] | None:
    """What takes the rate of products at a moment, where the pair's floor is made of them."""
    # Inputs of others may take long to make.
    if not (pair.uses_model and pair.least_work(pair.inputs(workload, subject, None))):
        return None
    rate: Callable[[], dict[str, float]] = resolve(RATE)
    return rate
