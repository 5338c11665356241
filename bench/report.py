"""The report: records to tables, Markdown and a page. Pure: it measures nothing and decides nothing anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .bodies import Certified, Judged, Measured, Refused, Resumed, Sat
from .comparison import Verdict, holm
from .errors import RecordProblem
from .finding import TWINS, Finding
from .floor import machine_of
from .noise import NULL_ERROR_RATE, NullPair, advice, history
from .operators import Difference, differences
from .page.card import Card, cards
from .page.rendering import fill
from .past import EarlierFigure, earlier_figures
from .record import Ledger, Record, latest
from .regression.grid import Grid, grids
from .regression.outcome import Outcome
from .roofline import Machine
from .row import Row, row, withholds
from .separation import Separation
from .studies.kinds import Planted, Powered
from .studies.mutation.tally import Tally, tally
from .studies.planted.rates import Detection, detection
from .studies.rewrites.rate import Rejection, overall, rejections
from .sweep import Sweep, sweeps
from .waterfall import Waterfall, is_climb, waterfalls


@dataclass(frozen=True)
class Report:
    """Everything that is shown, worked out from a ledger."""

    rows: tuple[Row, ...]
    null: NullPair | None
    nulls: tuple[NullPair, ...]
    """The A/A pairs of all sittings in the ledger, oldest first."""
    judged: tuple[Judged, ...]
    checks: tuple[Certified | Refused, ...]
    sitting: Record | None
    end: Sat | None
    rejections: tuple[Rejection, ...]
    problems: tuple[str, ...]
    waterfalls: tuple[Waterfall, ...] = ()
    machine: Machine | None = None
    sweeps: tuple[Sweep, ...] = ()
    resumed: tuple[Resumed, ...] = ()
    mutants: Tally | None = None
    operators: tuple[Difference, ...] = ()
    """What each function's arms differ in under the profiler; no figures."""
    earlier: tuple[EarlierFigure, ...] = ()
    sources: tuple[Record, ...] = ()
    """All records of the sitting."""
    grids: tuple[Grid, ...] = ()
    powered: tuple[Powered, ...] = ()
    detections: tuple[Detection, ...] = ()

    @property
    def cards(self) -> list[Card]:
        """What is known, finding by finding."""
        about = (self.rows, self.null, self.waterfalls, self.sweeps, self.checks, self.judged, self.rejections)
        return cards(*about, self.earlier, self.sources, self.operators)

    @property
    def moved(self) -> list[Outcome]:
        """Confirmed changes of time between sides, on the report's own workload."""
        found = [one for grid in self.grids for column in grid.columns for one in column.found.values()]
        return [one for one in found if one.time in ("slower", "faster") and one.body.workload.name == "report"]

    @property
    def arms(self) -> list[str]:
        """Every arm that was counted, the twins first."""
        counted = [arm for row in self.rows if row.counted for arm in row.counted.counts]
        return list(dict.fromkeys((*TWINS, *counted)))

    def operators_of(self, function: str) -> Difference | None:
        """What the profiler says of a function's twins, if they were traced."""
        return next((d for d in self.operators if d.is_twins and d.baseline.function == function), None)

    @property
    def separation(self) -> Separation:
        """What the gate made of the controls."""
        return Separation(self.judged)

    @property
    def is_good(self) -> bool:
        """Whether every pair is equivalent, every control was judged rightly and no valid rewrite was rejected."""
        is_stopped = any(one.rejected for one in self.rejections)
        return (
            not self.separation.survivors
            and not is_stopped
            and not any(r.verdict is Verdict.WITHHELD for r in self.rows)
        )

    @property
    def all_rejections(self) -> Rejection:
        """Valid rewrites of all findings on all subjects together. Raises ValueError where none was tried."""
        return overall(self.rejections)

    @property
    def null_words(self) -> str:
        """The A/A line."""
        return self.null.words if self.null else "no A/A pair was measured"

    @property
    def null_differs(self) -> bool:
        """Whether the A/A pair differs, so that the timings are void."""
        return self.null is not None and self.null.differs

    @property
    def advice(self) -> tuple[str, ...]:
        """What on the machine may be wrong, where the A/A pair gives cause to ask."""
        return advice(self.null, self.end)


