"""How long a check of a model that is not ours may take, and what that leaves room for.

Embedded subjects have all the time that they need: what is recorded of them was asked whole. Of others, what would take
a check beyond its time is left out in this order: texts longer than there is time for; then, once the time is up, the
trials that come last. The verdict tells it.
"""

import math
from dataclasses import dataclass, field

from speedproof.clock import monotonic_s

CHECK_S = 150.0
"""Seconds after which a check begins no further trial of models: three minutes are aimed at, and one may have begun."""
SHARE_OF_HOSTILE = 0.4
"""Share of the time left that hostile texts may be predicted to take in the oracle. The candidate takes less."""
FEWEST_TOKENS = 64
"""Tokens of a long text that are asked about in any case."""


@dataclass
class Pace:
    """A check's time, and how quickly its oracle runs."""

    limit_s: float = math.inf
    started_s: float = field(default_factory=monotonic_s)
    n_tokens: int = 0
    took_s: float = 0.0

    @property
    def left_s(self) -> float:
        """Seconds that are left; below zero where the time is up."""
        return self.limit_s - (monotonic_s() - self.started_s)

    @property
    def is_up(self) -> bool:
        """Whether nothing further may begin."""
        return self.left_s <= 0

    def ran(self, n_tokens: int, seconds: float) -> None:
        """Takes in what the oracle took for so many tokens."""
        self.n_tokens += n_tokens
        self.took_s += seconds

    def longest(self) -> float:
        """Tokens of the longest text that there is time for: of three long ones, two of that length and one half."""
        if math.isinf(self.limit_s) or not self.took_s:
            return math.inf
        affordable = SHARE_OF_HOSTILE * self.left_s * self.n_tokens / self.took_s / 2.5
        return max(FEWEST_TOKENS, affordable)
