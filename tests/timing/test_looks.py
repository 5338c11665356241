"""Levels at the looks: the constants are what a simulation gives, and spend exactly the error rate between them."""

import math

import numpy as np
import pytest
from scipy import stats

from speedproof.timing.looks import (
    ERROR_RATE,
    LEVELS,
    LOOKS,
    OVERALL,
    SPENDING_POWER,
    level,
    look,
    next_look,
    overall_p,
    reach,
)
from tests.synthetic import Array, looked_at

N_PATHS = 200_000
TOLERATED_ERRORS = 4
"""Standard errors by which a simulated share may differ from the constant."""


@pytest.fixture(scope="module")
def p_values() -> Array:
    """The t test's p-value at each look of sittings with no effect, [sitting, look]."""
    means, sds = looked_at(np.random.default_rng(1977).standard_normal((N_PATHS, LOOKS[-1])))
    n = np.array(LOOKS)
    return np.asarray(2 * stats.t.sf(np.abs(means) / sds * np.sqrt(n), n - 1))


def tolerance(share: float) -> float:
    return TOLERATED_ERRORS * math.sqrt(share * (1 - share) / N_PATHS)


def stopped_shares(p_values: Array, levels: tuple[float, ...]) -> Array:
    """Share of sittings whose p-value was below its level at this look or an earlier one."""
    return np.asarray((p_values < levels).cumsum(1).astype(bool).mean(0))


def spent() -> list[float]:
    return [ERROR_RATE * (n / LOOKS[-1]) ** SPENDING_POWER for n in LOOKS]


def test_each_look_spends_its_part_of_the_error_rate_and_all_together_the_whole(p_values: Array) -> None:
    for share, due in zip(stopped_shares(p_values, LEVELS), spent(), strict=True):
        assert share == pytest.approx(due, abs=tolerance(due))
    assert spent()[-1] == ERROR_RATE


def test_levels_that_forget_the_other_looks_are_seen(p_values: Array) -> None:
    """The companion: 5% at every look is far more than 5%, and levels a tenth too high are noticed too."""
    assert stopped_shares(p_values, (ERROR_RATE,) * len(LOOKS))[-1] > 2 * ERROR_RATE
    shares = stopped_shares(p_values, tuple(1.1 * one for one in LEVELS))
    assert shares[-1] > ERROR_RATE + tolerance(ERROR_RATE)


def test_p_values_hold_at_every_level_that_holm_asks_for(p_values: Array) -> None:
    least = (p_values / LEVELS).min(1)
    for multiple, chance in OVERALL.items():
        if chance * N_PATHS > 100:
            assert (least < multiple).mean() == pytest.approx(chance, abs=tolerance(chance) + 1e-9)
    for rate in (0.05, 0.01, 0.05 / 9):
        alarms = np.mean(
            [any(overall_p(n, p) < rate for n, p in zip(LOOKS, row, strict=True)) for row in p_values[:20_000]]
        )
        assert alarms < rate + TOLERATED_ERRORS * math.sqrt(rate / 20_000)


def test_a_p_value_is_below_the_error_rate_exactly_where_the_t_test_is_below_its_level() -> None:
    for n in LOOKS:
        assert overall_p(n, level(n) * (1 - 1e-9)) < ERROR_RATE <= overall_p(n, level(n) * (1 + 1e-9))
        assert overall_p(n, 0.0) == 0.0 and overall_p(n, 1.0) == 1.0
        grid = [overall_p(n, p) for p in np.geomspace(1e-12, 1, 400)]
        assert grid == sorted(grid)


def test_intervals_are_narrower_than_under_a_union_bound_over_all_looks() -> None:
    for n in LOOKS[:3]:
        j = n - 2
        union = float(stats.t.isf(ERROR_RATE / (j * (j + 1)) / 2, n - 1)) / math.sqrt(n)
        assert reach(n) < 0.76 * union
    assert [reach(n) for n in LOOKS] == sorted((reach(n) for n in LOOKS), reverse=True)


def test_the_interval_reaches_as_far_as_the_library_says() -> None:
    assert [reach(n) for n in LOOKS] == [float(stats.t.isf(level(n) / 2, n - 1)) / math.sqrt(n) for n in LOOKS]


def test_launches_between_looks_wait_for_the_next() -> None:
    assert [look(n) for n in (0, 3, 4, 5, 6, 23, 24, 99)] == [None, None, 4, 4, 6, 16, 24, 24]
    assert [next_look(n) for n in (0, 4, 5, 23, 24)] == [4, 6, 6, 24, None]
