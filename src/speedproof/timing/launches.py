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

from .disturbance import disturbance, is_slow, least_s, quiet_times, rows
from .method import Method

T = TypeVar("T")
Columns = Mapping[str, tuple[float, ...]]
Span = tuple[float, float]
"""What a launch says of a factor's logarithm: between which two values it lies, which are one where it is known."""

LONGEST_AGAIN_S = 20.0
"""Seconds of a pair that is taken again at once where it was disturbed. A longer one meets again what comes and goes by
the minute."""


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

    @property
    def _both_s(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return self.baseline_s, self.contender_s

    def _disturbances(self, side: int) -> list[str]:
        seconds, n_calls = self._both_s[side], self.n_calls[side]
        seen = rows(self.seen[side], self.n_pairs)
        return [disturbance(s * n_calls, beside, self.n_cores) for s, beside in zip(seconds, seen, strict=True)]

    @cached_property
    def is_bounded(self) -> tuple[bool, ...]:
        """Whether each pair is too long to be taken again, and known within bounds although it was disturbed."""
        marks = zip(self.disturbances, self._least_s(0), self._least_s(1), self._pairs_s, strict=True)
        return tuple(bool(by) and None not in least and took_s > LONGEST_AGAIN_S for by, *least, took_s in marks)

    @property
    def _pairs_s(self) -> list[float]:
        """Seconds that both samples of each pair took."""
        n, m = self.n_calls
        return [baseline * n + contender * m for baseline, contender in zip(*self._both_s, strict=True)]

    @cached_property
    def log_span(self) -> Span:
        """Between which values the median of log(baseline / contender) would have been, had nothing disturbed a pair.

        A disturbed sample would have taken no longer than it did, and at least what was left of it
        (`disturbance.least_s`).
        """
        pairs = list(zip(self.baseline_s, self.contender_s, self._least_s(0), self._least_s(1), strict=True))
        lows = [math.log((least or baseline) / contender) for baseline, contender, least, _ in pairs]
        highs = [math.log(baseline / (least or contender)) for baseline, contender, _, least in pairs]
        return median(lows), median(highs)

    def _least_s(self, side: int) -> list[float | None]:
        """Seconds per call that each sample would have taken at least; what was not disturbed, what it took."""
        seconds, n_calls = self._both_s[side], self.n_calls[side]
        seen, disturbed = rows(self.seen[side], self.n_pairs), self._disturbances(side)
        found: list[float | None] = []
        for took_s, by, beside in zip(seconds, disturbed, seen, strict=True):
            least = least_s(took_s * n_calls, beside) if by else took_s * n_calls
            found.append(least and least / n_calls)
        return found

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
    """What nothing disturbed; where the method has bounds, of a launch without such a pair those known within some."""
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
    marks = [(_left_out(one, method), one.slow(probes)) for one in launches]

    def those(wanted: Callable[[bool, bool], bool]) -> tuple[Launch, ...]:
        found = []
        for one, (left_out, slow) in zip(launches, marks, strict=True):
            pairs = [i for i in range(one.n_pairs) if wanted(left_out[i], slow[i])]
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


def _left_out(launch: Launch, method: Method) -> tuple[bool, ...]:
    """Whether each pair is left out as disturbed."""
    hit = tuple(map(bool, launch.disturbances))
    return tuple(not one for one in launch.is_bounded) if method.bounded and all(hit) else hit


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


def spans(launches: Sequence[Launch], method: Method) -> tuple[Span, ...]:
    """What each launch that the method counts says of the log speed-up."""
    counted = usable(launches, method)
    return tuple(one.log_span if method.bounded else (one.log_speedup,) * 2 for one in counted)
