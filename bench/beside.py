"""The careful loop beside a pair: what is left of a speed-up against what a careful user writes anyway."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .bodies import Refused
from .comparison import Comparison, Verdict
from .finding import CAREFUL, Pair
from .record import Record
from .staleness import standing
from .wording import seconds, speedup


@dataclass(frozen=True)
class Beside:
    """A comparison with the careful loop on one side, or why there is none."""

    baseline: str
    contender: str
    verdict: Verdict
    reason: str = ""
    comparison: Comparison | None = None

    @property
    def told(self) -> str:
        """The speed-up with its interval; where it goes the other way, what it is of; or why there is none."""
        if not self.comparison or self.verdict is Verdict.STALE:
            return f"{self.verdict} ({self.reason})"
        doubt = f" ({self.verdict})" if self.verdict is Verdict.AMBIGUOUS else ""
        of = "" if self.baseline == CAREFUL else f", the careful loop over the {self.baseline} twin"
        return f"{speedup(self.comparison)}{of}{doubt}"

    @property
    def careful_s(self) -> str:
        """Time of one call of the careful loop, as words."""
        if not self.comparison or self.verdict is Verdict.STALE:
            return ""
        return seconds(self.comparison.baseline_s if self.baseline == CAREFUL else self.comparison.contender_s)


def beside(
    pair: Pair,
    records: Sequence[Record],
    comparisons: Mapping[tuple[str, ...], Comparison],
    adjusted: Mapping[tuple[str, ...], float],
    null_differs: bool,
) -> Beside | None:
    """The careful loop's place beside the pair in one sitting; None where the pair has none, or it was not tried."""
    arms = pair.careful_beside
    if not arms:
        return None
    refused = [b for b in (r.body for r in records) if isinstance(b, Refused) and b.function == pair.name]
    for body in refused:
        if (body.twin == CAREFUL and not body.baseline) or (body.baseline, body.twin) == arms:
            return Beside(*arms, Verdict.WITHHELD, f"{body.code}: {body.reason}")
    key = next((key for key in comparisons if key[1] == pair.name and key[-2:] == arms), None)
    if key is None:
        return None
    comparison = comparisons[key]
    return Beside(*arms, *standing(pair, comparison, adjusted[key], null_differs), comparison)
