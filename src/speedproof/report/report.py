"""The report: records to tables, Markdown and a page. Pure: it measures nothing and decides nothing anew."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from shlex import quote
from typing import TypeVar

from speedproof.errors import RecordProblem
from speedproof.machine.roofline import Machine
from speedproof.pairs.finding import TWINS, Finding
from speedproof.records.kinds import Certified, Faulted, Judged, Refused, Resumed, Sat
from speedproof.records.record import Ledger, Record
from speedproof.sides.outcome import Outcome
from speedproof.timing.comparison import Verdict

from .asked import Asked
from .controls import Separation
from .figure import Figure, earlier
from .ladder import Waterfall, waterfalls
from .operators import Difference, differences
from .page.card import Card
from .page.rendering import fill
from .roofline import machine_of
from .row import Row, rows
from .sides import Grid, grids
from .sittings import NullPair, RecordedSitting, advice, nulls_of, sittings, that_counts
from .sweep import Sweep, sweeps

T = TypeVar("T")


class Told:
    """What a section of a caller's own says to the report as a whole; all else is between it and its templates."""

    @property
    def is_good(self) -> bool:
        """Whether it leaves all well."""
        return True

    @property
    def line(self) -> str:
        """What a terminal says of it."""
        return ""


@dataclass(frozen=True)
class Section:
    """A part of the report that its caller hands in.

    `templates` is a folder with a file for each place of the report at which the section shows something, named after
    the place: `{% include section.at("gate.html") ignore missing %}` is one. A file sees all that the report's own do,
    and what `build` came to as `section.told`.
    """

    name: str
    build: Callable[[Ledger, Asked], Told | None]
    """From records to what is told; None where there is nothing to tell, and no place shows the section."""
    templates: Path


@dataclass(frozen=True)
class Extra:
    """A section that has something to tell."""

    section: Section
    told: Told

    def at(self, place: str) -> str:
        """The name of its template for a place of the report."""
        return f"{self.section.name}/{place}"

    def has(self, place: str) -> bool:
        """Whether it shows something there."""
        return (self.section.templates / place).is_file()


