"""Claims held against figures. What becomes of one is a value; `report/page/conclusion.py` has the words for it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from speedproof.pairs.finding import TWINS, Claim, Faster, Moved, Unchanged
from speedproof.timing.comparison import Comparison, Verdict

if TYPE_CHECKING:
    from .figure import Figure

Standing = Literal["holds", "refuted", "open", "withheld"]
Outcome = Literal[
    "exceeded",
    "within",
    "overlapping",
    "below",
    "slower",
    "faster",
    "unchanged",
    "changed",
    "moved",
    "unmoved",
    "undecided",
    "too few processes",
    "not counted",
    "no figure",
]
STANDINGS: Mapping[Outcome, Standing] = {
    "exceeded": "holds",
    "within": "holds",
    "overlapping": "holds",
    "below": "refuted",
    "slower": "refuted",
    "faster": "holds",
    "unchanged": "holds",
    "changed": "refuted",
    "moved": "holds",
    "unmoved": "refuted",
    "undecided": "open",
    "too few processes": "open",
    "not counted": "open",
    "no figure": "withheld",
}


@dataclass(frozen=True)
class Held:
    """What became of a claim."""

    outcome: Outcome
    counts: tuple[int, int] = (0, 0)
    """The number of a claim's counter, before and after."""

    @property
    def standing(self) -> Standing:
        """Whether the claim holds, is refuted, is open, or has no figure."""
        return STANDINGS[self.outcome]


def held(claim: Claim, figure: "Figure", counts: Mapping[str, Mapping[str, int]]) -> Held:
    """The claim against a figure's interval, or against the twins' counts where it is about a counter."""
    if figure.comparison is None:
        return Held("no figure")
    if isinstance(claim.effect, Moved):
        return _counted(claim.effect, counts)
    return Held(_timed(claim.effect, figure.comparison, figure.verdict))


def _counted(effect: Moved, counts: Mapping[str, Mapping[str, int]]) -> Held:
    if not all(effect.counter in counts.get(twin, {}) for twin in TWINS):
        return Held("not counted")
    before, after = (counts[twin][effect.counter] for twin in TWINS)
    as_claimed = after < before if effect.falls else after > before
    return Held("moved" if as_claimed else "unmoved", (before, after))


def _timed(effect: Faster | Unchanged, comparison: Comparison, found: Verdict) -> Outcome:
    low, high = comparison.interval
    if math.isinf(high):
        return "too few processes"
    if isinstance(effect, Unchanged):
        return "changed" if found is Verdict.VERIFIED else "unchanged"
    if found is Verdict.AMBIGUOUS:
        return "undecided"
    if high < 1:
        return "slower"
    if effect.band is None:
        return "faster"
    least, most = effect.band
    if low > most:
        return "exceeded"
    if high < least:
        return "below"
    return "within" if low >= least and high <= most else "overlapping"
