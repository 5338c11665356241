"""Methods: how samples of fresh processes become a factor with an interval, and when they are looked at.

A group-sequential two-sided test on launch means. Its statistics at all looks are made from the same standardised
launches, so under normal, independent launches their joint law knows neither the mean nor the spread: levels that keep
the overall error rate at exactly `ERROR_RATE` are numbers, worked out once. The test inverted at each look gives
repeated confidence intervals, which hold at whichever look sampling stops, for whatever reason (Jennison and Turnbull
2000, "Group Sequential Methods", chapter 9; Pocock 1977, Biometrika 64; Lan and DeMets 1983, Biometrika 70).

From eight launches on, the mean is trimmed, so that one launch, or two or three of many, may be anything (Tukey and
McLaughlin 1963, Sankhya A 25). What was recorded says by which method it is to be read, so that no old figure changes.

Correlated launches break all of it: a disturbance that outlasts a launch makes the launches look more alike than they
are.
"""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from statistics import fmean, stdev

from speedproof.errors import unknown

ERROR_RATE = 0.05
"""Chance, over a whole sitting and every look at its samples, of an interval that misses the truth."""
CONFIRMING = 2 * ERROR_RATE
"""Level of the two-sided test of samples that are to confirm others: they are asked about one direction, which the
first ones named."""
SPENDING_POWER = 0.5
"""By the look at n of 24 launches, ERROR_RATE * (n / 24) ** this is spent. A power below 1 spends early: a long
function gets four to eight launches."""
ALL_PAIRS_WANTED = "SPEEDPROOF_ALL_PAIRS"
"""The environment variable that says that disturbed pairs are to count too."""
POWER = 0.8
"""Chance with which the smallest detectable change would have been seen; the usual one (Cohen 1988)."""


@dataclass(frozen=True)
class Look:
    """One look at the samples, after `n` launches."""

    n: int
    level: float
    """Two-sided level of its test. The first is what is spent there; each later one leaves the spent share of millions
    of simulated sittings stopped by then."""
    n_trimmed: int = 0
    """Launches that are left out of the mean at each end."""
    law: tuple[float, float] | None = None
    """Degrees and scale of Student's t whose tails the statistic of a trimmed mean has, to 3% of a p-value between 0.3
    and 0.0003; None where nothing is trimmed and it is exactly t."""

    @cached_property
    def critical(self) -> float:
        """The statistic from which on, to either side, the test rejects."""
        # `scipy.stats` has the same by other names, and takes most of a second to import.
        from scipy.special import stdtrit

        degrees, scale = self._law
        return -scale * float(stdtrit(degrees, self.level / 2))

    def seen(self, logs: Sequence[float]) -> tuple[float, float]:
        """The (trimmed) mean of the first `n`, and its standard error."""
        ordered = sorted(logs[: self.n])
        kept = ordered[self.n_trimmed : self.n - self.n_trimmed]
        # Winsorised: what is left out counts as the nearest that is not.
        spread = stdev([kept[0]] * self.n_trimmed + kept + [kept[-1]] * self.n_trimmed)
        return fmean(kept), spread / ((1 - 2 * self.n_trimmed / self.n) * math.sqrt(self.n))

    def nominal_p(self, centre: float, error: float) -> float:
        """The test's own two-sided p-value of a mean this far from zero."""
        if error == 0:
            return 0.0 if centre else 1.0
        from scipy.special import stdtr

        degrees, scale = self._law
        return 2 * float(stdtr(degrees, -abs(centre) / (scale * error)))

    @cached_property
    def noticed(self) -> float:
        """The effect that the test notices with the chance `POWER`, in standard errors.

        By the noncentral t distribution. That the test rejects towards the wrong side, which it does in one of a
        hundred million cases at most, is left out.
        """
        from scipy.special import nctdtrinc

        degrees, scale = self._law
        return scale * float(nctdtrinc(degrees, 1 - POWER, self.critical / scale))

    @property
    def _law(self) -> tuple[float, float]:
        return self.law or (self.n - 1, 1.0)


