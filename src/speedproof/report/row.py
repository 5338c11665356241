"""Rows: one function of one finding, what was claimed of it and what a sitting's records say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from speedproof.machine.roofline import Roofline
from speedproof.pairs.finding import CAREFUL, TWINS, Faster, Finding, Pair
from speedproof.records.base import About
from speedproof.records.kinds import Counted
from speedproof.timing.comparison import Verdict
from speedproof.wording import seconds

from .asked import Asked
from .claims import Held, held
from .figure import Figure, adjusted, figure
from .roofline import roofline_of
from .sittings import RecordedSitting
from .sweep import Sweep


@dataclass(frozen=True)
class Row:
    """One function of one finding: what was claimed and what is known."""

    finding: Finding
    pair: Pair
    figure: Figure
    careful: Figure | None = None
    """The careful loop's against a twin: what is left of a speed-up over what a careful user writes anyway."""
    counted: Counted | None = None
    roofline: Roofline | None = None
    ends: str = ""
    """What the function's first sweep says at its smallest and largest size."""

    @property
    def carries_claim(self) -> bool:
        """Whether the finding's claim is about this function."""
        return self.pair.name == self.finding.pairs[0].name

    @property
    def claimed(self) -> str:
        """The report's words, for the function that carries the claim."""
        return self.finding.claim.words if self.carries_claim else ""

    @cached_property
    def held(self) -> Held | None:
        """What became of the claim; None for a function that carries none."""
        return held(self.finding.claim, self.figure, self.counts) if self.carries_claim else None

    @property
    def over_sizes(self) -> str:
        """The figures over sizes, where the claim is about every size: it gives no figure of its own."""
        effect = self.finding.claim.effect
        return self.ends if isinstance(effect, Faster) and effect.band is None else ""

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """The work of each arm that was counted."""
        return self.counted.counts if self.counted else {}

    @property
    def careful_s(self) -> str:
        """Time of one call of the careful loop, or nothing."""
        if not self.careful or not self.careful.comparison:
            return ""
        compared = self.careful.comparison
        return seconds(compared.baseline_s if self.careful.about.arms[0] == CAREFUL else compared.contender_s)

    @property
    def against_careful(self) -> str:
        """The speed-up over the careful loop; the loop's own where it goes beyond the batched twin; or why there is
        none."""
        if not self.careful:
            return ""
        if not self.careful.comparison:
            return self.careful.told
        baseline = self.careful.about.arms[0]
        of = "" if baseline == CAREFUL else f", the careful loop over the {baseline} twin"
        doubt = f" ({self.careful.verdict.word})" if self.careful.verdict is Verdict.AMBIGUOUS else ""
        return f"{self.careful.words}{of}{doubt}"

    @property
    def times(self) -> str:
        """Seconds per call: sequential, the careful loop where there is one, batched."""
        if not self.figure.comparison:
            return ""
        careful = [f"{self.careful_s} careful"] if self.careful_s else []
        ends = seconds(self.figure.comparison.baseline_s), seconds(self.figure.comparison.contender_s)
        return ", ".join((f"{ends[0]} {TWINS[0]}", *careful, f"{ends[1]} {TWINS[1]}"))

    @property
    def short_times(self) -> str:
        """Seconds per call, before and after."""
        compared = self.figure.comparison
        return f"{seconds(compared.baseline_s)} to {seconds(compared.contender_s)}" if compared else ""

    @property
    def work(self) -> str:
        """The finding's first two counts, before and after."""
        if not all(twin in self.counts for twin in TWINS):
            return ""
        named = list(self.counts[TWINS[0]].items())[:2]
        return ", ".join(f"{name.replace('_', ' ')} {n:,} to {self.counts[TWINS[1]][name]:,}" for name, n in named)


def rows(sitting: RecordedSitting | None, asked: Asked, swept: Sequence[Sweep]) -> tuple[Row, ...]:
    """A row for each function that is asked about; `swept` are series of any sitting."""
    abouts = [asked.about(finding, pair) for finding, pair in asked.pairs]
    keys = {about.by().key for about in abouts}
    shown = [record for record in (sitting.records if sitting else ()) if record.about.by().key in keys]
    p_values = adjusted(shown)
    return tuple(
        _row(finding, pair, about, sitting, p_values, swept)
        for (finding, pair), about in zip(asked.pairs, abouts, strict=True)
    )


def _row(
    finding: Finding,
    pair: Pair,
    about: About,
    sitting: RecordedSitting | None,
    p_values: Mapping[tuple[str, ...], float],
    swept: Sequence[Sweep],
) -> Row:
    def of(arms: tuple[str, str]) -> Figure:
        # A function that is wrong on one workload has no figure on another.
        refusal = sitting.refusal(about.by(*arms)._replace(workload=None)) if sitting else None
        return figure(sitting, pair, about.by(*arms), p_values, refusal)

    found = of(TWINS)
    if sitting is None or found.verdict is Verdict.WITHHELD:
        return Row(finding, pair, found)
    floor = roofline_of(found.comparison, sitting) if found.comparison else None
    if floor and floor.too_good:
        return Row(finding, pair, replace(found, verdict=Verdict.WITHHELD, why=floor.too_good, comparison=None))
    careful = of(pair.careful_beside) if pair.careful_beside else None
    counted = sitting.counted(about)
    ends = next((sweep.ends for sweep in swept if sweep.series.function == pair.name), "")
    return Row(finding, pair, found, careful if careful and careful.record else None, counted, floor, ends)
