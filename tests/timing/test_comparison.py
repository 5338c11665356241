"""Speed-ups: only from a certificate and samples, with intervals that hold however often one looks."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from bench.findings import find
from speedproof.errors import Uncertified
from speedproof.gate.certificate import Certificate
from speedproof.gate.check import certify
from speedproof.timing.comparison import Comparison, Verdict, holm, verdict
from speedproof.timing.launches import Launch
from speedproof.timing.method import BOUNDED, ERROR_RATE, PLAIN, POWER, TODAYS, USUAL_PHASE, Look, Method
from tests.synthetic import N_SITTINGS, World, looked_at, stopped
from tests.timing import coverage

TOLERANCE = 3 * math.sqrt(ERROR_RATE * (1 - ERROR_RATE) / N_SITTINGS)
"""Three standard errors of a simulated share."""


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    finding = find("feature_links")
    answer = certify(finding, finding.pairs[0], finding.pairs[0].workload("smoke"))
    assert isinstance(answer, Certificate)
    return answer


def launch(logs: Any) -> Launch:
    """A launch whose pairs have these log speed-ups."""
    ratios = [math.exp(value) for value in np.atleast_1d(logs)]
    ones = (1.0,) * len(ratios)
    return Launch(0, tuple(ratios), ones, (True,) * len(ratios), (1, 1))


def test_no_speedup_can_be_built_without_a_certificate() -> None:
    with pytest.raises(Uncertified, match="needs a certificate"):
        Comparison(None, (launch(0.1),))  # type: ignore[arg-type]


def test_no_speedup_can_be_built_without_samples(certificate: Certificate) -> None:
    with pytest.raises(ValueError, match="samples"):
        Comparison(certificate, ())
    with pytest.raises(ValueError, match="pairs of positive seconds"):
        Launch(0, (1.0,), (), (True,), (1, 1))
    with pytest.raises(ValueError, match="pairs of positive seconds"):
        Launch(0, (0.0,), (1.0,), (True,), (1, 1))


def test_a_speedup_is_the_geometric_mean_of_sequential_over_batched(certificate: Certificate) -> None:
    logs = ([math.log(2)] * 2, [math.log(8)] * 2, [math.log(4)], [math.log(4)])
    comparison = Comparison(certificate, tuple(launch(pairs) for pairs in logs))
    assert comparison.speedup == pytest.approx(4)
    low, high = comparison.interval
    assert low < 4 < high


def test_fewer_than_four_processes_say_nothing(certificate: Certificate) -> None:
    comparison = Comparison(certificate, (launch(2.0), launch(2.0), launch(2.0)))
    assert comparison.interval == (0.0, math.inf)
    assert comparison.p_value == 1.0
    assert not comparison.decided()


def test_verdict_and_interval_agree(certificate: Certificate) -> None:
    """At every look, for effects around the border: the interval excludes 1 exactly where p is below the error rate."""
    rng = np.random.default_rng(5)
    seen = set()
    for n in (4, 5, 7, 8, 12, 16, 24):
        for _ in range(60):
            logs = rng.normal(0.02, 0.02, size=n)
            comparison = Comparison(certificate, tuple(launch(value) for value in logs))
            low, high = comparison.interval
            excluded = not low <= 1 <= high
            assert excluded == (comparison.p_value < ERROR_RATE)
            assert (verdict(comparison.p_value) is Verdict.VERIFIED) == excluded
            seen.add(excluded)
    assert seen == {True, False}


def test_launches_beyond_a_look_change_nothing_until_the_next(certificate: Certificate) -> None:
    four = tuple(launch(value) for value in (0.1, 0.11, 0.12, 0.1))
    five = Comparison(certificate, (*four, launch(9.0)))
    assert five.interval == Comparison(certificate, four).interval
    assert five.speedup == Comparison(certificate, four).speedup


def test_one_interrupted_call_moves_a_launch_little(certificate: Certificate) -> None:
    assert launch([0.1] * 9 + [5.0]).log_speedup == pytest.approx(0.1)


def one_sitting(certificate: Certificate, logs: Any) -> tuple[float, float, int]:
    """A sitting without end of budget, by the runner's own rule."""
    launches = tuple(launch(value) for value in logs)
    for n in TODAYS.numbers:
        comparison = Comparison(certificate, launches[:n])
        if comparison.decided():
            break
    return *comparison.interval, n


