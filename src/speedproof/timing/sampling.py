"""Sampling: how an arm is warmed up, how one sample is taken, in which order pairs are."""

import ctypes
import gc
import math
import os
import random
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from functools import partial
from typing import Any

from speedproof.clock import elapsed_s, monotonic_s, no_device
from speedproof.pairs.contract import Inputs
from speedproof.pairs.finding import Pair
from speedproof.pairs.subjects import Subject
from speedproof.pairs.workload import Workload

from .warmup import Form, warm_up

WARM_UP_ITEMS = 6
"""Items of the warm-up call: enough to touch all weights and code, a small part of a long call."""
MOST_PAIRS = 40
"""Pairs that one process takes for one comparison at most."""
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


def take(
    arm: Callable[..., Any], form: Form, inputs: Callable[[], Inputs], wait: Callable[[], None] = no_device
) -> tuple[Inputs, Any, float]:
    """One sample: the inputs and the output of its last call, and the seconds per call.

    Every call has inputs of its own. They take the memory that earlier calls left free, so a short call is rehearsed
    once they are there: with that and `retain_memory`, processes that run finding 3 differ by 2% and not by 11%.
    `wait` waits for devices (`clock.elapsed_s`).
    """
    given = [inputs() for _ in range(form.n_calls + form.rehearsed)]
    gc.collect()
    if form.rehearsed:
        arm(**given.pop())
    output, seconds = elapsed_s(partial(call_all, arm, given), wait)
    return given[-1], output, seconds / form.n_calls


def call_all(arm: Callable[..., Any], inputs: Sequence[Inputs]) -> Any:
    """One call for each set of inputs; the last output."""
    output = None
    for kwargs in inputs:
        output = arm(**kwargs)
    return output


def warm(arm: Callable[..., Any], pair: Pair, workload: Workload, subject: Subject) -> Form:
    """Warms the arm up, on the workload's threads. What a sample of it is to be made of."""
    pair.kit.use_threads(workload.n_threads)
    few = list(range(min(WARM_UP_ITEMS, workload.n_items)))
    inputs = pair.inputs_of(arm)

    def call(n: int) -> Callable[[], Any]:
        return partial(call_all, arm, [inputs(workload, subject, None) for _ in range(n)])

    part = partial(arm, **inputs(workload, subject, few))
    return warm_up(call, part, len(few) / max(1, workload.n_items), pair.kit.wait)


def orders(first: bool, rng: random.Random) -> Iterator[bool]:
    """Whether the baseline goes first, pair by pair, without end.

    Every second pair is taken in the other order than the one before it; of two such, chance picks the first.
    """
    while True:
        yield first
        yield not first
        first = rng.random() < 0.5


def in_pairs(
    sample: Callable[[int], float],
    stretch_s: float,
    baseline_first: bool,
    rng: random.Random,
    longest_s: float = math.inf,
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[bool, ...]]:
    """Samples of baseline and contender pair by pair, and whether the baseline went first; `sample(side)` takes one.

    Until the stretch is over; one pair longer where that evens out the order without taking longer than `longest_s`.
    """
    samples: tuple[list[float], list[float]] = ([], [])
    first: list[bool] = []
    order, start_s = orders(baseline_first, rng), monotonic_s()
    while not first or _goes_on(len(first), monotonic_s() - start_s, stretch_s, longest_s):
        first.append(next(order))
        for side in (0, 1) if first[-1] else (1, 0):
            samples[side].append(sample(side))
    return tuple(samples[0]), tuple(samples[1]), tuple(first)


def _goes_on(n_pairs: int, spent_s: float, stretch_s: float, longest_s: float) -> bool:
    if n_pairs % 2:
        return spent_s < longest_s
    return spent_s < stretch_s and n_pairs < MOST_PAIRS
