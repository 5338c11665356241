"""Phases of the machine: the same work asked again and again, and when it took longer than it can.

On a shared machine all processes become slow at the same moments, for seconds to tens of seconds, and each kernel by a
factor of its own. `speedproof doctor --phases` shows whether this one does.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from statistics import median

from speedproof.clock import lasted_s, monotonic_s, pause

from .probes import NAMES, probe

PAUSE_S = 0.01
"""Seconds between two moments, in which others may have the core."""
QUIET_SHARE = 0.1
"""A probe's quiet time is what this share of its runs stays below."""
SLOW_PHASE = 1.5
"""Times a probe's quiet time from which a moment is slow: between what runs in quiet differ by and what a neighbour on
the same physical core does to them. `doctor --phases` shows both."""


@dataclass(frozen=True)
class Moment:
    """One moment: seconds since the first, and what the probes and the kernels took."""

    at_s: float
    probes: Mapping[str, float]
    kernels: Mapping[str, float]


@dataclass(frozen=True)
class Factor:
    """A kernel's middle time in seconds, in quiet moments and in slow ones."""

    quiet_s: float
    slow_s: float | None

    @property
    def factor(self) -> float | None:
        """How much longer it takes in a slow phase; None where none was seen."""
        return self.slow_s / self.quiet_s if self.slow_s else None


@dataclass(frozen=True)
class Phases:
    """What was seen over a while, moment by moment."""

    moments: Sequence[Moment]

    @cached_property
    def quiet(self) -> dict[str, float]:
        """The probes' quiet times, in seconds."""
        return quiet_times([moment.probes for moment in self.moments])

    @cached_property
    def is_slow(self) -> tuple[bool, ...]:
        """Of each moment, whether a probe took far longer than in quiet."""
        return tuple(
            any(moment.probes[name] > SLOW_PHASE * quiet_s for name, quiet_s in self.quiet.items())
            for moment in self.moments
        )

    @property
    def slow_share(self) -> float:
        """Share of the moments that were slow."""
        return sum(self.is_slow) / len(self.is_slow)

    @property
    def slow_phases_s(self) -> list[float]:
        """How long each run of slow moments lasted, in seconds; a single one counts for nothing."""
        lengths = []
        for slow, group in groupby(zip(self.is_slow, self.moments, strict=True), key=lambda one: one[0]):
            times = [moment.at_s for _, moment in group]
            if slow and len(times) > 1:
                lengths.append(times[-1] - times[0])
        return lengths

    @property
    def factors(self) -> dict[str, Factor]:
        """What slow phases do to each probe and each kernel."""
        found = {}
        for of in ("probes", "kernels"):
            for name in getattr(self.moments[0], of):
                taken = [(getattr(moment, of)[name], slow) for moment, slow in self._judged]
                slow_s = [seconds for seconds, slow in taken if slow]
                quiet_s = [seconds for seconds, slow in taken if not slow]
                found[name] = Factor(median(quiet_s), median(slow_s) if len(slow_s) > 1 else None)
        return found

    def course(self, name: str, n: int) -> list[float]:
        """A probe's or a kernel's middle time in each of `n` equal parts of the while."""
        end_s = self.moments[-1].at_s or 1.0
        parts: list[list[float]] = [[] for _ in range(n)]
        for moment in self.moments:
            taken = moment.probes.get(name, moment.kernels.get(name))
            assert taken is not None
            parts[min(n - 1, int(n * moment.at_s / end_s))].append(taken)
        middles: list[float] = []
        for part in parts:
            # Where nothing was asked, as something held the process up, it is as it was.
            middles.append(median(part) if part else middles[-1])
        return middles

    @property
    def _judged(self) -> Iterator[tuple[Moment, bool]]:
        return zip(self.moments, self.is_slow, strict=True)


def quiet_times(taken: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The probes' quiet times in seconds, from many runs of them."""
    found = {}
    for name in NAMES:
        times = sorted(one[name] for one in taken if name in one)
        if times:
            found[name] = times[int(QUIET_SHARE * len(times))]
    return found


def watch(for_s: float, kernels: Mapping[str, Callable[[], object]]) -> Phases:
    """Asks the probes and these kernels, again and again for so many seconds."""
    for kernel in kernels.values():
        kernel()
    start_s, moments = monotonic_s(), list[Moment]()
    while not moments or monotonic_s() - start_s < for_s:
        at_s = monotonic_s() - start_s
        moments.append(Moment(at_s, probe(), {name: lasted_s(kernel) for name, kernel in kernels.items()}))
        pause(PAUSE_S)
    return Phases(moments)
