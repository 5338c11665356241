"""Slowdowns: what paired samples of two sides say, after over before."""

from collections.abc import Sequence

from speedproof.timing.estimate import Estimate
from speedproof.timing.launches import Launch, logs, usable
from speedproof.timing.method import TODAYS, Method


def slowdown(launches: Sequence[Launch], method: Method = TODAYS) -> Estimate:
    """after / before, where before is the launches' baseline and after their contender."""
    return Estimate(tuple(-log for log in logs(usable(launches, method))), method)
