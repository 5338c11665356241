"""Sampling: how an arm is warmed up, how one sample is taken, in which order pairs are."""

import ctypes
import gc
import math
import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from speedproof.clock import elapsed_s, monotonic_s, no_device, pause
from speedproof.machine.surroundings import Seen, Surroundings
from speedproof.pairs.contract import Inputs
from speedproof.pairs.finding import Pair
from speedproof.pairs.subjects import Subject
from speedproof.pairs.workload import Workload

from .disturbance import columns, disturbance
from .launches import LONGEST_AGAIN_S, Launch
from .method import TODAYS
from .warmup import Form, evened, is_guessed, warm_up

WARM_UP_ITEMS = 2, 6
"""Items of the warm-up calls: enough to touch all weights and code, a small part of a long call. The second one is made
where the first does not show that the call is long."""
MOST_PAIRS = 80
"""Pairs that one process takes for one comparison at most."""
MOST_TRIES = 3
"""Times that a pair is taken until nothing disturbs it. What lasts longer is for other launches to avoid."""
PAUSE_S = 2.0
"""Seconds of pause before the shorter sample of a long pair is taken again."""
LONGEST_TWICE_S = 2.0
"""Seconds of a sample below which a process takes a second pair in any case: one sample alone may be anything."""
SHORTEST_STRETCH_S = 0.2
"""Seconds of pairs that one process takes for one comparison at least: some four short pairs."""


M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Names of glibc's settings of `malloc`, from its malloc.h."""
MOST_RETAINED, LARGEST_POOLED = 2**31 - 1, 32 * 2**20
"""Bytes that glibc keeps when they are freed, and the largest block that it keeps at all: the highest values that both
may have. By itself glibc gets to the second one and to 64 MiB kept."""


def retain_memory() -> None:
    """Has this process keep memory that it frees, as one that calls a function many times ends up doing.

    Else the time of a call hangs on what happens to be free when it starts: a result of 14 MB costs 4 ms in page faults
    or nothing. Blocks above `LARGEST_POOLED` are given back and faulted in again at every call, as they are for anyone.
    Nothing is done where the C library is another one.
    """
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(M_MMAP_THRESHOLD, LARGEST_POOLED)
        mallopt(M_TRIM_THRESHOLD, MOST_RETAINED)


def look_through_once() -> None:
    """What is alive now stays as long as the process does: looking through it again before every sample would take
    longer than many a sample."""
    gc.collect()
    gc.freeze()


def cores_for(n_threads: int, rng: random.Random) -> Set[int]:
    """As many of the cores that this process may use as there are threads, by chance; none where all are needed.

    Two cores of a shared machine are not equally fast: what else runs on the host slows one and spares the other. So
    both sides of a pair stay on the same, and which it is changes from launch to launch.
    """
    if not hasattr(os, "sched_getaffinity"):
        return frozenset()
    allowed = sorted(os.sched_getaffinity(0))
    return frozenset(rng.sample(allowed, n_threads)) if n_threads < len(allowed) else frozenset()


@contextmanager
def on_cores(cores: Set[int]) -> Iterator[None]:
    """Keeps the calling thread on these cores meanwhile; where it is, if they are none."""
    if not cores:
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


@dataclass(frozen=True)
class Sample:
    """One sample: seconds per call, and what the machine did meanwhile."""

    seconds: float
    seen: Seen = field(default_factory=dict)


def take(
    arm: Callable[..., Any], form: Form, inputs: Callable[[], Inputs], wait: Callable[[], None] = no_device
) -> tuple[Inputs, Any, Sample]:
    """One sample, after the inputs and the output of its last call.

    Every call has inputs of its own. They take the memory that earlier calls left free, so a short call is rehearsed
    once they are there: with that and `retain_memory`, processes that run finding 3 differ by 2% and not by 11%.
    `wait` waits for devices (`clock.elapsed_s`).
    """
    given = [inputs() for _ in range(form.n_calls + form.rehearsed)]
    gc.collect()
    if form.rehearsed:
        arm(**given.pop())
    around = Surroundings()
    output, seconds = elapsed_s(partial(call_all, arm, given), wait)
    return given[-1], output, Sample(seconds / form.n_calls, around.seen())


def call_all(arm: Callable[..., Any], inputs: Sequence[Inputs]) -> Any:
    """One call for each set of inputs; the last output."""
    output = None
    for kwargs in inputs:
        output = arm(**kwargs)
    return output


def warm(arm: Callable[..., Any], pair: Pair, workload: Workload, subject: Subject) -> Form:
    """Warms the arm up, on the workload's threads. What a sample of it is to be made of."""
    pair.kit.use_threads(workload.n_threads)
    inputs = pair.inputs_of(arm)
    # A size that the whole workload has or exceeds is asked about once.
    sizes = sorted({min(n, workload.n_items) for n in WARM_UP_ITEMS})

    def call(n: int) -> Callable[[], Any]:
        return partial(call_all, arm, [inputs(workload, subject, None) for _ in range(n)])

    def part(n: int) -> tuple[float, Callable[[], Any]]:
        return n / max(1, workload.n_items), partial(arm, **inputs(workload, subject, list(range(n))))

    return warm_up(call, [part(n) for n in sizes], pair.kit.wait)


