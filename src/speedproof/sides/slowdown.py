"""Slowdowns: what paired samples of two sides say, after over before."""

from collections.abc import Sequence

from speedproof.timing.estimate import Estimate
from speedproof.timing.launches import Launch, spans
from speedproof.timing.method import TODAYS, Method


def slowdown(launches: Sequence[Launch], method: Method = TODAYS) -> Estimate:
    """after / before, where before is the launches' baseline and after their contender."""
    return Estimate(tuple((-high, -low) for low, high in spans(launches, method)), method)
