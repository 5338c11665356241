"""The report: records to tables, Markdown and a page. Pure: it measures nothing and decides nothing anew."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment as Templates
from jinja2 import FileSystemLoader, StrictUndefined

from .beside import Beside, beside
from .bodies import Certified, Counted, Judged, Measured, Refused, Resumed, Sat
from .chart import Chart, along
from .comparison import Comparison, Verdict, claim_outcome, holm, verdict
from .errors import RecordProblem
from .finding import TWINS, Finding, Pair
from .findings import FINDINGS
from .floor import machine_of, roofline_of
from .looks import ERROR_RATE
from .mutation.tally import Tally, tally
from .noise import NULL_ERROR_RATE, NullPair, advice, history
from .record import Ledger, Record, latest
from .rejection import Rejection, again, overall, rejections
from .roofline import Machine, Roofline
from .separation import Separation
from .staleness import changed
from .sweep import WORDS, Sweep, sweeps
from .waterfall import Waterfall, is_climb, waterfalls
from .wording import cell, figure, seconds, speedup

TEMPLATES = Path(__file__).with_name("templates")
NULL_DIFFERS = "the sitting's A/A pair differs"


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
        return claim_outcome(self.finding.claim, self.comparison, self.verdict) if self.comparison else ""

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

    @property
    def arms(self) -> list[str]:
        """Every arm that was counted, the twins first."""
        counted = [arm for row in self.rows if row.counted for arm in row.counted.counts]
        return list(dict.fromkeys((*TWINS, *counted)))

    @property
    def n_wrong(self) -> int:
        """Controls that are wrong on purpose."""
        return len(self.separation.wrong)

    @property
    def n_killed(self) -> int:
        """Wrong controls that the gate rejected for the right reason."""
        return self.separation.n_killed

    @property
    def survivors(self) -> list[str]:
        """Controls that were not judged as they should be."""
        return self.separation.survivors

    @property
    def separation(self) -> Separation:
        """What the gate made of the controls."""
        return Separation(self.judged)

    @property
    def is_good(self) -> bool:
        """Whether every pair is equivalent, every control was judged rightly and no valid rewrite was rejected."""
        is_stopped = any(one.rejected for one in self.rejections)
        return not self.survivors and not is_stopped and not any(r.verdict is Verdict.WITHHELD for r in self.rows)

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


def build(
    ledger: Ledger, workload: str = "report", findings: Sequence[Finding] = FINDINGS, subject: str | None = None
) -> Report:
    """The report of the newest sitting that measured all of `findings` on that workload, or else any of them.

    Figures are compared within a sitting, so nothing is taken from an older one; ladders have sittings and a section of
    their own. Without `subject`, only measurements on the workloads' own subjects count.
    """
    pairs = [(finding, pair) for finding in findings for pair in finding.pairs]
    wanted = {(f.name, p.name): subject or p.workload(workload).subject for f, p in pairs}
    covered: dict[str, set[tuple[str, str]]] = {}
    climbs = {record.sitting for record in ledger.records if is_climb(record)}
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
    return Report(
        tuple(_row(finding, pair, records, claims, adjusted, null_differs) for finding, pair in pairs),
        null,
        nulls,
        tuple(b for b in bodies if isinstance(b, Judged)),
        tuple(b for b in bodies if isinstance(b, Certified | Refused)),
        records[-1] if records else None,
        next((b for b in bodies if isinstance(b, Sat)), None),
        rejections(ledger.records, records[-1].environment.machine) if records else (),
        ledger.problems,
        waterfalls(ledger, workload, subject, NULL_ERROR_RATE),
        machine_of(bodies),
        sweeps(ledger.records, NULL_ERROR_RATE, subject),
        tuple(b for b in bodies if isinstance(b, Resumed)),
        tally(ledger.records),
    )


def _measures(body: Any, workload: str, wanted: Mapping[tuple[str, str], str]) -> tuple[str, str] | None:
    """Which of the wanted functions a record has a figure of, or says why there is none."""
    if isinstance(body, Measured) and body.arms == TWINS:
        body = body.certificate
    elif not isinstance(body, Refused) or not _withholds(body):
        return None
    return (body.finding, body.function) if _wanted(body, workload, wanted) else None


def _wanted(body: Any, workload: str, wanted: Mapping[tuple[str, str], str]) -> bool:
    is_of_subject = wanted.get((body.finding, body.function)) == body.workload.subject
    return is_of_subject and body.workload.name == workload


def _withholds(refused: Refused) -> bool:
    """Whether a refusal is of the pair itself, and not of another arm or of a comparison with one."""
    return refused.twin == TWINS[1] and refused.baseline in ("", TWINS[0])


def _row(
    finding: Finding,
    pair: Pair,
    records: Sequence[Record],
    comparisons: Mapping[tuple[str, ...], Comparison],
    adjusted: Mapping[tuple[str, ...], float],
    null_differs: bool,
) -> Row:
    about = (finding.name, pair.name)
    refused = [r.body for r in records if isinstance(r.body, Refused) and (r.body.finding, r.body.function) == about]
    first = next(filter(_withholds, refused), None)
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
    found, why = verdict(adjusted[key]), ""
    # The interval answers its own question; the verdict is one of many.
    if verdict(comparison.p_value) is not found:
        why = "excludes no change by itself, but not among the report's questions"
    stale = changed(pair, comparison)
    floor = roofline_of(comparison, [r.body for r in records])
    if stale:
        found, why = Verdict.STALE, f"{stale} changed since; run again"
    elif floor and floor.too_good:
        return Row(finding, pair, Verdict.WITHHELD, floor.too_good)
    elif null_differs:
        found, why = Verdict.AMBIGUOUS, NULL_DIFFERS
    loop = beside(pair, records, comparisons, adjusted, null_differs)
    return Row(finding, pair, found, why, record, comparison, counted, loop, floor)


def render(report: Report, name: str) -> str:
    """The report in one of the templates: `report.md`, `table.md` or `index.html`, all user text escaped."""
    templates = Templates(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=name.endswith(".html"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters |= {"seconds": seconds, "figure": figure, "speedup": speedup, "cell": cell}
    constants: dict[str, Any] = {
        "ERROR_RATE": ERROR_RATE,
        "x": along,
        "chart": Chart,
        "words": WORDS,
        "again": again,
    }
    return templates.get_template(name).render(report=report, **constants)


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
