"""Rounds: launches of several things, one round after another, until all are decided or the time is spent."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from speedproof.clock import monotonic_s

from .comparison import Launch
from .looks import LOOKS, next_look

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome:
    """What came of one launch: samples, or why there are none."""

    launch: Launch | None
    failure: str = ""
    took_s: float = 0.0
    """Wall time of the launch, warm-up and checks included."""


@dataclass(frozen=True)
class Taken(Generic[T]):
    """What is measured, and all its samples; or the reason why they do not count."""

    what: T
    launches: tuple[Launch, ...] = ()
    failure: str = ""
    took_s: float = 0.0
    """What a further launch will take: the longest so far, its process's start left out."""

    def after(self, outcome: Outcome) -> "Taken[T]":
        """The same with one launch more."""
        if outcome.launch is None:
            return replace(self, failure=outcome.failure)
        took_s = max(self.took_s, outcome.took_s)
        return replace(self, launches=(*self.launches, outcome.launch), took_s=took_s)


@dataclass(frozen=True)
class Round:
    """One launch of everything that is still open: its number from 1, where its chances come from, who begins."""

    number: int
    rng: random.Random
    baseline_first: bool
    """Where a process takes a single pair, its order alternates from round to round."""


Launcher = Callable[[Sequence[T], Round], Iterable[Outcome]]
"""Takes one launch of each, in this order."""


def rounds(
    things: Sequence[T],
    launch: Launcher[T],
    is_decided: Callable[[Taken[T]], bool],
    budget_s: float,
    seed: int,
    most: int = LOOKS[-1],
) -> Iterator[Taken[T]]:
    """Samples of everything, in random order, until all are decided, the budget is spent or `most` rounds are over.

    The rounds up to the first look run whatever the budget. After each look only what is undecided goes on, and of
    that the quickest that can reach the next look in time. Yields each as soon as it is final.
    """
    rng = random.Random(seed)
    end_s = monotonic_s() + budget_s
    still_open = [Taken(thing) for thing in things]
    baseline_first = rng.random() < 0.5
    for number in range(1, most + 1):
        if not still_open:
            return
        rng.shuffle(still_open)
        baseline_first = not baseline_first
        start_s = monotonic_s()
        outcomes = list(launch([one.what for one in still_open], Round(number, rng, baseline_first)))
        spent_s = monotonic_s() - start_s
        sampled = [one.after(outcome) for one, outcome in zip(still_open, outcomes, strict=True)]
        still_open = [one for one in sampled if not _is_final(one, is_decided)]
        if number in LOOKS:
            start_up_s = max(0.0, spent_s - sum(outcome.took_s for outcome in outcomes))
            n_more = (next_look(number) or number) - number if number < most else 0
            still_open = in_time(still_open, n_more, start_up_s, end_s - monotonic_s())
        yield from (one for one in sampled if not any(one is other for other in still_open))


def _is_final(taken: Taken[T], is_decided: Callable[[Taken[T]], bool]) -> bool:
    """Whether more samples would change nothing; known at a look only."""
    return bool(taken.failure) or (len(taken.launches) in LOOKS and is_decided(taken))


def in_time(taken: Sequence[Taken[T]], n_launches: int, start_up_s: float, left_s: float) -> list[Taken[T]]:
    """The most of `taken`, the quickest first, for which so many further launches fit into the time left.

    None if there is no further look. Their order stays.
    """
    quickest = sorted(taken, key=lambda one: one.took_s)
    while quickest and n_launches * (start_up_s + sum(one.took_s for one in quickest)) > left_s:
        quickest.pop()
    return [one for one in taken if n_launches and any(one is other for other in quickest)]
