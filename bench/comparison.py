"""Comparisons: what paired samples say about a speed-up, with an interval and a verdict.

A comparison is built from a certificate and samples; there is no other way to a speed-up.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean, stdev

from scipy import stats
from statsmodels.stats.multitest import multipletests

from .certificate import Certificate
from .errors import Uncertified

ERROR_RATE = 0.05
"""Chance, over a whole sitting and every look at its samples, of an interval that misses the truth."""
TARGET_HALF_WIDTH = 0.02
"""Relative half-width at which sampling stops. Narrower than the smallest effect reported (5%)."""
BEYOND_DOUBT = 0.05
"""Sampling also stops once the whole interval is at least this share away from no change and from the claim's ends."""
FEWEST_LAUNCHES = 3
"""Fresh processes before anything is said: with fewer, their spread is not known."""


class Verdict(StrEnum):
    """What can be said of a speed-up."""

    VERIFIED = "VERIFIED"
    AMBIGUOUS = "AMBIGUOUS"
    WITHHELD = "WITHHELD"
    STALE = "STALE"


@dataclass(frozen=True)
class Launch:
    """Samples of one fresh process. The i-th pair is (baseline_s[i], contender_s[i]), in seconds per call.

    `baseline_first[i]` is the order in which the pair was taken; `n_calls` the calls behind one sample.
    """

    seed: int
    baseline_s: tuple[float, ...]
    contender_s: tuple[float, ...]
    baseline_first: tuple[bool, ...]
    n_calls: tuple[int, int]

    def __post_init__(self) -> None:
        samples = (*self.baseline_s, *self.contender_s)
        if not samples or len(self.baseline_s) != len(self.contender_s) or not all(s > 0 for s in samples):
            raise ValueError("A launch needs pairs of positive seconds, as many of the baseline as of the contender.")

    @property
    def mean_log_speedup(self) -> float:
        """Mean over the pairs of log(baseline / contender)."""
        pairs = zip(self.baseline_s, self.contender_s, strict=True)
        return fmean(math.log(baseline / contender) for baseline, contender in pairs)


@dataclass(frozen=True)
class Comparison:
    """A speed-up (baseline / contender, above 1 is faster) with an interval, for what the certificates cover.

    `certificate` is the contender's. `baseline` is the baseline's, or nothing where that is the definition, which
    needs none.
    """

    certificate: Certificate
    launches: tuple[Launch, ...]
    baseline: Certificate | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.certificate, Certificate):
            raise Uncertified(
                f"A speed-up needs a certificate. Expected one from certify(), got {type(self.certificate).__name__}."
            )
        if self.baseline is not None:
            _require_same_question(self.certificate, self.baseline)
        if not self.launches:
            raise ValueError("A comparison needs samples of at least one launch.")

    @property
    def speedup(self) -> float:
        """Geometric mean over launches of their geometric means."""
        return math.exp(fmean(launch.mean_log_speedup for launch in self.launches))

    @property
    def baseline_s(self) -> float:
        """Seconds per call of the baseline: geometric mean over launches."""
        return _geometric([launch.baseline_s for launch in self.launches])

    @property
    def contender_s(self) -> float:
        """Seconds per call of the contender: geometric mean over launches."""
        return _geometric([launch.contender_s for launch in self.launches])

    @property
    def interval(self) -> tuple[float, float]:
        """Where the speed-up lies, with the chance of error `ERROR_RATE` however often one has looked.

        Student's t over launches, since calls in one process share its luck. The samples are looked at after every
        launch from the third on, so the j-th look spends ERROR_RATE / (j * (j + 1)) of the chance of error; these
        sum to at most ERROR_RATE, whatever the stopping rule.
        """
        if len(self.launches) < FEWEST_LAUNCHES:
            return 0.0, math.inf
        centre, spread = self._log_mean_and_error()
        reach = float(stats.t.ppf(1 - self._level / 2, len(self.launches) - 1)) * spread
        return math.exp(centre - reach), math.exp(centre + reach)

    @property
    def p_value(self) -> float:
        """Chance of samples at least this far from no change if there were none, for this and all earlier looks."""
        if len(self.launches) < FEWEST_LAUNCHES:
            return 1.0
        centre, spread = self._log_mean_and_error()
        if spread == 0:
            return 0.0 if centre else 1.0
        p = 2 * float(stats.t.sf(abs(centre / spread), len(self.launches) - 1))
        return min(1.0, p * ERROR_RATE / self._level)

    @property
    def half_width(self) -> float:
        """Half the interval's width on the log scale: the relative half-width."""
        low, high = self.interval
        return math.log(high / low) / 2 if low > 0 else math.inf

    def decided(self, beside: Sequence[float] = ()) -> bool:
        """Whether more samples would change nothing: narrow enough, or clear of 1 and of every value in `beside`."""
        low, high = self.interval
        margin = 1 + BEYOND_DOUBT
        clear = all(high * margin < value or low / margin > value for value in (1.0, *beside))
        return self.half_width <= TARGET_HALF_WIDTH or clear

    @property
    def _level(self) -> float:
        look = max(1, len(self.launches) - FEWEST_LAUNCHES + 1)
        return ERROR_RATE / (look * (look + 1))

    def _log_mean_and_error(self) -> tuple[float, float]:
        means = [launch.mean_log_speedup for launch in self.launches]
        return fmean(means), stdev(means) / math.sqrt(len(means))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values of one report, adjusted for its number of questions by Holm's method."""
    return [float(p) for p in multipletests(p_values, method="holm")[1]] if p_values else []


def verdict(adjusted_p: float) -> Verdict:
    """`VERIFIED` where "no change" is excluded in either direction, else `AMBIGUOUS`."""
    return Verdict.VERIFIED if adjusted_p < ERROR_RATE else Verdict.AMBIGUOUS


def _geometric(samples: Sequence[Sequence[float]]) -> float:
    return math.exp(fmean(fmean(math.log(s) for s in launch) for launch in samples))


def _require_same_question(contender: Certificate, baseline: object) -> None:
    """Raises Uncertified unless both arms were certified for the same function, workload and environment."""
    about = "finding", "function", "workload", "environment"
    if not isinstance(baseline, Certificate):
        raise Uncertified(
            f"A baseline needs a certificate. Expected one from certify(), got {type(baseline).__name__}."
        )
    if any(getattr(contender, name) != getattr(baseline, name) for name in about):
        raise Uncertified(
            f"{baseline.function} on {baseline.workload.name!r} cannot be the baseline of {contender.function} on "
            f"{contender.workload.name!r}. Expected certificates for the same function, workload and environment."
        )