@dataclass(frozen=True)
class Report:
    """Everything that is shown, each part worked out from the ledger when it is first looked at."""

    ledger: Ledger
    asked: Asked
    sections: Sequence[Section] = ()

    @cached_property
    def sittings(self) -> tuple[RecordedSitting, ...]:
        """All sittings in the ledger, in the order in which they were begun."""
        return sittings(self.ledger.records)

    @cached_property
    def sitting(self) -> RecordedSitting | None:
        """The sitting whose figures are shown: the newest that measured all that is asked about, or else any of it.

        Ladders have sittings and a part of their own.
        """
        runs = [sitting for sitting in self.sittings if not sitting.is_of_ladders]
        abouts = [self.asked.about(finding, pair) for finding, pair in self.asked.pairs]
        return that_counts(runs, abouts, RecordedSitting.tells_of)

    @property
    def own(self) -> Finding | None:
        """The only finding, where it is a pair of somebody's own and has no number."""
        findings = list(self.asked.findings)
        return findings[0] if len(findings) == 1 and not findings[0].number else None

    @property
    def again(self) -> str:
        """The command that makes it anew."""
        if self.own:
            return self.own.command("run")
        return "make bench" + (f" SUBJECT={quote(self.asked.subject)}" if self.asked.subject else "")

    def command(self, finding: Finding, verb: str) -> str:
        """What asks for one finding alone, on the subject that the report is about."""
        return finding.command(verb) + (f" --subject {quote(self.asked.subject)}" if self.asked.subject else "")

    @cached_property
    def faulted(self) -> Faulted | None:
        """What became of faults that were planted in the candidate, when that was last tried."""
        of = [record.body for record in self.ledger.records if isinstance(record.body, Faulted)]
        return next((body for body in reversed(of) if self.own and body.finding == self.own.name), None)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """A row for each function."""
        return rows(self.sitting, self.asked, self.sweeps)

    @cached_property
    def sweeps(self) -> tuple[Sweep, ...]:
        """Figures over sizes."""
        return sweeps(self.sittings, self.asked)

    @cached_property
    def waterfalls(self) -> tuple[Waterfall, ...]:
        """Which change bought what."""
        return waterfalls(self.sittings, self.asked)

    @cached_property
    def operators(self) -> tuple[Difference, ...]:
        """What each function's arms differ in under the profiler; no figures."""
        return differences(self.sittings, self.asked)

    @cached_property
    def earlier(self) -> tuple[Figure, ...]:
        """The same figures in all sittings."""
        return earlier(self.sittings, self.asked)

    @cached_property
    def nulls(self) -> tuple[NullPair, ...]:
        """The A/A pairs of all sittings, oldest first."""
        return nulls_of(self.sittings)

    @cached_property
    def grids(self) -> tuple[Grid, ...]:
        """Sides held against each other."""
        return grids(self.sittings, self.asked)

    @cached_property
    def extras(self) -> tuple[Extra, ...]:
        """The sections handed in that have something to tell."""
        built = ((section, section.build(self.ledger, self.asked)) for section in self.sections)
        return tuple(Extra(section, told) for section, told in built if told is not None)

    def has(self, place: str) -> bool:
        """Whether a section that was handed in shows something at a place."""
        return any(extra.has(place) for extra in self.extras)

    @cached_property
    def machine(self) -> Machine | None:
        """What the machine could do in the sitting."""
        return machine_of(self.sitting) if self.sitting else None

    @property
    def sources(self) -> tuple[Record, ...]:
        """All records of the sitting."""
        return self.sitting.records if self.sitting else ()

    @property
    def checks(self) -> list[Certified | Refused]:
        """The gate's answers in the sitting, and figures that could not be had."""
        return [record.body for record in self.sources if isinstance(record.body, Certified | Refused)]

    @property
    def judged(self) -> list[Judged]:
        """The controls that the sitting showed to the gate."""
        return self.sitting.of(Judged) if self.sitting else []

    @property
    def resumed(self) -> list[Resumed]:
        """When the sitting was interrupted and went on."""
        return self.sitting.of(Resumed) if self.sitting else []

    @property
    def end(self) -> Sat | None:
        """What was recorded at the sitting's end."""
        return self.sitting.end if self.sitting else None

    @property
    def null(self) -> NullPair | None:
        """The sitting's A/A pair."""
        return self.sitting.null if self.sitting else None

    @property
    def null_words(self) -> str:
        """The A/A line."""
        return self.null.words if self.null else "no A/A pair was measured"

    @property
    def is_void(self) -> bool:
        """Whether the A/A pair differs, so that no timing counts."""
        return self.sitting is not None and self.sitting.is_void

    @property
    def advice(self) -> tuple[str, ...]:
        """What on the machine may be wrong, where the A/A pair gives cause to ask."""
        return advice(self.sitting)

    @property
    def separation(self) -> Separation:
        """What the gate made of the controls."""
        return Separation(self.judged)

    @property
    def moved(self) -> list[tuple[Outcome, str]]:
        """Confirmed changes of time between sides, on the report's own workload, each with its machine."""
        columns = [column for grid in self.grids for column in grid.columns]
        found = [(one, column.sitting.machine) for column in columns for one in column.found.values()]
        found = [(one, machine) for one, machine in found if one.time in ("slower", "faster")]
        return [(one, machine) for one, machine in found if one.body.workload.name == "report"]

    @property
    def arms(self) -> list[str]:
        """Every arm that was counted, the twins first."""
        return list(dict.fromkeys((*TWINS, *(arm for row in self.rows for arm in row.counts))))

    @property
    def is_good(self) -> bool:
        """Whether every pair is equivalent, every control was judged rightly and no section objects."""
        is_withheld = any(row.figure.verdict is Verdict.WITHHELD for row in self.rows)
        return not self.separation.survivors and not is_withheld and all(extra.told.is_good for extra in self.extras)

    @cached_property
    def cards(self) -> tuple[Card, ...]:
        """What is known, finding by finding."""
        return tuple(self._card(finding) for finding in self.asked.findings)

    def _card(self, finding: Finding) -> Card:
        def own(things: Iterable[T], name: Callable[[T], str]) -> tuple[T, ...]:
            return tuple(one for one in things if name(one) == finding.name)

        return Card(
            rows=own(self.rows, lambda row: row.finding.name),
            sitting=self.sitting,
            waterfall=next(iter(own(self.waterfalls, lambda fall: fall.finding.name)), None),
            swept=own(self.sweeps, lambda sweep: sweep.series.finding),
            checks=own(self.checks, lambda check: check.about.finding),
            controls=Separation(own(self.judged, lambda one: one.finding)),
            earlier=own(self.earlier, lambda figure: figure.about.finding),
            sources=own(self.sources, lambda record: record.finding),
            operators=own((one for one in self.operators if one.is_twins), lambda one: one.baseline.finding),
        )


def build(
    findings: Sequence[Finding],
    ledger: Ledger,
    workload: str = "report",
    subject: str | None = None,
    sections: Sequence[Section] = (),
) -> Report:
    """The report of the findings on that workload. Without `subject`, only the workloads' own subjects count.

    Raises:
        BadInput: a function has no workload of that name.
    """
    asked = Asked(tuple(findings), workload, subject)
    for finding, pair in asked.pairs:
        asked.about(finding, pair)
    return Report(ledger, asked, sections)


def render(report: Report, name: str) -> str:
    """The report in one of the templates, such as `report.md` or `index.html`, all user text escaped."""
    folders = {extra.section.name: extra.section.templates for extra in report.extras}
    return fill(name, folders, report=report)


def write(report: Report, folder: Path) -> list[Path]:
    """Writes the page and the Markdown. Returns their paths."""
    paths = [folder / "report.md", folder / "index.html"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in paths:
            path.write_text(render(report, path.name), encoding="utf-8")
    except OSError as error:
        raise RecordProblem(
            f"Cannot write the report to {folder}: {error.strerror}. Expected a writable folder with free space. "
            "The records are untouched. Free space, or choose another folder with --results."
        ) from error
    return paths


START, END = "<!-- figures: made by 'python -m bench report --readme' -->\n", "<!-- end of figures -->\n"


def with_figures(readme: str, report: Report) -> str:
    """`readme` with the table between its two marks made anew."""
    before, rest = readme.split(START)
    _, after = rest.split(END)
    return f"{before}{START}{render(report, 'figures.md')}{END}{after}"
