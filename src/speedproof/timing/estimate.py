"""Estimates: a factor between two arms from independent processes, with an interval that holds at every look."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from .launches import Span
from .method import TODAYS, Look, Method

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


@dataclass(frozen=True)
class Estimate:
    """A factor, from what each of some fresh processes says of its logarithm, in the order in which they ran."""

    spans: tuple[Span, ...]
    method: Method = TODAYS

    @property
    def factor(self) -> float:
        """The method's mean over the processes that the last look saw; the geometric one before the first. A process
        that was disturbed gives the middle of its bounds."""
        middles = [fmean(span) for span in self.spans]
        return math.exp(self._look.seen(middles)[0] if self._look else fmean(middles))

    @cached_property
    def interval(self) -> tuple[float, float]:
        """Where the factor lies, with the chance of error `ERROR_RATE` over all looks; (0, inf) before the first.

        A test over processes, since calls in one process share its luck, at the level of the last look that they reach
        (`src/speedproof/timing/method.py`). Processes beyond that look wait for the next.
        """
        if self._look is None:
            return 0.0, math.inf
        (low, low_error), (high, high_error) = self._seen(self._look)
        critical = self._look.critical
        return math.exp(low - critical * low_error), math.exp(high + critical * high_error)

    @cached_property
    def p_value(self) -> float:
        """Chance of a look at least this far from no change, at this or another look, if there were none.

        Below `ERROR_RATE` exactly where the interval excludes 1.
        """
        if self._look is None:
            return 1.0
        low, high = self._seen(self._look)
        nearest = low if low[0] > 0 else high if high[0] < 0 else (0.0, 1.0)
        return self.method.overall_p(self._look, self._look.nominal_p(*nearest))

    @property
    def half_width(self) -> float:
        """Half the interval's width on the log scale: the relative half-width."""
        low, high = self.interval
        return math.log(high / low) / 2 if low > 0 else math.inf

    @cached_property
    def detectable(self) -> float:
        """The smallest change, as a share, that these processes would have shown with the chance `method.POWER`.

        From their own spread and bounds, for the test of their look; infinite before the first.
        """
        if self._look is None:
            return math.inf
        (low, low_error), (high, high_error) = self._seen(self._look)
        return math.expm1(high - low + self._look.noticed * max(low_error, high_error))

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

    @cached_property
    def _look(self) -> Look | None:
        return self.method.look(len(self.spans))

    def _seen(self, look: Look) -> tuple[tuple[float, float], tuple[float, float]]:
        """Mean and its standard error at a look, on the log scale: of the lower ends, and of the upper ones."""
        lows, highs = zip(*self.spans, strict=True)
        return look.seen(lows), look.seen(highs)