def build(findings: Sequence[Finding], ledger: Ledger, workload: str = "report", subject: str | None = None) -> Report:
    """The report of the newest sitting that measured all of `findings` on that workload, or else any of them.

    Figures are compared within a sitting, so nothing is taken from an older one; ladders have sittings and a section of
    their own. Without `subject`, only measurements on the workloads' own subjects count.
    """
    pairs = [(finding, pair) for finding in findings for pair in finding.pairs]
    wanted = {(f.name, p.name): subject or p.workload(workload).subject for f, p in pairs}
    covered: dict[str, set[tuple[str, str]]] = {}
    climbs = {record.sitting for record in ledger.records if is_climb([pair for _, pair in pairs], record)}
    for record in ledger.records:
        about = _measures(record.body, workload, wanted)
        if about and record.sitting not in climbs:
            covered.setdefault(record.sitting, set()).add(about)
    sittings = [name for name, about in covered.items() if len(about) == len(wanted)] or list(covered)
    records = [record for record in ledger.records if sittings and record.sitting == sittings[-1]]
    comparisons = {
        key: record.body.comparison
        for key, record in latest(records, Measured).items()
        if isinstance(record.body, Measured) and _wanted(record.body.certificate, workload, wanted)
    }
    nulls = history(ledger.records)
    null = next((pair for pair in reversed(nulls) if sittings and pair.sitting == sittings[-1]), None)
    null_differs = null is not None and null.differs
    claims = {key: c for key, c in comparisons.items() if key[-1] != key[-2]}
    adjusted = dict(zip(claims, holm([c.p_value for c in claims.values()]), strict=True))
    bodies = [record.body for record in records]
    swept = sweeps(findings, ledger.records, NULL_ERROR_RATE, subject)
    return Report(
        tuple(row(finding, pair, records, claims, adjusted, null_differs, swept) for finding, pair in pairs),
        null,
        nulls,
        tuple(b for b in bodies if isinstance(b, Judged)),
        tuple(b for b in bodies if isinstance(b, Certified | Refused)),
        records[-1] if records else None,
        next((b for b in bodies if isinstance(b, Sat)), None),
        rejections(ledger.records, records[-1].environment.machine) if records else (),
        ledger.problems,
        waterfalls(findings, ledger, workload, subject, NULL_ERROR_RATE),
        machine_of(bodies),
        swept,
        tuple(b for b in bodies if isinstance(b, Resumed)),
        tally(ledger.records),
        differences(findings, ledger.records, workload, subject),
        earlier_figures(findings, ledger.records, workload, wanted, nulls),
        tuple(records),
        grids(findings, ledger.records),
        tuple(r.body for r in ledger.records if isinstance(r.body, Powered)),
        tuple(detection([r.body for r in ledger.records if isinstance(r.body, Planted)])),
    )


def _measures(body: Any, workload: str, wanted: Mapping[tuple[str, str], str]) -> tuple[str, str] | None:
    """Which of the wanted functions a record has a figure of, or says why there is none."""
    if isinstance(body, Measured) and body.arms == TWINS:
        body = body.certificate
    elif not isinstance(body, Refused) or not withholds(body):
        return None
    return (body.finding, body.function) if _wanted(body, workload, wanted) else None


def _wanted(body: Any, workload: str, wanted: Mapping[tuple[str, str], str]) -> bool:
    is_of_subject = wanted.get((body.finding, body.function)) == body.workload.subject
    return is_of_subject and body.workload.name == workload


def render(report: Report, name: str) -> str:
    """The report in one of the templates: `report.md`, `table.md` or `index.html`, all user text escaped."""
    return fill(name, report=report)


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
    return f"{before}{START}{render(report, 'table.md')}{END}{after}"
