"""Speed-ups: only from a certificate and samples, with intervals that hold however often one looks."""

import math
from typing import Any

import numpy as np
import pytest

from bench.certificate import Certificate
from bench.check import certify
from bench.comparison import ERROR_RATE, Comparison, Launch, Verdict, holm, verdict
from bench.errors import Uncertified
from bench.findings import find
from bench.measurement import MOST_LAUNCHES


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
    comparison = Comparison(certificate, (launch([math.log(2)] * 2), launch([math.log(8)] * 2), launch([math.log(4)])))
    assert comparison.speedup == pytest.approx(4)
    low, high = comparison.interval
    assert low < 4 < high


def test_fewer_than_three_processes_say_nothing(certificate: Certificate) -> None:
    comparison = Comparison(certificate, (launch(2.0), launch(2.0)))
    assert comparison.interval == (0.0, math.inf)
    assert comparison.p_value == 1.0
    assert not comparison.decided()


def stopped(certificate: Certificate, rng: np.random.Generator, effect: float) -> Comparison:
    """A synthetic sitting with process effects and drift, stopped by the runner's own rule."""
    drift = rng.normal(0, 0.01)
    launches: list[Launch] = []
    for n in range(MOST_LAUNCHES):
        process = rng.normal(effect + drift * (n - MOST_LAUNCHES / 2) / MOST_LAUNCHES, 0.02)
        launches.append(launch(rng.normal(process, 0.03, size=6)))
        comparison = Comparison(certificate, tuple(launches))
        if len(launches) >= 3 and comparison.decided():
            break
    return comparison


def test_the_interval_covers_the_truth_under_optional_stopping(certificate: Certificate) -> None:
    rng = np.random.default_rng(1)
    n_sittings, effect = 1_500, 0.05
    n_covered = sum(
        low <= math.exp(effect) <= high
        for low, high in (stopped(certificate, rng, effect).interval for _ in range(n_sittings))
    )
    # Three standard errors of the share, on the side of too few.
    assert n_covered / n_sittings > 1 - ERROR_RATE - 3 * math.sqrt(ERROR_RATE * (1 - ERROR_RATE) / n_sittings)


def test_identical_code_is_seldom_called_different(certificate: Certificate) -> None:
    rng = np.random.default_rng(2)
    n_sittings = 1_500
    n_alarms = sum(verdict(stopped(certificate, rng, 0.0).p_value) is Verdict.VERIFIED for _ in range(n_sittings))
    assert n_alarms / n_sittings < ERROR_RATE + 3 * math.sqrt(ERROR_RATE * (1 - ERROR_RATE) / n_sittings)


def test_a_real_difference_is_found(certificate: Certificate) -> None:
    rng = np.random.default_rng(3)
    assert all(verdict(stopped(certificate, rng, math.log(5)).p_value) is Verdict.VERIFIED for _ in range(20))


def test_a_naive_interval_would_not_cover(certificate: Certificate) -> None:
    """The companion: looking eight times at an unadjusted interval misses more often than it says."""
    rng = np.random.default_rng(4)
    n_missed = 0
    for _ in range(600):
        means = rng.normal(0, 0.02, size=MOST_LAUNCHES)
        looks = range(3, MOST_LAUNCHES + 1)
        n_missed += any(abs(means[:n].mean()) > 1.96 * means[:n].std(ddof=1) / math.sqrt(n) for n in looks)
    assert n_missed / 600 > 2 * ERROR_RATE


def test_holm_is_stricter_than_each_alone() -> None:
    assert holm([0.04, 0.001, 0.03]) == pytest.approx([0.06, 0.003, 0.06])
    assert holm([]) == []
    assert verdict(0.04) is Verdict.VERIFIED
    assert verdict(0.06) is Verdict.AMBIGUOUS
