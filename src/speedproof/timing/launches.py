"""Launches: the samples of fresh processes, and which of their pairs count."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from statistics import median
from typing import TypeVar

from speedproof.clock import is_seconds

from .disturbance import disturbance, quiet_times, rows
from .method import Method

T = TypeVar("T")
Columns = Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class Launch:
    """Samples of one fresh process. The i-th pair is (baseline_s[i], contender_s[i]), in seconds per call.

    `baseline_first[i]` is the order in which the pair was taken; `n_calls` the calls behind one sample.
    """

    seed: int
    baseline_s: tuple[float, ...]
    contender_s: tuple[float, ...]
    baseline_first: tuple[bool, ...]
    n_calls: tuple[int, int]
    seen: tuple[Columns, Columns] = ({}, {})
    """What the machine did during each sample of the baseline and of the contender, by name
    (`machine/surroundings.py`); empty where nothing was looked at."""
    quiet_probes: Mapping[str, float] = field(default_factory=dict)
    """The probes' quiet times in seconds, as known when the launch began."""
    n_cores: int = 1
    """Cores that the processes may use."""

    def __post_init__(self) -> None:
        samples = (*self.baseline_s, *self.contender_s)
        if not samples or len(self.baseline_s) != len(self.contender_s) or not all(map(is_seconds, samples)):
            raise ValueError("A launch needs pairs of positive seconds, as many of the baseline as of the contender.")
        n_seen = {len(values) for values in chain(*(side.values() for side in self.seen))}
        if n_seen - {len(self.baseline_s)}:
            raise ValueError("What was seen beside the samples of a launch must be as many as they are.")

    @property
    def n_pairs(self) -> int:
        """Pairs, disturbed ones included."""
        return len(self.baseline_s)

    @property
    def log_speedup(self) -> float:
        """Median over the pairs of log(baseline / contender): an interruption of one call moves it little."""
        pairs = zip(self.baseline_s, self.contender_s, strict=True)
        return median(math.log(baseline / contender) for baseline, contender in pairs)

    def disturbances(self, quiet: Mapping[str, float]) -> tuple[str, ...]:
        """What disturbed each pair, an empty string where nothing did; `quiet` are the probes' quiet times."""
        sides = (self._disturbances(side, quiet) for side in (0, 1))
        return tuple(one or other for one, other in zip(*sides, strict=True))

    def _disturbances(self, side: int, quiet: Mapping[str, float]) -> list[str]:
        seconds, n_calls = (self.baseline_s, self.contender_s)[side], self.n_calls[side]
        seen = rows(self.seen[side], self.n_pairs)
        return [disturbance(s * n_calls, beside, quiet, self.n_cores) for s, beside in zip(seconds, seen, strict=True)]

    def only(self, pairs: Sequence[int]) -> "Launch":
        """The same with some of its pairs."""

        def kept(values: Sequence[T]) -> tuple[T, ...]:
            return tuple(values[i] for i in pairs)

        one, other = ({name: kept(values) for name, values in side.items()} for side in self.seen)
        return replace(
            self,
            baseline_s=kept(self.baseline_s),
            contender_s=kept(self.contender_s),
            baseline_first=kept(self.baseline_first),
            seen=(one, other),
        )


def probes_of(launches: Iterable[Launch]) -> dict[str, float]:
    """The probes' quiet times over all launches of a measurement."""
    taken = list(launches)
    seen = chain.from_iterable(rows(side, one.n_pairs) for one in taken for side in one.seen)
    return quiet_times(seen, (one.quiet_probes for one in taken))


def usable(launches: Sequence[Launch], method: Method) -> tuple[Launch, ...]:
    """The launches without what the method leaves out."""
    return quiet(launches) if method.only_quiet else tuple(launches)


def quiet(launches: Sequence[Launch]) -> tuple[Launch, ...]:
    """The pairs that nothing disturbed; a launch without any is left out."""
    return _parted(launches, disturbed=False)


def disturbed(launches: Sequence[Launch]) -> tuple[Launch, ...]:
    """The other pairs."""
    return _parted(launches, disturbed=True)


def _parted(launches: Sequence[Launch], disturbed: bool) -> tuple[Launch, ...]:
    probes = probes_of(launches)
    found = []
    for one in launches:
        pairs = [i for i, words in enumerate(one.disturbances(probes)) if bool(words) is disturbed]
        if pairs:
            found.append(one if len(pairs) == one.n_pairs else one.only(pairs))
    return tuple(found)


def disturbances(launches: Sequence[Launch]) -> Counter[str]:
    """Pairs by what disturbed them, those that nothing did under an empty string."""
    probes = probes_of(launches)
    return Counter(chain.from_iterable(one.disturbances(probes) for one in launches))


def logs(launches: Sequence[Launch]) -> tuple[float, ...]:
    """Each launch's log speed-up."""
    return tuple(launch.log_speedup for launch in launches)
