"""Detection: of changes that were planted, how many were told, with an interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import geometric_mean

from speedproof_studies.kinds import Planted
from speedproof_studies.proportion import clopper_pearson


@dataclass(frozen=True)
class Detection:
    """One planted change over all its trials. The interval is Clopper and Pearson's exact one, at 95%."""

    plant: str
    n_trials: int
    n_found: int
    share: float
    low: float
    high: float
    slowdown: float | None = None
    """after / before that the trials with timing measured, their geometric mean: what the plant came to."""

    @property
    def shown(self) -> str:
        """The share with its interval, to be read."""
        return f"{self.share:.1%} [{self.low:.1%}, {self.high:.1%}]"

    @property
    def measured(self) -> str:
        """What the plant came to, to be read."""
        return f"{self.slowdown:.3f}" if self.slowdown else "not timed"


def detection(trials: Sequence[Planted]) -> list[Detection]:
    """One for each planted change and budget of timing, in the order in which they were first recorded."""
    found = []
    for name in dict.fromkeys(map(_told, trials)):
        own = [trial for trial in trials if _told(trial) == name]
        told = [trial.found for trial in own]
        timed = [trial.slowdown for trial in own if trial.slowdown]
        slowdown = geometric_mean(timed) if timed else None
        shares = (sum(told) / len(told), *clopper_pearson(sum(told), len(told)))
        found.append(Detection(name, len(told), sum(told), *shares, slowdown))
    return found


def _told(trial: Planted) -> str:
    return f"{trial.plant}, {trial.budget_s:.0f} s of timing" if trial.budget_s else trial.plant
