"""Comparisons: what paired samples say about a speed-up, with an interval and a verdict.

A comparison is built from a certificate and samples; there is no other way to a speed-up.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from statistics import fmean, median

from speedproof.errors import Uncertified
from speedproof.gate.certificate import Certificate
from speedproof.wording import digits, in_percent

from .estimate import TARGET_HALF_WIDTH, Estimate
from .launches import Launch, Sorted, disturbances, logs, sort, spans
from .method import ERROR_RATE, TODAYS, Method


class Verdict(StrEnum):
    """What can be said of a speed-up."""

    VERIFIED = "VERIFIED"
    AMBIGUOUS = "AMBIGUOUS"
    WITHHELD = "WITHHELD"
    STALE = "STALE"

    @property
    def word(self) -> str:
        """What people read; records and JSON keep the name."""
        return "undecided" if self is Verdict.AMBIGUOUS else self.value


@dataclass(frozen=True)
class Comparison:
    """A speed-up (baseline / contender, above 1 is faster) with an interval, for what the certificates cover.

    `certificate` is the contender's. `baseline` is the baseline's, or nothing where that is the definition, which
    needs none.
    """

    certificate: Certificate
    launches: tuple[Launch, ...]
    baseline: Certificate | None = None
    method: Method = TODAYS

    def __post_init__(self) -> None:
        if not isinstance(self.certificate, Certificate):
            raise Uncertified(
                f"A speed-up needs a certificate. Expected one from certify(), got {type(self.certificate).__name__}."
            )
        if self.baseline is not None:
            _require_same_question(self.certificate, self.baseline)
        if not self.launches:
            raise ValueError("A comparison needs samples of at least one launch.")

    @property
    def speedup(self) -> float:
        """Geometric mean over launches of the middle pair's speed-up."""
        return self.estimate.factor

    @property
    def baseline_s(self) -> float:
        """Seconds per call of the baseline: geometric mean over launches of the middle sample."""
        return _typical([launch.baseline_s for launch in self._told])

    @property
    def contender_s(self) -> float:
        """Seconds per call of the contender: geometric mean over launches of the middle sample."""
        return _typical([launch.contender_s for launch in self._told])

    @property
    def interval(self) -> tuple[float, float]:
        """Where the speed-up lies, with the chance of error `ERROR_RATE` over all looks; (0, inf) before the first."""
        return self.estimate.interval

    @property
    def p_value(self) -> float:
        """Chance of a look at least this far from no change, at this or another look, if there were none."""
        return self.estimate.p_value

    @property
    def has_interval(self) -> bool:
        """Whether there are as many usable launches as the first look takes."""
        return self.interval[0] > 0

    @property
    def n_pairs(self) -> int:
        """Pairs taken, those that count and those that do not."""
        return sum(launch.n_pairs for launch in self.launches)

    @cached_property
    def disturbances(self) -> Counter[str]:
        """Pairs by what disturbed them, as far as the method asks: they do not count, or by bounds only."""
        return disturbances(self.launches) if self.method.only_quiet else Counter()

    @property
    def n_disturbed(self) -> int:
        """Pairs that something on the machine disturbed."""
        return self.disturbances.total()

    @property
    def slow_share(self) -> float:
        """Of the sound pairs, the share that was taken in slow phases of the machine."""
        n_slow, n_sound = (sum(one.n_pairs for one in part) for part in (self._sorted.slow, self._sorted.sound))
        return n_slow / n_sound if n_sound else 0.0

    @property
    def when_slow(self) -> float | None:
        """The speed-up in slow phases, where the figure is of quiet ones: geometric mean over launches of the middle
        pair. None where there were none, or all phases count."""
        left_out = () if self._sorted.is_of_all_phases or not self.method.only_quiet else self._sorted.slow
        return math.exp(fmean(logs(left_out))) if left_out else None

    @property
    def machine_words(self) -> str:
        """What the machine did meanwhile, to be read; nothing where it was quiet."""
        told = []
        if self.n_disturbed:
            by = ", ".join(f"{words} {n}" for words, n in self.disturbances.most_common())
            n_bounded = disturbances(self.usable).total()
            left_out = f", {n_bounded} of them counted by bounds" if n_bounded else " and not counted"
            told.append(f"{self.n_disturbed} of {self.n_pairs} pairs disturbed{left_out} ({by})")
        if self.method.only_quiet and self.slow_share:
            share = in_percent(self.slow_share)
            elsewhere = f", where it is {digits(self.when_slow)}x" if self.when_slow else ", and all phases count"
            told.append(f"{share} of the sound pairs in slow phases of the machine{elsewhere}")
        return "; ".join(told)

    @cached_property
    def _sorted(self) -> Sorted:
        return sort(self.launches, self.method)

    @property
    def words(self) -> str:
        """The speed-up with its interval, to be read."""
        low, high = self.interval
        known = f"[{digits(low)}, {digits(high)}]" if low else "[too few processes]"
        return f"{digits(self.speedup)}x {known}"

    @property
    def half_width(self) -> float:
        """Half the interval's width on the log scale: the relative half-width."""
        return self.estimate.half_width

    @property
    def detectable(self) -> float:
        """The smallest change, as a share, that these launches would have shown with the chance `POWER`."""
        return self.estimate.detectable

    def decided(self, beside: Sequence[float] = (), precision: float = TARGET_HALF_WIDTH) -> bool:
        """Whether more samples would change nothing, for 1 and for every value in `beside`."""
        return self.estimate.decided(beside, precision)

    @cached_property
    def estimate(self) -> Estimate:
        """What the launches say of the factor between the arms."""
        return Estimate(spans(self.launches, self.method), self.method)

    @cached_property
    def usable(self) -> tuple[Launch, ...]:
        """The launches without what the method leaves out; none where everything was disturbed."""
        return self._sorted.usable if self.method.only_quiet else self.launches

    @property
    def _told(self) -> tuple[Launch, ...]:
        """The launches behind the figures: those that the last look saw, or all before the first."""
        at = self.method.look(len(self.usable))
        return self.usable[: at.n if at else None] or self.launches


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values of one report, adjusted for its number of questions by Holm's method.

    The library's own empties all memory each time, which is most of what a report would cost.
    """
    adjusted, least = list(p_values), 0.0
    for rank, number in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[number]))
        adjusted[number] = least
    return adjusted


def verdict(adjusted_p: float) -> Verdict:
    """`VERIFIED` where "no change" is excluded in either direction, else `AMBIGUOUS`."""
    return Verdict.VERIFIED if adjusted_p < ERROR_RATE else Verdict.AMBIGUOUS


def _require_same_question(contender: Certificate, baseline: object) -> None:
    """Raises Uncertified unless both arms were certified for the same function, workload and environment."""
    about = "finding", "function", "workload", "environment"
    if not isinstance(baseline, Certificate):
        raise Uncertified(
            f"A baseline needs a certificate. Expected one from certify(), got {type(baseline).__name__}."
        )
    if any(getattr(contender, name) != getattr(baseline, name) for name in about):
        raise Uncertified(
            f"{baseline.function} on {baseline.workload.name!r} cannot be the baseline of {contender.function} on "
            f"{contender.workload.name!r}. Expected certificates for the same function, workload and environment."
        )


def _typical(samples: Sequence[Sequence[float]]) -> float:
    return math.exp(fmean(math.log(median(launch)) for launch in samples))
