"""Estimates: a factor between two arms from independent processes, with an interval that holds at every look."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from statistics import fmean, stdev

from .looks import critical, look, overall_p, reach

TARGET_HALF_WIDTH = 0.02
"""Relative half-width at which sampling stops. Narrower than the smallest effect reported (5%)."""
BEYOND_DOUBT = 0.05
"""Sampling also stops once the whole interval is at least this share away from no change and from the claim's ends."""
WIDEST_BEYOND_DOUBT = 0.1
"""Relative half-width above which sampling goes on even then: a figure is told in three digits, so two should hold."""
MARGIN = 0.05
"""Two are called alike where the whole interval is within this share of no change. A wider one that
holds no change shows nothing: absence of evidence is no evidence of absence (Altman and Bland 1995,
doi:10.1136/bmj.311.7003.485)."""
POWER = 0.8
"""Chance with which the smallest detectable change would have been seen; the usual one (Cohen 1988)."""


@dataclass(frozen=True)
class Estimate:
    """A factor, from the logarithm that each of some fresh processes gives for it, in the order in which they ran."""

    logs: tuple[float, ...]

    @property
    def factor(self) -> float:
        """Geometric mean over the processes that the last look saw, or over all before the first."""
        return math.exp(fmean(self.logs[: self._look]))

    @cached_property
    def interval(self) -> tuple[float, float]:
        """Where the factor lies, with the chance of error `ERROR_RATE` over all looks; (0, inf) before the first.

        Student's t over processes, since calls in one process share its luck, at the level of the last look that they
        reach (`src/speedproof/timing/looks.py`). Processes beyond that look wait for the next.
        """
        at = self._look
        if at is None:
            return 0.0, math.inf
        centre, spread = self._seen(at)
        return math.exp(centre - reach(at) * spread), math.exp(centre + reach(at) * spread)

    @cached_property
    def p_value(self) -> float:
        """Chance of a look at least this far from no change, at this or another look, if there were none.

        Below `ERROR_RATE` exactly where the interval excludes 1.
        """
        at = self._look
        if at is None:
            return 1.0
        centre, spread = self._seen(at)
        if spread == 0:
            return 0.0 if centre else 1.0
        # Imported here: the verbs that ask for no figure start without it.
        from scipy.special import stdtr

        return overall_p(at, 2 * float(stdtr(at - 1, -abs(centre) / spread * math.sqrt(at))))

    @property
    def half_width(self) -> float:
        """Half the interval's width on the log scale: the relative half-width."""
        low, high = self.interval
        return math.log(high / low) / 2 if low > 0 else math.inf

    @cached_property
    def detectable(self) -> float:
        """The smallest change, as a share, that these processes would have shown with the chance `POWER`.

        From their own spread, for a t test at the level of their look; infinite before the first.
        """
        at = self._look
        if at is None:
            return math.inf
        _, spread = self._seen(at)
        return math.expm1(noticed(at) * spread)

    def is_alike(self, margin: float = MARGIN) -> bool:
        """Whether the whole interval is within the margin around no change."""
        low, high = self.interval
        return low * (1 + margin) >= 1 and high <= 1 + margin

    def decided(self, beside: Sequence[float] = (), precision: float = TARGET_HALF_WIDTH) -> bool:
        """Whether more processes would change nothing.

        So it is where the interval is as narrow as `precision`, or clear of 1 and of every value in `beside` and not
        too wide to be told. Known at a look only.
        """
        low, high = self.interval
        margin = 1 + BEYOND_DOUBT
        clear = all(high * margin < value or low / margin > value for value in (1.0, *beside))
        return self.half_width <= (max(precision, WIDEST_BEYOND_DOUBT) if clear else precision)

    @property
    def _look(self) -> int | None:
        return look(len(self.logs))

    def _seen(self, at: int) -> tuple[float, float]:
        """Mean and standard deviation of the first `at` processes, on the log scale."""
        return fmean(self.logs[:at]), stdev(self.logs[:at])


@cache
def noticed(at: int) -> float:
    """The effect that the t test of a look notices with the chance `POWER`, in standard deviations of a process.

    By the noncentral t distribution. That the test rejects towards the wrong side, which it does in one of a hundred
    million cases at most, is left out.
    """
    from scipy.special import nctdtrinc

    return float(nctdtrinc(at - 1, 1 - POWER, critical(at))) / math.sqrt(at)
