"""Detection: of changes that were planted, how many were told, with an interval."""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import binomtest

from ..two_sides import Planted


@dataclass(frozen=True)
class Detection:
    """One planted change over all its trials. The interval is Clopper and Pearson's exact one, at 95%."""

    plant: str
    n_trials: int
    n_found: int
    share: float
    low: float
    high: float


def detection(trials: Sequence[Planted]) -> list[Detection]:
    """One for each planted change, in the order in which they were first recorded."""
    found = []
    for name in dict.fromkeys(trial.plant for trial in trials):
        told = [trial.found for trial in trials if trial.plant == name]
        interval = binomtest(sum(told), len(told)).proportion_ci(method="exact")
        found.append(Detection(name, len(told), sum(told), sum(told) / len(told), interval.low, interval.high))
    return found
