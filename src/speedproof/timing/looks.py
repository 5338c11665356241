"""Looks: after how many fresh processes the samples are looked at, and what each look may spend of the error rate.

A group-sequential two-sided t test on launch means. The t statistics at all looks are made from the same standardised
launches, so under normal, independent launches their joint law knows neither the mean nor the spread: levels that keep
the overall error rate at exactly `ERROR_RATE` are numbers, worked out once. The test inverted at each look gives
repeated confidence intervals, which hold at whichever look sampling stops, for whatever reason (Jennison and Turnbull
2000, "Group Sequential Methods", chapter 9; Pocock 1977, Biometrika 64; Lan and DeMets 1983, Biometrika 70).

Correlated launches break this: a disturbance that outlasts a launch makes the launches look more alike than they are.
"""

import math
from functools import cache

ERROR_RATE = 0.05
"""Chance, over a whole sitting and every look at its samples, of an interval that misses the truth."""
CONFIRMING = 2 * ERROR_RATE
"""Level of the two-sided test of samples that are to confirm others: they are asked about one direction, which the
first ones named."""
LOOKS = (4, 6, 8, 12, 16, 24)
"""Launches after which the samples are looked at. Each step adds about half, since width falls with the root."""
SPENDING_POWER = 0.5
"""By the look at n launches, ERROR_RATE * (n / 24) ** this is spent. A power below 1 spends early: a long function
gets four to eight launches. At four launches the interval is 28% narrower than under a union bound over all looks, at
twenty-four 12% wider than the shape with power 1 would make it."""
LEVELS = (0.02041, 0.00834, 0.00702, 0.00938, 0.00984, 0.01415)
"""Two-sided level of the t test at each look. The first is what is spent there; each later one leaves the spent share
of ten million simulated sittings stopped by then. Their own error in the overall rate is 0.00007."""
OVERALL = {
    1e-9: 1e-9 * sum(LEVELS),
    0.02: 0.001256,
    0.1: 0.005822,
    0.3: 0.016474,
    0.6: 0.031322,
    1.0: ERROR_RATE,
    2.0: 0.093107,
    5.0: 0.206101,
    10.0: 0.366419,
    20.0: 0.624635,
    1 / LEVELS[0]: 1.0,
}
"""Least p-value over looks, as a multiple of its look's level -> chance of such a multiple or a smaller one, from the
same sittings. Towards zero it is the sum of the levels, the union bound."""


def look(n_launches: int) -> int | None:
    """The last look that so many launches reach, as a number of launches; None before the first."""
    return max((n for n in LOOKS if n <= n_launches), default=None)


def next_look(n_launches: int) -> int | None:
    """The first look after so many launches; None after the last."""
    return min((n for n in LOOKS if n > n_launches), default=None)


def level(at: int) -> float:
    """Two-sided level of the t test at a look."""
    return LEVELS[LOOKS.index(at)]


@cache
def reach(at: int) -> float:
    """Half the interval's width at a look, in standard deviations of a launch."""
    return critical(at) / math.sqrt(at)


@cache
def critical(at: int) -> float:
    """The t statistic from which on, to either side, the look's test rejects."""
    # `scipy.stats` has the same by other names, and takes most of a second to import.
    from scipy.special import stdtrit

    return -float(stdtrit(at - 1, level(at) / 2))


def overall_p(at: int, nominal_p: float) -> float:
    """The p-value of the whole procedure that stopped at that look, from the t test's own there.

    Below `ERROR_RATE` exactly where the t test's is below the look's level, so exactly where the interval excludes the
    value tested. Smaller ones hold too, as Holm's method needs: they are the chance of so small a multiple of the
    level at any look. Between the tabled multiples it is interpolated.
    """
    import numpy as np

    multiple = nominal_p / level(at)
    shares = [chance / tabled for tabled, chance in OVERALL.items()]
    share = float(np.interp(math.log(max(multiple, 1e-300)), np.log(list(OVERALL)), shares))
    return min(1.0, multiple * share)
