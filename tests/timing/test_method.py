"""Levels at the looks: the constants are what a simulation gives, and spend exactly the error rate between them."""

import math

import numpy as np
import pytest
from scipy import stats

from speedproof.errors import BadInput
from speedproof.timing.method import ERROR_RATE, METHODS, PLAIN, SPENDING_POWER, TODAYS, Method, method_named
from tests.synthetic import Array, looked_at

N_PATHS = 200_000
TOLERATED_ERRORS = 4
"""Standard errors by which a simulated share may differ from the constant."""
APPROXIMATE = 0.03
"""Of a p-value, by how much the law of a trimmed mean may be off."""

each_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())


@pytest.fixture(scope="module")
def p_values() -> dict[str, Array]:
    """Each method's p-value at each look of sittings with no effect, [sitting, look]."""
    launches = np.random.default_rng(1977).standard_normal((N_PATHS, TODAYS.last))
    found = {}
    for name, method in METHODS.items():
        means, errors = looked_at(launches, method)
        degrees, scales = np.array([look.law or (look.n - 1, 1.0) for look in method.looks]).T
        found[name] = np.asarray(2 * stats.t.sf(np.abs(means) / errors / scales, degrees))
    return found


def tolerance(share: float) -> float:
    return TOLERATED_ERRORS * math.sqrt(share * (1 - share) / N_PATHS)


def levels(method: Method) -> tuple[float, ...]:
    return tuple(look.level for look in method.looks)


def stopped_shares(p_values: Array, levels: tuple[float, ...]) -> Array:
    """Share of sittings whose p-value was below its level at this look or an earlier one."""
    return np.asarray((p_values < levels).cumsum(1).astype(bool).mean(0))


def spent(method: Method) -> list[float]:
    return [ERROR_RATE * (n / method.last) ** SPENDING_POWER for n in method.numbers]


@each_method
def test_each_look_spends_its_part_of_the_error_rate_and_all_together_the_whole(
    p_values: dict[str, Array], method: Method
) -> None:
    for share, due in zip(stopped_shares(p_values[method.name], levels(method)), spent(method), strict=True):
        assert share == pytest.approx(due, abs=tolerance(due))
    assert spent(method)[-1] == ERROR_RATE


@each_method
def test_levels_that_forget_the_other_looks_are_seen(p_values: dict[str, Array], method: Method) -> None:
    """The companion: 5% at every look is far more than 5%, and levels a tenth too high are noticed too."""
    seen = p_values[method.name]
    assert stopped_shares(seen, (ERROR_RATE,) * len(method.looks))[-1] > 1.9 * ERROR_RATE
    shares = stopped_shares(seen, tuple(1.1 * one for one in levels(method)))
    assert shares[-1] > ERROR_RATE + tolerance(ERROR_RATE)


@each_method
def test_p_values_hold_at_every_level_that_holm_asks_for(p_values: dict[str, Array], method: Method) -> None:
    seen = p_values[method.name]
    least = (seen / levels(method)).min(1)
    for multiple, chance in method.overall.items():
        if chance * N_PATHS > 100:
            assert (least < multiple).mean() == pytest.approx(chance, abs=tolerance(chance) + 1e-9)
    for rate in (0.05, 0.01, 0.05 / 9):
        alarms = np.mean(
            [
                any(method.overall_p(look, p) < rate for look, p in zip(method.looks, row, strict=True))
                for row in seen[:20_000]
            ]
        )
        assert alarms < rate + TOLERATED_ERRORS * math.sqrt(rate / 20_000)


def test_the_statistic_of_a_trimmed_mean_has_the_tails_of_the_law_that_stands_for_it(
    p_values: dict[str, Array],
) -> None:
    for column, look in enumerate(TODAYS.looks):
        for rate in (0.3, 0.05, 0.01, 0.001):
            share = (p_values[TODAYS.name][:, column] < rate).mean()
            assert share == pytest.approx(rate, rel=APPROXIMATE, abs=tolerance(rate)), (look.n, rate)


def test_students_own_law_would_not_do(p_values: dict[str, Array]) -> None:
    """The companion: as many degrees as launches less one, and a trimmed mean is believed too often."""
    launches = np.random.default_rng(3).standard_normal((N_PATHS // 4, TODAYS.last))
    means, errors = looked_at(launches, TODAYS)
    for column, look in list(enumerate(TODAYS.looks))[1:]:
        share = (2 * stats.t.sf(np.abs(means / errors)[:, column], look.n - 1) < 0.01).mean()
        assert share > (1 + 5 * APPROXIMATE) * 0.01, look.n


@each_method
def test_a_p_value_is_below_the_error_rate_exactly_where_the_test_is_below_its_level(method: Method) -> None:
    for look in method.looks:
        assert (
            method.overall_p(look, look.level * (1 - 1e-9))
            < ERROR_RATE
            <= method.overall_p(look, look.level * (1 + 1e-9))
        )
        assert method.overall_p(look, 0.0) == 0.0 and method.overall_p(look, 1.0) == 1.0
        grid = [method.overall_p(look, p) for p in np.geomspace(1e-12, 1, 400)]
        assert grid == sorted(grid)


def test_intervals_are_narrower_than_under_a_union_bound_over_all_looks() -> None:
    for look in PLAIN.looks[:3]:
        j = look.n - 2
        union = float(stats.t.isf(ERROR_RATE / (j * (j + 1)) / 2, look.n - 1))
        assert look.critical < 0.76 * union


@each_method
def test_each_look_reaches_less_far_than_the_one_before(method: Method) -> None:
    reaches = [look.critical / math.sqrt(look.n) for look in method.looks]
    assert reaches == sorted(reaches, reverse=True)


def test_what_is_not_trimmed_is_the_librarys_t_test() -> None:
    rng = np.random.default_rng(4)
    for look in PLAIN.looks:
        logs = list(rng.normal(0.02, 0.03, look.n))
        centre, error = look.seen(logs)
        expected = stats.ttest_1samp(logs, 0.0)
        assert look.nominal_p(centre, error) == pytest.approx(float(expected.pvalue))
        assert centre / error == pytest.approx(float(expected.statistic))


def test_a_trimmed_mean_is_the_librarys() -> None:
    rng = np.random.default_rng(5)
    for look in TODAYS.looks:
        logs = list(rng.normal(0.02, 0.03, look.n))
        cut = look.n_trimmed / look.n
        assert look.seen(logs)[0] == pytest.approx(float(stats.trim_mean(logs, cut)))
        winsorised = np.asarray(stats.mstats.winsorize(np.array(logs), (cut, cut)))
        error = float(winsorised.std(ddof=1)) / ((1 - 2 * cut) * math.sqrt(look.n))
        assert look.seen(logs)[1] == pytest.approx(error)


def test_launches_between_looks_wait_for_the_next() -> None:
    found = [PLAIN.look(n) for n in (0, 3, 4, 5, 6, 23, 24, 99)]
    assert [look and look.n for look in found] == [None, None, 4, 4, 6, 16, 24, 24]
    assert [PLAIN.next_look(n) for n in (0, 4, 5, 23, 24)] == [4, 6, 6, 24, None]


def test_a_method_that_nobody_knows_is_told() -> None:
    with pytest.raises(BadInput, match=r"Unknown method of measuring 'bootstrap'\. Expected one of: t, trimmed t"):
        method_named("bootstrap")