def warm_both(
    arms: tuple[Callable[..., Any], Callable[..., Any]], pair: Pair, workload: Workload, subject: Subject
) -> tuple[Form, Form]:
    """Warms both arms up. What samples of them are to be made of, beside each other."""
    forms = [warm(arm, pair, workload, subject) for arm in arms]
    for side, arm in enumerate(arms):
        if is_guessed(forms[side], forms[1 - side]):
            whole = partial(arm, **pair.inputs_of(arm)(workload, subject, None))
            forms[side] = replace(forms[side], once_s=elapsed_s(whole, pair.kit.wait)[1])
    return evened((forms[0], forms[1]))


def orders(first: bool, rng: random.Random) -> Iterator[bool]:
    """Whether the baseline goes first, pair by pair, without end.

    Every second pair is taken in the other order than the one before it; of two such, chance picks the first.
    """
    while True:
        yield first
        yield not first
        first = rng.random() < 0.5


@dataclass(frozen=True)
class Stretch:
    """How long a process takes pairs, and what it knows when it begins."""

    seconds: float
    baseline_first: bool
    longest_s: float = math.inf
    """A second pair, which evens out the order, is taken where both take no longer, and wherever a call is short."""
    quiet_probes: Mapping[str, float] = field(default_factory=dict)
    """The probes' quiet times (`disturbance.py`)."""


def in_pairs(
    sample: Callable[[int], Sample],
    n_calls: tuple[int, int],
    stretch: Stretch,
    rng: random.Random,
    seed: int | None = None,
) -> Launch:
    """Samples of baseline and contender pair by pair until the stretch is over; `sample(side)` takes one.

    A pair that something on the machine disturbed is taken again, in the same order, at most `MOST_TRIES` times; it
    stays among the samples, and whoever reads them leaves it out. Of a pair longer than `LONGEST_AGAIN_S` the shorter
    sample alone is taken again, in place of the disturbed one. One pair longer where that evens out the order.
    """
    taken: list[tuple[bool, Sample, Sample]] = []
    n_cores = os.cpu_count() or 1

    def is_quiet(side: int, one: Sample) -> bool:
        by = disturbance(one.seconds * n_calls[side], one.seen, n_cores)
        return not (by and TODAYS.only_quiet)

    n_pairs, spent_s, order = 0, 0.0, orders(stretch.baseline_first, rng)
    while not n_pairs or _goes_on(n_pairs, spent_s, stretch, _longest_s(taken, n_calls)):
        baseline_first = next(order)
        for _ in range(MOST_TRIES):
            begun_s = monotonic_s()
            first, second = (sample(side) for side in ((0, 1) if baseline_first else (1, 0)))
            pair = (first, second) if baseline_first else (second, first)
            took_s = monotonic_s() - begun_s
            is_long = sum(_seconds_of(pair, n_calls)) > LONGEST_AGAIN_S
            if is_long:
                pair = _shorter_again(pair, n_calls, sample, is_quiet)
            taken.append((baseline_first, pair[0], pair[1]))
            if is_long or all(is_quiet(side, one) for side, one in enumerate(pair)):
                break
        n_pairs += 1
        spent_s += took_s
    baseline_first_of, baseline, contender = zip(*taken, strict=True)
    return Launch(
        # By default the launch is named by what chance gives next.
        rng.getrandbits(32) if seed is None else seed,
        tuple(one.seconds for one in baseline),
        tuple(one.seconds for one in contender),
        baseline_first_of,
        n_calls,
        (columns([one.seen for one in baseline]), columns([one.seen for one in contender])),
        stretch.quiet_probes,
        n_cores,
    )


def _shorter_again(
    pair: tuple[Sample, Sample],
    n_calls: tuple[int, int],
    sample: Callable[[int], Sample],
    is_quiet: Callable[[int, Sample], bool],
) -> tuple[Sample, Sample]:
    """The pair with its shorter sample taken until nothing disturbs it, for as long as the longer one took.

    What disturbs comes and goes by seconds, so there is a pause before each.
    """
    seconds = _seconds_of(pair, n_calls)
    short = seconds.index(min(seconds))
    last_s = monotonic_s() + max(seconds) - min(seconds) - PAUSE_S
    while not is_quiet(short, pair[short]) and monotonic_s() <= last_s:
        pause(PAUSE_S)
        again = sample(short)
        pair = (pair[0], again) if short else (again, pair[1])
    return pair


def _seconds_of(pair: tuple[Sample, Sample], n_calls: tuple[int, int]) -> list[float]:
    return [one.seconds * n for one, n in zip(pair, n_calls, strict=True)]


def _longest_s(taken: Sequence[tuple[bool, Sample, Sample]], n_calls: tuple[int, int]) -> float:
    return max(max(one.seconds * n_calls[0], other.seconds * n_calls[1]) for _, one, other in taken)


def _goes_on(n_pairs: int, spent_s: float, stretch: Stretch, longest_sample_s: float) -> bool:
    if n_pairs % 2:
        return spent_s < stretch.longest_s or (n_pairs == 1 and longest_sample_s < LONGEST_TWICE_S)
    return spent_s < stretch.seconds and n_pairs < MOST_PAIRS
