"""Waterfalls: a ladder's figures, worked out from records. Which change bought what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from speedproof.pairs.finding import CAREFUL, TWINS, Arm, Finding, Pair
from speedproof.records.base import About
from speedproof.records.kinds import Counted, Measured, Refused
from speedproof.timing.comparison import Comparison

from .asked import Asked
from .figure import Figure, adjusted, figure
from .sittings import RecordedSitting, that_counts


@dataclass(frozen=True)
class Step:
    """One rung and its figure over the nearest rung below that passed the gate; the definition has none."""

    rung: Arm
    figure: Figure | None = None
    in_all: float | None = None
    """The product of the factors up to here, None where one below is missing."""
    seconds: float | None = None
    """Of one call."""
    counts: Mapping[str, int] | None = None

    @property
    def comparison(self) -> Comparison | None:
        """What was measured; None where there is no figure."""
        return self.figure.comparison if self.figure else None

    @property
    def factor(self) -> str:
        """The rung's own speed-up with its interval, or nothing."""
        return self.figure.words if self.figure else ""

    @property
    def baseline(self) -> str:
        """The arm that the factor is over, or nothing."""
        return self.figure.about.arms[0] if self.comparison and self.figure else ""

    @property
    def before(self) -> float | None:
        """What all below had reached."""
        return self.in_all / self.comparison.speedup if self.in_all and self.comparison else None


@dataclass(frozen=True)
class Waterfall:
    """A ladder in one sitting."""

    finding: Finding
    pair: Pair
    steps: tuple[Step, ...]
    sitting: RecordedSitting
    counted: Counted | None = None

    @property
    def counters(self) -> list[str]:
        """Names of what was counted."""
        return list(next((step.counts for step in self.steps if step.counts), {}))


def waterfalls(among: Sequence[RecordedSitting], asked: Asked) -> tuple[Waterfall, ...]:
    """The ladders of the findings asked about, each from the sitting that counts; those never climbed are left out."""
    with_ladder = [(finding, pair) for finding, pair in asked.pairs if pair.arms]
    found = (_waterfall(finding, pair, among, asked.about(finding, pair)) for finding, pair in with_ladder)
    return tuple(waterfall for waterfall in found if waterfall)


def _waterfall(finding: Finding, pair: Pair, among: Sequence[RecordedSitting], about: About) -> Waterfall | None:
    climbs = [sitting for sitting in among if sitting.is_of_ladders]
    rungs = [about.by(name) for name in pair.ladder if name not in (*TWINS, CAREFUL)]
    sitting = that_counts(climbs, rungs, _arms)
    if not sitting:
        return None
    counted = sitting.counted(about)
    return Waterfall(finding, pair, tuple(_steps(pair, sitting, about, counted)), sitting, counted)


def _arms(sitting: RecordedSitting, rung: About) -> tuple[str, ...]:
    """The arm that the rung was timed over, and the rung; the rung alone where the gate refused it; else nothing."""
    told = (r.about for r in reversed(sitting.records) if isinstance(r.body, Measured | Refused))
    return next((one.arms for one in told if not one.is_null and one.by(one.arms[-1]).key == rung.key), ())


def _steps(pair: Pair, sitting: RecordedSitting, about: About, counted: Counted | None) -> list[Step]:
    abouts = {name: about.by(*(_arms(sitting, about.by(name)) or (name,))) for name in pair.ladder[1:]}
    p_values = adjusted(record for one in abouts.values() if (record := sitting.measured(one)))
    counts = counted.counts if counted else {}
    figures = {name: figure(sitting, pair, one, p_values) for name, one in abouts.items()}
    first = next((f.comparison for f in figures.values() if f.comparison and f.about.arms[0] == TWINS[0]), None)
    in_all: dict[str, float] = {TWINS[0]: 1.0}
    steps = [Step(pair.arms[0], None, 1.0, first.baseline_s if first else None, counts.get(TWINS[0]))]
    for rung in pair.arms[1:]:
        found = figures[rung.name]
        if found.comparison and found.about.arms[0] in in_all:
            in_all[rung.name] = in_all[found.about.arms[0]] * found.comparison.speedup
        seconds = found.comparison.contender_s if found.comparison else None
        steps.append(Step(rung, found, in_all.get(rung.name), seconds, counts.get(rung.name)))
    return steps