@dataclass(frozen=True)
class Method:
    """How launches are looked at. Its name stands in the records."""

    name: str
    looks: tuple[Look, ...]
    overall: Mapping[float, float] = field(repr=False)
    """Least p-value over looks, as a multiple of its look's level -> chance of such a multiple or a smaller one, from
    the same sittings. Towards zero it is the sum of the levels, the union bound."""
    only_quiet: bool = False
    """Whether pairs that something on the machine disturbed are left out."""
    usual_phase: bool = False
    """Whether quiet phases alone count where at least half of the undisturbed pairs are of them. By the rule of before
    they did where at least half of the launches had such a pair."""
    bounded: bool = False
    """Whether a launch that has long pairs, all of them disturbed, counts by the bounds of its figure. Else it does
    not."""

    @property
    def first(self) -> int:
        """Launches at the first look."""
        return self.looks[0].n

    @property
    def last(self) -> int:
        """Launches at the last look."""
        return self.looks[-1].n

    @property
    def numbers(self) -> tuple[int, ...]:
        """Launches at each look."""
        return tuple(look.n for look in self.looks)

    def look(self, n_launches: int) -> Look | None:
        """The last look that so many launches reach; None before the first."""
        return next((look for look in reversed(self.looks) if look.n <= n_launches), None)

    def next_look(self, n_launches: int) -> int | None:
        """Launches at the first look after so many; None after the last."""
        return next((n for n in self.numbers if n > n_launches), None)

    def overall_p(self, look: Look, nominal_p: float) -> float:
        """The p-value of the whole procedure that stopped at that look, from the test's own there.

        Below `ERROR_RATE` exactly where the test's is below the look's level, so exactly where the interval excludes
        the value tested. Smaller ones hold too, as Holm's method needs: they are the chance of so small a multiple of
        the level at any look. Between the tabled multiples it is interpolated.
        """
        import numpy as np

        multiple = nominal_p / look.level
        shares = [chance / tabled for tabled, chance in self.overall.items()]
        share = float(np.interp(math.log(max(multiple, 1e-300)), np.log(list(self.overall)), shares))
        return min(1.0, multiple * share)


def _method(name: str, looks: tuple[Look, ...], tabled: Mapping[float, float], only_quiet: bool = False) -> Method:
    levels = [look.level for look in looks]
    ends = {1e-9: 1e-9 * sum(levels)}, {1.0: ERROR_RATE}, {1 / max(levels): 1.0}
    overall = dict(sorted({**tabled, **ends[0], **ends[1], **ends[2]}.items()))
    return Method(name, looks, overall, only_quiet)


PLAIN = _method(
    "t",
    (
        *(Look(4, 0.02041), Look(6, 0.00834), Look(8, 0.00702)),
        *(Look(12, 0.00938), Look(16, 0.00984), Look(24, 0.01415)),
    ),
    {0.02: 0.001256, 0.1: 0.005822, 0.3: 0.016474, 0.6: 0.031322, 2: 0.093107, 5: 0.206101, 10: 0.366419, 20: 0.624635},
)
"""Student's t over all pairs of all launches. Records from before methods had names were made by it."""
QUIET_PAIRS = _method(
    "trimmed t, quiet pairs",
    (
        Look(4, 0.02039),
        Look(8, 0.01153, 1, (4.623, 1.0327)),
        Look(12, 0.01028, 2, (6.216, 1.0290)),
        Look(16, 0.01029, 3, (7.640, 1.0189)),
        Look(24, 0.01399, 4, (12.959, 1.0094)),
    ),
    {0.02: 0.001202, 0.1: 0.005839, 0.3: 0.016446, 0.6: 0.031381, 2: 0.093222, 5: 0.20746, 10: 0.372639, 20: 0.641621},
    only_quiet=True,
)
"""A trimmed mean over launches from eight on, of the pairs that nothing disturbed. Four launches leave no room to leave
one out, and at six it would cost more width than a seventh and an eighth do."""
USUAL_PHASE = replace(QUIET_PAIRS, name="trimmed t, usual phase", usual_phase=True)
"""The same, of quiet phases where the machine is quiet most of the time, and of all phases elsewhere. The few quiet
pairs of a machine that is seldom quiet say less than all of its pairs do."""
BOUNDED = replace(USUAL_PHASE, name="trimmed t, bounds", bounded=True)
"""The same where a call of a minute has no minute without others beside it: the interval's lower end is of the lower
bounds, its upper end of the upper ones. Each holds with the same chance as it does of the values themselves, and it is
the wider the longer threads waited."""
ALL_PAIRS = replace(QUIET_PAIRS, name="trimmed t, all pairs", only_quiet=False)
"""The same where a machine never is quiet, and a wide interval is more use than none."""
BY_DEFAULT = BOUNDED
"""What is measured by, unless the environment asks for another."""
TODAYS = ALL_PAIRS if os.environ.get(ALL_PAIRS_WANTED) else BY_DEFAULT
"""What is measured now, is measured by it."""
METHODS: Mapping[str, Method] = {
    method.name: method for method in (PLAIN, QUIET_PAIRS, USUAL_PHASE, BOUNDED, ALL_PAIRS)
}


def method_named(name: str) -> Method:
    """The method that a record names. Raises BadInput."""
    if name not in METHODS:
        raise unknown("method of measuring", name, list(METHODS))
    return METHODS[name]
