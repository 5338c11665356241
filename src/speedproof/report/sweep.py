"""Sweeps: what a function's speed-up does as its workload grows, where the batched twin loses, and how time grows.

Pure: worked out from records, one sitting for each series.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from math import fsum
from statistics import fmean, linear_regression
from typing import Literal

from speedproof.pairs.finding import TWINS, Pair
from speedproof.pairs.series import Series, series_of
from speedproof.records.base import About
from speedproof.records.kinds import Alone
from speedproof.timing.comparison import Comparison
from speedproof.timing.method import ERROR_RATE
from speedproof.wording import digits

from .asked import Asked
from .figure import Figure, figure
from .sittings import RecordedSitting, that_counts

FIT_SPAN = 10
"""An exponent is fitted over sizes within this factor of the largest: below them, fixed costs flatten the line."""
FEWEST_FITTED = 3
"""Points that an exponent with an interval needs: with two, every line fits."""

Outcome = Literal["wins", "loses", "open", "withheld"]
WORDS: dict[Outcome, str] = {
    "wins": "wins",
    "loses": "loses",
    "open": "no difference shown",
    "withheld": "no figure",
}


@dataclass(frozen=True)
class Point:
    """One size of a series, and its figure."""

    size: int
    figure: Figure
    alone: Alone | None = None
    """The batched twin's seconds without the definition beside it, where that would take too long."""

    @property
    def batched_s(self) -> float | None:
        """Seconds of a call of the batched twin, in a comparison or alone."""
        return self.comparison.contender_s if self.comparison else self.alone.seconds if self.alone else None

    @property
    def comparison(self) -> Comparison | None:
        """What was measured; None where there is no figure."""
        return self.figure.comparison

    @property
    def outcome(self) -> Outcome:
        """What the batched twin does here, by the interval."""
        if self.comparison is None:
            return "withheld"
        low, high = self.comparison.interval
        return "wins" if low > 1 else "loses" if high < 1 else "open"


@dataclass(frozen=True)
class Exponent:
    """Power of the size with which a twin's time grows, and its interval, over a range of sizes."""

    value: float
    low: float
    high: float
    smallest: int
    largest: int


@dataclass(frozen=True)
class Sweep:
    """A series and what was measured of it in one sitting."""

    series: Series
    points: tuple[Point, ...]
    sitting: RecordedSitting

    @property
    def void(self) -> str:
        """Why the sitting's timings do not count, or an empty string."""
        return "void: the sitting's A/A pair differs" if self.sitting.is_void else ""

    @property
    def machine(self) -> str:
        """The machine that the sizes were timed on."""
        return self.sitting.machine

    @property
    def timed(self) -> list[Point]:
        """The points that have a figure."""
        return [point for point in self.points if point.comparison]

    @property
    def crossover(self) -> str:
        """Where the batched twin loses, where nothing is shown, and where it wins, in words."""
        if self.void:
            return self.void
        if not self.timed:
            return "no figure at any size"
        unit = self.series.unit
        runs = [(outcome, [p.size for p in run]) for outcome, run in groupby(self.timed, lambda p: p.outcome)]
        told = "; ".join(f"{WORDS[outcome]} {_range(sizes)} {unit}" for outcome, sizes in runs)
        if any(outcome == "loses" for outcome, _ in runs):
            between = [_between(one, other, unit) for one, other in pairwise(runs)]
            return "; ".join([told, *filter(None, between)])
        sizes = [point.size for point in self.timed]
        none_lost = f"no losing point found {_range([sizes[0], sizes[-1]])} {unit}"
        return none_lost if len(runs) == 1 and runs[0][0] == "wins" else f"{none_lost}: {told}"

    @property
    def ends(self) -> str:
        """The figures at the smallest and the largest size that were timed, and at one between them where it is clearly
        the highest or the lowest; nothing where there are not two sizes."""
        if self.void or len(self.timed) < 2:
            return ""
        *_, (size, speedup) = told = [(p.size, p.comparison.speedup) for p in self._telling if p.comparison]
        before = ", ".join(f"{digits(factor)}x at {n:,}" for n, factor in told[:-1])
        joined = " to " if len(told) == 2 else ", "
        subject = self.series.workloads[0].subject
        return f"{before}{joined}{digits(speedup)}x at {size:,} {self.series.unit} ({subject}; {self.machine})"

    @property
    def _telling(self) -> list[Point]:
        """The first and the last timed point, and between them an extreme whose interval meets neither's."""
        ends = self.timed[0], self.timed[-1]
        inner = [
            point
            for extreme in (min, max)
            if (point := extreme(self.timed, key=_speedup)) not in ends and all(_apart(point, end) for end in ends)
        ]
        return sorted([*ends, *inner], key=lambda point: point.size)

    @property
    def exponents(self) -> tuple[Exponent | None, Exponent | None] | None:
        """How the definition's time and the batched twin's grow, each None where too few sizes were timed, or None for
        both. The batched twin's is also over sizes at which it was timed alone."""
        if self.void:
            return None
        both = [(point.size, point.comparison.baseline_s) for point in self.timed if point.comparison]
        batched = [(point.size, point.batched_s) for point in self.points if point.batched_s is not None]
        found = _fitted(both), _fitted(batched)
        return found if any(found) else None

    @property
    def alone(self) -> str:
        """Where the batched twin was timed alone, and what was asked of its answers there; nothing where nowhere."""
        told = [point.alone for point in self.points if point.alone]
        if not told:
            return ""
        at = ", ".join(f"{point.size:,}" for point in self.points if point.alone)
        return (
            f"At {at} {self.series.unit} the batched twin was timed alone: there its answers about "
            f"{max(one.n_sampled for one in told)} of the items were held to the definition's, and its certificate is "
            f"of {self.series.size(told[-1].certificate.workload):,}"
        )


