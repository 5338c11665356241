"""Cards: everything that the report knows of one finding, in one place."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from speedproof.pairs.finding import Finding
from speedproof.records.kinds import Certified, Refused
from speedproof.records.record import Record
from speedproof.report.controls import Separation
from speedproof.report.figure import Figure
from speedproof.report.ladder import Waterfall
from speedproof.report.operators import Difference
from speedproof.report.row import Row
from speedproof.report.sittings import NullPair, RecordedSitting
from speedproof.report.sweep import Sweep

from .answers import bought, limited, proven, sampled, sized
from .caveats import caveats
from .conclusion import Conclusion, conclusion
from .intervals import interval_plot
from .ladder import climb_plot
from .plot import Plot
from .roofline import roof_plot
from .samples import sample_plot
from .sittings import earlier_plot
from .sweep import size_plot
from .work import gist, why, work_plot


@dataclass(frozen=True, kw_only=True)
class Card:
    """One finding: its rows, the one with the claim first, and all evidence that is about it."""

    rows: tuple[Row, ...]
    sitting: RecordedSitting | None
    waterfall: Waterfall | None
    swept: tuple[Sweep, ...]
    checks: tuple[Certified | Refused, ...]
    controls: Separation
    earlier: tuple[Figure, ...]
    sources: tuple[Record, ...]
    """The sitting's records that are about the finding."""
    operators: tuple[Difference, ...]
    """What the profiler saw of each function's twins."""

    @property
    def finding(self) -> Finding:
        """What the card is about."""
        return self.rows[0].finding

    @property
    def null(self) -> NullPair | None:
        """The sitting's A/A pair."""
        return self.sitting.null if self.sitting else None

    @cached_property
    def conclusion(self) -> Conclusion:
        """What became of the claim."""
        return conclusion(self.rows[0])

    @property
    def why(self) -> str:
        """Which work the first function's batched twin spares."""
        return why(self.rows[0].counted)

    @property
    def gist(self) -> str:
        """The same by one counter."""
        return gist(self.rows[0].counted)

    @cached_property
    def intervals(self) -> Plot | None:
        """Speed-ups against the claim."""
        return interval_plot(f"intervals-{self.finding.name}", self.rows, self.null)

    @cached_property
    def work(self) -> Plot | None:
        """Shares of the definition's work."""
        return work_plot(f"work-{self.finding.name}", self.rows[0].counted)

    @cached_property
    def climb(self) -> Plot | None:
        """The ladder."""
        return climb_plot(f"ladder-{self.finding.name}", self.waterfall) if self.waterfall else None

    @cached_property
    def sizes(self) -> list[tuple[list[Sweep], Plot | None]]:
        """Series by the kind of size, with their plot."""
        units = dict.fromkeys((sweep.series.function, sweep.series.unit) for sweep in self.swept)
        groups = [[s for s in self.swept if (s.series.function, s.series.unit) == unit] for unit in units]
        return [(own, size_plot(f"sizes-{self.finding.name}-{n}", own)) for n, own in enumerate(groups)]

    @cached_property
    def caveats(self) -> list[str]:
        """What not to conclude."""
        return caveats(self.rows, self.waterfall, self.swept, self.sitting)

    @property
    def answers(self) -> dict[str, str]:
        """What each part comes to, by the part."""
        return {
            "ladder": bought(self.waterfall) if self.waterfall else "",
            "sizes": sized(self.swept),
            "roofline": limited(self.rows),
            "equivalence": proven(self.checks, self.controls),
            "samples": sampled(self.rows),
        }

    @cached_property
    def roof(self) -> Plot | None:
        """The roofline."""
        return roof_plot(f"roofline-{self.finding.name}", self.rows)

    @cached_property
    def samples(self) -> list[tuple[Row, Plot]]:
        """Raw samples of each function, and of the careful loop beside it."""
        return list(self._samples())

    @cached_property
    def history(self) -> Plot | None:
        """The same figures in other sittings."""
        return earlier_plot(f"sittings-{self.finding.name}", self.earlier)

    @property
    def kinds(self) -> list[tuple[str, int]]:
        """Which kinds of records the figures come from, and how many of each."""
        return sorted(Counter(record.kind for record in self.sources).items())

    @property
    def words(self) -> str:
        """What the filter looks through."""
        first = self.conclusion
        names = (row.pair.name for row in self.rows)
        verdicts = (row.figure.verdict.word for row in self.rows)
        return " ".join(
            (str(self.finding.number), self.finding.title, self.finding.name, *names, *verdicts, first.word)
        )

    def _samples(self) -> Iterator[tuple[Row, Plot]]:
        for row in self.rows:
            name = f"samples-{self.finding.name}-{row.pair.name}"
            for figure, of in ((row.figure, name), (row.careful, f"{name}-beside")):
                if figure and figure.comparison:
                    yield row, sample_plot(of, figure.comparison, figure.about)
