"""Launches: the samples of fresh processes, and which of their pairs count."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from statistics import median
from typing import TypeVar

from speedproof.clock import is_seconds

from .disturbance import disturbance, is_slow, quiet_times, rows
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

    @cached_property
    def disturbances(self) -> tuple[str, ...]:
        """What disturbed each pair, an empty string where nothing did."""
        sides = (self._disturbances(side) for side in (0, 1))
        return tuple(one or other for one, other in zip(*sides, strict=True))

    def _disturbances(self, side: int) -> list[str]:
        seconds, n_calls = (self.baseline_s, self.contender_s)[side], self.n_calls[side]
        seen = rows(self.seen[side], self.n_pairs)
        return [disturbance(s * n_calls, beside, self.n_cores) for s, beside in zip(seconds, seen, strict=True)]

    def slow(self, quiet: Mapping[str, float]) -> tuple[bool, ...]:
        """Whether each pair is of a slow phase; `quiet` are the probes' quiet times."""
        sides = ([is_slow(beside, quiet) for beside in rows(side, self.n_pairs)] for side in self.seen)
        return tuple(one or other for one, other in zip(*sides, strict=True))

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


@dataclass(frozen=True)
class Sorted:
    """Launches by what the machine did: each has those pairs of every launch, and no launch without any."""

    sound: tuple[Launch, ...]
    """What nothing disturbed."""
    quiet: tuple[Launch, ...]
    """Of this, what was not taken in a slow phase."""
    slow: tuple[Launch, ...]
    """The rest of it."""
    disturbed: tuple[Launch, ...]
    method: Method

    @property
    def is_of_all_phases(self) -> bool:
        """Whether quiet phases are too rare for the method, so that all sound pairs count, whatever their phase."""
        if self.method.usual_phase:
            n_sound, n_quiet = (sum(one.n_pairs for one in part) for part in (self.sound, self.quiet))
            return n_sound > 2 * n_quiet
        return len(self.sound) > 2 * len(self.quiet)

    @property
    def usable(self) -> tuple[Launch, ...]:
        """What figures are made of."""
        return self.sound if self.is_of_all_phases else self.quiet


def sort(launches: Sequence[Launch], method: Method) -> Sorted:
    """The launches' pairs by what the machine did meanwhile."""
    probes = probes_of(launches)
    marks = [(one.disturbances, one.slow(probes)) for one in launches]

    def those(wanted: Callable[[bool, bool], bool]) -> tuple[Launch, ...]:
        found = []
        for one, (by, slow) in zip(launches, marks, strict=True):
            pairs = [i for i in range(one.n_pairs) if wanted(bool(by[i]), slow[i])]
            if pairs:
                found.append(one if len(pairs) == one.n_pairs else one.only(pairs))
        return tuple(found)

    return Sorted(
        sound=those(lambda hit, slow: not hit),
        quiet=those(lambda hit, slow: not hit and not slow),
        slow=those(lambda hit, slow: not hit and slow),
        disturbed=those(lambda hit, slow: hit),
        method=method,
    )


def usable(launches: Sequence[Launch], method: Method) -> tuple[Launch, ...]:
    """The launches without what the method leaves out."""
    return sort(launches, method).usable if method.only_quiet else tuple(launches)


def disturbances(launches: Sequence[Launch]) -> Counter[str]:
    """Pairs by what disturbed them."""
    found = Counter(chain.from_iterable(one.disturbances for one in launches))
    return Counter({words: n for words, n in found.items() if words})


def logs(launches: Sequence[Launch]) -> tuple[float, ...]:
    """Each launch's log speed-up."""
    return tuple(launch.log_speedup for launch in launches)