def _fitted(points: Sequence[tuple[int, float]]) -> Exponent | None:
    largest = max((size for size, _ in points), default=0)
    kept = [(size, took_s) for size, took_s in points if size * FIT_SPAN >= largest]
    if len(kept) < FEWEST_FITTED:
        return None
    return fit([size for size, _ in kept], [took_s for _, took_s in kept])


def _speedup(point: Point) -> float:
    return point.comparison.speedup if point.comparison else 1.0


def _apart(one: Point, other: Point) -> bool:
    """Whether the intervals of two points share no value."""
    if not (one.comparison and other.comparison):
        return False
    (low, high), (other_low, other_high) = one.comparison.interval, other.comparison.interval
    return high < other_low or other_high < low


def fit(sizes: Sequence[int], seconds: Sequence[float]) -> Exponent:
    """Least squares on logs; the interval is Student's t over the points, at the error rate of all intervals.

    Raises:
        ValueError: fewer than three points.
    """
    if len(sizes) < FEWEST_FITTED:
        raise ValueError(f"An exponent needs {FEWEST_FITTED} points, got {len(sizes)}.")
    # `scipy.stats` fits lines too, and takes most of a second to import.
    from scipy.special import stdtrit

    x, y = [math.log(n) for n in sizes], [math.log(s) for s in seconds]
    slope, intercept = linear_regression(x, y)
    freedom, centre = len(sizes) - 2, fmean(x)
    missed = fsum((b - intercept - slope * a) ** 2 for a, b in zip(x, y, strict=True))
    error = math.sqrt(missed / freedom / fsum((a - centre) ** 2 for a in x))
    reach = float(stdtrit(freedom, 1 - ERROR_RATE / 2)) * error
    return Exponent(slope, slope - reach, slope + reach, min(sizes), max(sizes))


def sweeps(among: Sequence[RecordedSitting], asked: Asked) -> tuple[Sweep, ...]:
    """Every series of the findings asked about that has records, each from the sitting that counts.

    A subject asked about replaces the series' own.
    """
    with_series = [finding for finding in asked.findings if any(pair.series for pair in finding.pairs)]
    wanted = series_of(with_series, asked.subject) if with_series else []
    pairs = {(finding.name, pair.name): pair for finding, pair in asked.pairs}
    found = (_sweep(series, pairs[series.finding, series.function], among) for series in wanted)
    return tuple(sweep for sweep in found if sweep)


def _sweep(series: Series, pair: Pair, among: Sequence[RecordedSitting]) -> Sweep | None:
    abouts = [About(series.finding, series.function, workload, TWINS) for workload in series.workloads]
    sitting = that_counts(among, abouts, RecordedSitting.tells_of)
    if not sitting:
        return None
    timed_alone = {one.workload.digest: one for one in sitting.of(Alone) if one.function == pair.name}
    points = []
    for workload, about in zip(series.workloads, abouts, strict=True):
        one = timed_alone.get(workload.digest)
        still_holds = one and pair.is_unchanged(one.certificate.twin, one.certificate.sources["candidate"])
        points.append(Point(series.size(workload), figure(sitting, pair, about), one if still_holds else None))
    return Sweep(series, tuple(points), sitting)


def _range(sizes: Sequence[int]) -> str:
    return f"at {sizes[0]:,}" if sizes[0] == sizes[-1] else f"from {sizes[0]:,} to {sizes[-1]:,}"


def _between(one: tuple[Outcome, list[int]], other: tuple[Outcome, list[int]], unit: str) -> str:
    if "loses" not in (one[0], other[0]):
        return ""
    return f"crossover between {one[1][-1]:,} and {other[1][0]:,} {unit}"
