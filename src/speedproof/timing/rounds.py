"""Rounds: launches of several things, one round after another, until all are decided or the time is spent."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from typing import Generic, TypeVar

from speedproof.clock import monotonic_s
from speedproof.machine.probes import probe

from .disturbance import quiet_times
from .launches import Launch, disturbances, probes_of, usable
from .method import ALL_PAIRS_WANTED, TODAYS

T = TypeVar("T")

MOST_LOST = 4
"""Launches without a single undisturbed pair that are replaced by others in any case; beyond it, they must be fewer
than those that have one."""
N_PROBED = 200
"""Times that the machine is probed before the first launch, in a fraction of a second."""


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

    @cached_property
    def n_usable(self) -> int:
        """Launches with a pair that counts; only they are counted towards a look."""
        return len(usable(self.launches, TODAYS))

    def after(self, outcome: Outcome) -> "Taken[T]":
        """The same with one launch more."""
        if outcome.launch is None:
            return replace(self, failure=outcome.failure)
        taken = replace(self, launches=(*self.launches, outcome.launch), took_s=max(self.took_s, outcome.took_s))
        n_lost = len(taken.launches) - taken.n_usable
        return replace(taken, failure=_void(taken.launches)) if n_lost > max(MOST_LOST, taken.n_usable) else taken


@dataclass(frozen=True)
class Round:
    """One launch of everything that is still open: its number from 1, where its chances come from, who begins."""

    number: int
    rng: random.Random
    baseline_first: bool
    """Where a process takes a single pair, its order alternates from round to round."""
    quiet_probes: Mapping[str, float]
    """The machine's probes at their quietest so far."""


Launcher = Callable[[Sequence[T], Round], Iterable[Outcome]]
"""Takes one launch of each, in this order."""


def rounds(
    things: Sequence[T],
    launch: Launcher[T],
    is_decided: Callable[[Taken[T]], bool],
    budget_s: float,
    seed: int,
    most: int = TODAYS.last,
) -> Iterator[Taken[T]]:
    """Samples of everything, in random order, until all are decided, the budget is spent or `most` launches count.

    The launches up to the first look are taken whatever the budget, and others for those that were disturbed. At each
    look only what is undecided goes on, and of that the quickest that can reach the next look in time. Yields each as
    soon as it is final.
    """
    rng = random.Random(seed)
    end_s = monotonic_s() + budget_s
    still_open = [Taken(thing) for thing in things]
    baseline_first = rng.random() < 0.5
    probes = quiet_times(probe() for _ in range(N_PROBED)) if things else {}
    for number in count(1):
        if not still_open:
            return
        rng.shuffle(still_open)
        baseline_first = not baseline_first
        start_s = monotonic_s()
        now = Round(number, rng, baseline_first, probes)
        outcomes = list(launch([one.what for one in still_open], now))
        spent_s = monotonic_s() - start_s
        probes = quiet_times((), [probes, probes_of([one.launch for one in outcomes if one.launch])])
        sampled = [one.after(outcome) for one, outcome in zip(still_open, outcomes, strict=True)]
        still_open = [one for one in sampled if not _is_final(one, is_decided, most)]
        start_up_s = max(0.0, spent_s - sum(outcome.took_s for outcome in outcomes))
        still_open = in_time(still_open, start_up_s, end_s - monotonic_s())
        yield from (one for one in sampled if not any(one is other for other in still_open))


def _is_final(taken: Taken[T], is_decided: Callable[[Taken[T]], bool], most: int) -> bool:
    """Whether more samples would change nothing; known at a look only."""
    if taken.failure or taken.n_usable >= most:
        return True
    return taken.n_usable in TODAYS.numbers and is_decided(taken)


def in_time(taken: Sequence[Taken[T]], start_up_s: float, left_s: float) -> list[Taken[T]]:
    """The most of `taken`, the quickest first, that can reach their next looks in the time left. Their order stays.

    What is not at a look stays: it was given its time at the last one.
    """
    waiting = [one for one in taken if one.n_usable in TODAYS.numbers]
    going = [one for one in taken if one.n_usable not in TODAYS.numbers]
    quickest = sorted(waiting, key=lambda one: one.took_s)
    while quickest and _needed_s([*going, *quickest], start_up_s) > left_s:
        quickest.pop()
    return [one for one in taken if any(one is other for other in (*going, *quickest))]


def _needed_s(taken: Sequence[Taken[T]], start_up_s: float) -> float:
    """Seconds until each is at its next look: their launches, and as many processes as the most of them need."""
    more = [(TODAYS.next_look(one.n_usable) or one.n_usable) - one.n_usable for one in taken]
    return start_up_s * max(more, default=0) + sum(n * one.took_s for n, one in zip(more, taken, strict=True))


def _void(launches: Sequence[Launch]) -> str:
    """Why there is no figure where most launches were disturbed."""
    by, n = disturbances(launches).most_common(1)[0]
    return (
        f"the machine was disturbed in most of {len(launches)} processes, in {n} pairs by {by}. Expected a quieter "
        "machine: stop what else runs, see what 'doctor' says, and measure again; or let all pairs count, with "
        f"{ALL_PAIRS_WANTED}=1"
    )