def test_the_simulated_rule_is_the_runners(certificate: Certificate) -> None:
    logs = World(effect=0.12).launches(np.random.default_rng(6))[:50]
    low, high, at = (np.asarray(part) for part in stopped((logs, logs), None))
    for row in range(50):
        expected = one_sitting(certificate, logs[row])
        assert (math.exp(low[row]), math.exp(high[row]), TODAYS.numbers[at[row]]) == pytest.approx(expected)


def missed(world: World, seed: int) -> float:
    """Share of sittings whose interval misses the truth where the runner stops."""
    rng = np.random.default_rng(seed)
    low, high, _ = stopped(world.spans(rng), rng)
    return float(((low > world.effect) | (high < world.effect)).mean())


def ever_missed(world: World, seed: int) -> float:
    """Share of sittings whose interval misses the truth at any look: an enemy's stopping rule."""
    means, errors = looked_at(world.launches(np.random.default_rng(seed)))
    return float((np.abs(means - world.effect) > errors * [look.critical for look in TODAYS.looks]).any(1).mean())


NOISES = (World(process_sd=0.02), World(), World(process_sd=0.08), World(n_pairs=1), World(drift_in_pair=0.03))


@pytest.mark.parametrize("noise", NOISES, ids=str)
@pytest.mark.parametrize("effect", [0.0, 0.05, 3.0])
def test_the_interval_covers_the_truth_wherever_the_runner_stops(noise: World, effect: float) -> None:
    assert missed(replace(noise, effect=effect), 1) < ERROR_RATE + TOLERANCE


@pytest.mark.parametrize("noise", NOISES[:3], ids=str)
def test_coverage_is_95_percent_under_the_worst_stopping_rule(noise: World) -> None:
    assert ever_missed(noise, 2) == pytest.approx(ERROR_RATE, abs=0.01)


def test_identical_code_is_seldom_called_different() -> None:
    assert max(missed(noise, 3) for noise in NOISES) < ERROR_RATE


def test_a_fixed_order_under_drift_would_be_believed_and_a_balanced_one_is_not_misled() -> None:
    """The companion: without the balance, what drift does inside a pair is taken for a speed-up."""
    assert ever_missed(World(drift_in_pair=0.03), 4) < ERROR_RATE + TOLERANCE
    assert missed(World(drift_in_pair=0.03, is_balanced=False), 4) > 4 * ERROR_RATE


def test_launches_that_share_a_disturbance_break_the_promise() -> None:
    """The limit, as src/speedproof/README.md states it: intervals assume launches that know nothing of each other."""
    assert missed(World(correlation=0.3), 5) < ERROR_RATE + TOLERANCE
    assert missed(World(correlation=0.6), 5) > 2 * ERROR_RATE


@pytest.mark.parametrize("words", [*list(coverage.ROWS)[:2], *list(coverage.ROWS)[4:6]])
def test_the_published_table_is_what_synthetic_sittings_say(words: str) -> None:
    """A share of its rows; all have their place."""
    assert coverage.line(words, coverage.ROWS[words]) in coverage.told()


def test_the_published_table_has_every_row() -> None:
    told = coverage.told()
    assert [row.split(" | ")[0].removeprefix("| ") for row in told.splitlines()[2:]] == list(coverage.ROWS)


