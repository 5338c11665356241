"""Rows: one function of one finding, what was claimed of it and what a sitting's records say."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .beside import Beside, beside
from .bodies import Counted, Measured, Refused
from .comparison import Comparison, Verdict, claim_outcome
from .finding import TWINS, Finding, Pair
from .floor import roofline_of
from .record import Record
from .roofline import Roofline
from .staleness import standing
from .sweep import Sweep
from .wording import figure, seconds, speedup


@dataclass(frozen=True)
class Row:
    """One function of one finding: what was claimed and what is known."""

    finding: Finding
    pair: Pair
    verdict: Verdict
    reason: str = ""
    record: Record | None = None
    comparison: Comparison | None = None
    counted: Counted | None = None
    beside: Beside | None = None
    roofline: Roofline | None = None
    ends: str = ""
    """What the function's first sweep says at its smallest and largest size."""

    @property
    def claimed(self) -> str:
        """The report's words, for the function that carries the claim."""
        return self.finding.claim.words if self.pair is self.finding.pairs[0] else ""

    @property
    def measured(self) -> str:
        """The speed-up with its interval, or nothing where there is none to be told."""
        if not self.comparison or self.verdict in (Verdict.WITHHELD, Verdict.STALE):
            return ""
        return speedup(self.comparison)

    @property
    def detectable(self) -> str:
        """The smallest change that the launches would have shown, in percent, or nothing where there is none."""
        if not self.measured or not self.comparison or math.isinf(self.comparison.detectable):
            return ""
        return f"{figure(100 * self.comparison.detectable)}%"

    @property
    def outcome(self) -> str:
        """What became of the claim."""
        if self.pair is not self.finding.pairs[0] or self.verdict in (Verdict.WITHHELD, Verdict.STALE):
            return ""
        if self.finding.name == "grad_mode" and self.counted and TWINS[1] in self.counted.counts:
            before, after = (self.counted.counts[twin]["bytes_saved_for_backward"] for twin in TWINS)
            freed = f"{before / 1e6:,.0f} MB saved for backward in one call, then {after / 1e6:,.0f} MB"
            return f"confirmed: {freed}" if after < before else f"refuted: {freed}"
        if not self.comparison:
            return ""
        told = claim_outcome(self.finding.claim, self.comparison, self.verdict)
        if self.finding.claim.low is None and self.ends:
            # A claim without a figure is about every size, so one size cannot leave it undecided.
            return f"{'depends on the size:' if self.verdict is Verdict.AMBIGUOUS else f'{told},'} {self.ends}"
        return told

    @property
    def times(self) -> str:
        """Seconds per call: sequential, the careful loop where there is one, batched."""
        if not self.comparison:
            return ""
        careful = [f"{self.beside.careful_s} careful"] if self.beside and self.beside.careful_s else []
        ends = seconds(self.comparison.baseline_s), seconds(self.comparison.contender_s)
        return ", ".join((f"{ends[0]} {TWINS[0]}", *careful, f"{ends[1]} {TWINS[1]}"))

    @property
    def work(self) -> str:
        """The finding's first two counts, before and after."""
        counts = self.counted.counts if self.counted else {}
        if not all(twin in counts for twin in TWINS):
            return ""
        named = list(counts[TWINS[0]].items())[:2]
        return ", ".join(f"{name.replace('_', ' ')} {n:,} to {counts[TWINS[1]][name]:,}" for name, n in named)


def withholds(refused: Refused) -> bool:
    """Whether a refusal is of the pair itself, and not of another arm or of a comparison with one."""
    return refused.twin == TWINS[1] and refused.baseline in ("", TWINS[0])


def row(
    finding: Finding,
    pair: Pair,
    records: Sequence[Record],
    comparisons: Mapping[tuple[str, ...], Comparison],
    adjusted: Mapping[tuple[str, ...], float],
    null_differs: bool,
    swept: Sequence[Sweep] = (),
) -> Row:
    """What the records of one sitting say of a function; `swept` are series of any sitting."""
    about = (finding.name, pair.name)
    refused = [r.body for r in records if isinstance(r.body, Refused) and (r.body.finding, r.body.function) == about]
    first = next(filter(withholds, refused), None)
    if first:
        return Row(finding, pair, Verdict.WITHHELD, f"{first.code}: {first.reason}")
    key = next((key for key in comparisons if key[:2] == about and key[-2:] == TWINS), None)
    if key is None:
        return Row(finding, pair, Verdict.WITHHELD, "not run: no measurement in the newest sitting")
    comparison = comparisons[key]
    record = next(r for r in records if isinstance(r.body, Measured) and r.body.launches is comparison.launches)
    counted = next(
        (r.body for r in records if isinstance(r.body, Counted) and (r.body.finding, r.body.function) == about), None
    )
    found, why = standing(pair, comparison, adjusted[key], null_differs)
    floor = roofline_of(comparison, [r.body for r in records])
    if floor and floor.too_good and found is not Verdict.STALE:
        return Row(finding, pair, Verdict.WITHHELD, floor.too_good)
    loop = beside(pair, records, comparisons, adjusted, null_differs)
    ends = next((sweep.ends for sweep in swept if sweep.series.function == pair.name), "")
    return Row(finding, pair, found, why, record, comparison, counted, loop, floor, ends)
