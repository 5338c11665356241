"""Cards: everything that the report knows of one finding, in one place."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..bodies import Certified, Judged, Refused
from ..finding import TWINS, Finding
from ..noise import NullPair
from ..operators import Difference
from ..past import EarlierFigure
from ..record import Record
from ..row import Row
from ..separation import Separation
from ..studies.rewrites.rate import Rejection
from ..sweep import Sweep
from ..waterfall import Waterfall
from .answers import bought, limited, proven, sampled, sized
from .caveats import caveats
from .climbs import climb_plot
from .conclusion import Conclusion, conclusion
from .intervals import interval_plot
from .plot import Plot
from .roofs import roof_plot
from .samples import sample_plot
from .sittings import earlier_plot
from .sizes import size_plot
from .work import gist, why, work_plot


@dataclass(frozen=True)
class Card:
    """One finding: its rows, the one with the claim first, and all evidence that is about it."""

    rows: tuple[Row, ...]
    null: NullPair | None
    waterfall: Waterfall | None
    swept: tuple[Sweep, ...]
    checks: tuple[Certified | Refused, ...]
    controls: Separation
    rewrites: tuple[Rejection, ...]
    earlier: tuple[EarlierFigure, ...]
    sources: tuple[Record, ...]
    """The sitting's records that are about the finding."""
    sitting: Record | None
    operators: tuple[Difference, ...] = ()
    """What the profiler saw of each function's twins."""

    @property
    def finding(self) -> Finding:
        """What the card is about."""
        return self.rows[0].finding

    @property
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

    @property
    def intervals(self) -> Plot | None:
        """Speed-ups against the claim."""
        return interval_plot(f"intervals-{self.finding.name}", self.rows, self.null)

    @property
    def work(self) -> Plot | None:
        """Shares of the definition's work."""
        return work_plot(f"work-{self.finding.name}", self.rows[0].counted)

    @property
    def climb(self) -> Plot | None:
        """The ladder."""
        return climb_plot(f"ladder-{self.finding.name}", self.waterfall) if self.waterfall else None

    @property
    def sizes(self) -> list[tuple[list[Sweep], Plot | None]]:
        """Series by the kind of size, with their plot."""
        units = dict.fromkeys((sweep.series.function, sweep.series.unit) for sweep in self.swept)
        groups = [[s for s in self.swept if (s.series.function, s.series.unit) == unit] for unit in units]
        return [(own, size_plot(f"sizes-{self.finding.name}-{n}", own)) for n, own in enumerate(groups)]

    @property
    def caveats(self) -> list[str]:
        """What not to conclude."""
        return caveats(self.rows, self.null, self.waterfall, self.swept, self.sitting)

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

    @property
    def losing(self) -> list[Sweep]:
        """Series in which the batched twin loses somewhere."""
        return [sweep for sweep in self.swept if any(point.outcome == "loses" for point in sweep.points)]

    @property
    def roof(self) -> Plot | None:
        """The roofline."""
        return roof_plot(f"roofline-{self.finding.name}", self.rows)

    @property
    def samples(self) -> list[tuple[Row, Plot]]:
        """Raw samples of each function, and of the careful loop beside it."""
        return list(self._samples())

    @property
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
        verdicts = (str(row.verdict) for row in self.rows)
        return " ".join(
            (str(self.finding.number), self.finding.title, self.finding.name, *names, *verdicts, first.word)
        )

    def _samples(self) -> Iterator[tuple[Row, Plot]]:
        for row in self.rows:
            name = f"samples-{self.finding.name}-{row.pair.name}"
            if row.comparison:
                yield row, sample_plot(name, row.comparison, row.pair.name, TWINS)
            if row.beside and row.beside.comparison:
                arms = (row.beside.baseline, row.beside.contender)
                yield row, sample_plot(f"{name}-beside", row.beside.comparison, row.pair.name, arms)


def cards(
    rows: Sequence[Row],
    null: NullPair | None,
    waterfalls: Sequence[Waterfall],
    swept: Sequence[Sweep],
    checks: Sequence[Certified | Refused],
    judged: Sequence[Judged],
    rejections: Sequence[Rejection],
    earlier: Sequence[EarlierFigure],
    records: Sequence[Record],
    operators: Sequence[Difference] = (),
) -> list[Card]:
    """One for each finding that has rows, in their order."""
    made = []
    for name in dict.fromkeys(row.finding.name for row in rows):
        own = tuple(row for row in rows if row.finding.name == name)
        fall = next((fall for fall in waterfalls if fall.finding.name == name), None)
        made.append(
            Card(
                own,
                null,
                fall,
                tuple(sweep for sweep in swept if sweep.series.finding == name),
                tuple(c for c in checks if _finding_of(c) == name),
                Separation([one for one in judged if one.finding == name]),
                tuple(one for one in rejections if one.finding == name),
                tuple(one for one in earlier if one.finding == name),
                tuple(record for record in records if record.finding == name),
                records[-1] if records else None,
                tuple(one for one in operators if one.is_twins and one.baseline.finding == name),
            )
        )
    return made


def _finding_of(check: Certified | Refused) -> str:
    return check.certificate.finding if isinstance(check, Certified) else check.finding