def test_a_naive_rule_would_not_cover() -> None:
    """The companion: a 95% interval, looked at until it excludes no change, misses more often than it says."""
    means, errors = looked_at(World().launches(np.random.default_rng(6)), PLAIN)
    half = errors * [float(stats.t.isf(ERROR_RATE / 2, n - 1)) for n in PLAIN.numbers]
    assert (np.abs(means) > half).any(1).mean() > 2 * ERROR_RATE


def test_pairs_taken_for_independent_would_not_cover() -> None:
    """The companion: counting every pair for itself, as if processes had no luck of their own."""
    world = World(process_sd=0.08, outlier_share=0.0)
    means, _ = looked_at(world.launches(np.random.default_rng(7)))
    spread = math.sqrt((world.process_sd**2 + world.call_sd**2) / (4 * world.n_pairs))
    assert (np.abs(means[:, 0]) > 1.96 * spread).mean() > 5 * ERROR_RATE


def test_a_real_difference_is_found_at_the_first_look() -> None:
    rng = np.random.default_rng(8)
    low, _, at = stopped(World(effect=math.log(5), process_sd=0.02).spans(rng), rng)
    assert (low > 0).all() and (at == 0).mean() > 0.9


@pytest.mark.parametrize("look", TODAYS.looks, ids=lambda look: str(look.n))
def test_the_smallest_detectable_change_is_seen_as_often_as_it_says(look: Look) -> None:
    """Where the spread is known: from samples of four it is itself uncertain."""
    noise = np.random.default_rng(9).normal(0, 0.03, size=(20_000, look.n))
    means, errors = (np.array(part) for part in zip(*(look.seen(list(row)) for row in noise), strict=True))
    effect = look.noticed * math.sqrt((errors**2).mean())
    assert (np.abs(means + effect) > look.critical * errors).mean() == pytest.approx(POWER, abs=0.02)


@pytest.mark.parametrize("look", PLAIN.looks, ids=lambda look: str(look.n))
def test_the_smallest_detectable_change_is_the_librarys(look: Look) -> None:
    effect = TTestPower().solve_power(nobs=look.n, alpha=look.level, power=POWER, alternative="two-sided")
    assert look.noticed / math.sqrt(look.n) == pytest.approx(float(effect), rel=1e-5)


def test_before_the_first_look_nothing_is_detectable(certificate: Certificate) -> None:
    assert math.isinf(Comparison(certificate, (launch(0.1),) * 3).detectable)


def test_holm_is_stricter_than_each_alone() -> None:
    assert holm([0.04, 0.001, 0.03]) == pytest.approx([0.06, 0.003, 0.06])
    assert holm([]) == []
    assert verdict(0.04) is Verdict.VERIFIED
    assert verdict(0.06) is Verdict.AMBIGUOUS


def test_holm_is_the_librarys() -> None:
    rng = np.random.default_rng(8)
    for n in (1, 2, 7, 40):
        p_values = [*rng.uniform(0, 1, n), *rng.uniform(0, 0.01, n), 0.5, 0.5]
        assert holm(p_values) == pytest.approx(list(multipletests(p_values, method="holm")[1]))


@pytest.mark.parametrize(
    ("waited_s", "method", "told"),
    [
        ((0.0,), BOUNDED, ""),
        ((10.0,), BOUNDED, "4 of 4 pairs disturbed, 4 of them counted by bounds (other processes 4)"),
        ((10.0, 0.0), BOUNDED, "4 of 8 pairs disturbed and not counted (other processes 4)"),
        ((10.0,), USUAL_PHASE, "4 of 4 pairs disturbed and not counted (other processes 4)"),
    ],
)
def test_what_was_disturbed_is_told_and_whether_it_counts(
    waited_s: tuple[float, ...], method: Method, told: str, certificate: Certificate
) -> None:
    n = len(waited_s)
    seen = {"waited_s": waited_s}, {"waited_s": (0.0,) * n}
    one = Launch(0, (30.0,) * n, (1.0,) * n, (True,) * n, (1, 1), seen)
    assert Comparison(certificate, (one,) * 4, method=method).machine_words == told
