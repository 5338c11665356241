"""Slowdowns: what paired samples of two sides say, after over before."""

from collections.abc import Sequence

from speedproof.timing.comparison import Launch
from speedproof.timing.estimate import Estimate


def slowdown(launches: Sequence[Launch]) -> Estimate:
    """after / before, where before is the launches' baseline and after their contender."""
    return Estimate(tuple(-launch.log_speedup for launch in launches))
