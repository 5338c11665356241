"""Sampling: how an arm is warmed up, what one sample calls, in which order pairs are taken."""

import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch

from .equivalence import Inputs
from .finding import Pair
from .subject import Subject
from .warmup import warm_up
from .workload import Workload

WARM_UP_ITEMS = 6
"""Items of the warm-up call: enough to touch all weights and code, a small part of a long call."""
MOST_PAIRS = 40
"""Pairs that one process takes for one comparison at most."""


def call_all(arm: Callable[..., Any], inputs: Sequence[Inputs]) -> Any:
    """One call for each set of inputs; the last output."""
    output = None
    for kwargs in inputs:
        output = arm(**kwargs)
    return output


def warm(arm: Callable[..., Any], pair: Pair, workload: Workload, subject: Subject) -> int:
    """Warms the arm up, on the workload's threads. Calls behind one sample of it."""
    torch.set_num_threads(workload.n_threads)
    few = list(range(min(WARM_UP_ITEMS, workload.n_items)))

    def call(n: int) -> Callable[[], Any]:
        return partial(call_all, arm, [pair.inputs(workload, subject, None) for _ in range(n)])

    part = partial(arm, **pair.inputs(workload, subject, few))
    return warm_up(call, part, len(few) / max(1, workload.n_items))


def orders(first: bool, rng: random.Random) -> Iterator[bool]:
    """Whether the baseline goes first, pair by pair, without end.

    Every second pair is taken in the other order than the one before it; of two such, chance picks the first.
    """
    while True:
        yield first
        yield not first
        first = rng.random() < 0.5
