"""The report: records to tables, Markdown and a page. Pure: it measures nothing and decides nothing anew."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment as Templates
from jinja2 import FileSystemLoader, StrictUndefined

from .bodies import Certified, Counted, Judged, Measured, Refused, Resumed, Sat
from .comparison import ERROR_RATE, Comparison, Verdict, holm, verdict
from .errors import RecordProblem
from .finding import Claim, Finding, Pair
from .findings import FINDINGS
from .record import Ledger, Record, latest

TEMPLATES = Path(__file__).with_name("templates")
NULL_ERROR_RATE = 0.01
"""Chance that a sitting is voided although its A/A pair is alike."""


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

    @property
    def claimed(self) -> str:
        """The report's words, for the function that carries the claim."""
        return self.finding.claim.words if self.pair is self.finding.pairs[0] else ""

    @property
    def measured(self) -> str:
        """The speed-up with its interval, or nothing where there is none to be told."""
        if not self.comparison or self.verdict in (Verdict.WITHHELD, Verdict.STALE):
            return ""
        low, high = self.comparison.interval
        return f"{figure(self.comparison.speedup)}x [{figure(low)}, {figure(high)}]"

    @property
    def outcome(self) -> str:
        """What became of the claim."""
        if self.pair is not self.finding.pairs[0] or self.verdict in (Verdict.WITHHELD, Verdict.STALE):
            return ""
        if self.finding.name == "grad_mode" and self.counted:
            before, after = (
                side["bytes_saved_for_backward"] for side in (self.counted.sequential, self.counted.batched)
            )
            freed = f"{before / 1e6:,.0f} MB saved for backward in one call, then {after / 1e6:,.0f} MB"
            return f"confirmed: {freed}" if after < before else f"refuted: {freed}"
        return claim_outcome(self.finding.claim, self.comparison, self.verdict) if self.comparison else ""

    @property
    def work(self) -> str:
        """The finding's first two counts, before and after."""
        if not self.counted:
            return ""
        named = list(self.counted.sequential.items())[:2]
        return ", ".join(f"{name.replace('_', ' ')} {n:,} to {self.counted.batched[name]:,}" for name, n in named)


def claim_outcome(claim: Claim, comparison: Comparison, found: Verdict) -> str:
    """A claim held against a speed-up's interval."""
    low, high = comparison.interval
    if claim.low == claim.high == 1:
        return "refuted: it does change" if found is Verdict.VERIFIED else "as expected: no change shown"
    if found is Verdict.AMBIGUOUS:
        return "undecided"
    if high < 1:
        return "refuted: slower"
    if claim.low is None or claim.high is None:
        return "confirmed: faster"
    if low > claim.high:
        return "exceeded"
    if high < claim.low:
        return "refuted: less than claimed"
    return "confirmed" if low >= claim.low and high <= claim.high else "consistent with the claim"


@dataclass(frozen=True)
class Report:
    """Everything that is shown, worked out from a ledger."""

    rows: tuple[Row, ...]
    null: Comparison | None
    null_differs: bool
    judged: tuple[Judged, ...]
    checks: tuple[Certified | Refused, ...]
    sitting: Record | None
    end: Sat | None
    problems: tuple[str, ...]
    resumed: tuple[Resumed, ...] = ()

    @property
    def n_wrong(self) -> int:
        """Controls that are wrong on purpose."""
        return sum(judged.wrong for judged in self.judged)

    @property
    def n_killed(self) -> int:
        """Wrong controls that the gate rejected for the right reason."""
        return sum(judged.wrong and judged.as_expected for judged in self.judged)

    @property
    def survivors(self) -> list[str]:
        """Controls that were not judged as they should be."""
        return [judged.control for judged in self.judged if not judged.as_expected]

    @property
    def is_good(self) -> bool:
        """Whether every pair is equivalent and every control was judged rightly."""
        return not self.survivors and not any(row.verdict is Verdict.WITHHELD for row in self.rows)

    @property
    def null_words(self) -> str:
        """The A/A line."""
        if not self.null:
            return "no A/A pair was measured"
        low, high = self.null.interval
        words = f"{self.null.speedup:.3f}x [{low:.3f}, {high:.3f}]"
        return (
            f"{words}: differs, so this sitting's timings are void"
            if self.null_differs
            else f"{words}: alike, as it must be"
        )


def build(
    ledger: Ledger, workload: str = "report", findings: Sequence[Finding] = FINDINGS, subject: str | None = None
) -> Report:
    """The report of the newest sitting that measured all of `findings` on that workload, or else any of them.

    Figures are compared within a sitting, so nothing is taken from an older one. Without `subject`, only measurements
    on the workloads' own subjects count.
    """
    pairs = [(finding, pair) for finding in findings for pair in finding.pairs]
    wanted = {(f.name, p.name): subject or p.workload(workload).subject for f, p in pairs}
    covered: dict[str, set[tuple[str, str]]] = {}
    for record in ledger.records:
        about = _measures(record.body, workload, wanted)
        if about:
            covered.setdefault(record.sitting, set()).add(about)
    sittings = [name for name, about in covered.items() if len(about) == len(wanted)] or list(covered)
    records = [record for record in ledger.records if sittings and record.sitting == sittings[-1]]
    comparisons = {
        key: Comparison(record.body.certificate, record.body.launches)
        for key, record in latest(records, Measured).items()
        if isinstance(record.body, Measured) and _measures(record.body, workload, wanted)
    }
    null = next((c for key, c in comparisons.items() if key[-1] == "A/A"), None)
    null_differs = null is not None and null.p_value < NULL_ERROR_RATE
    claims = {key: c for key, c in comparisons.items() if key[-1] != "A/A"}
    adjusted = dict(zip(claims, holm([c.p_value for c in claims.values()]), strict=True))
    bodies = [record.body for record in records]
    return Report(
        tuple(_row(finding, pair, records, claims, adjusted, null_differs) for finding, pair in pairs),
        null,
        null_differs,
        tuple(b for b in bodies if isinstance(b, Judged)),
        tuple(b for b in bodies if isinstance(b, Certified | Refused)),
        records[-1] if records else None,
        next((b for b in bodies if isinstance(b, Sat)), None),
        ledger.problems,
        tuple(b for b in bodies if isinstance(b, Resumed)),
    )


def _measures(body: Any, workload: str, wanted: Mapping[tuple[str, str], str]) -> tuple[str, str] | None:
    """Which of the wanted functions a record has a figure of, or says why there is none."""
    if isinstance(body, Measured):
        body = body.certificate
    elif not isinstance(body, Refused) or body.twin != "batched":
        return None
    about = (body.finding, body.function)
    is_wanted = body.workload.name == workload and wanted.get(about) == body.workload.subject
    return about if is_wanted else None


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
    if refused:
        first = refused[0]
        return Row(finding, pair, Verdict.WITHHELD, f"{first.code}: {first.reason}")
    key = next((key for key in comparisons if key[:2] == about), None)
    if key is None:
        return Row(finding, pair, Verdict.WITHHELD, "not run: no measurement in the newest sitting")
    comparison = comparisons[key]
    record = next(r for r in records if isinstance(r.body, Measured) and r.body.certificate is comparison.certificate)
    counted = next(
        (r.body for r in records if isinstance(r.body, Counted) and (r.body.finding, r.body.function) == about), None
    )
    changed = _changed(pair, comparison)
    if changed:
        return Row(finding, pair, Verdict.STALE, f"{changed} changed since; run again", record, comparison, counted)
    if null_differs:
        return Row(finding, pair, Verdict.AMBIGUOUS, "the sitting's A/A pair differs", record, comparison, counted)
    return Row(finding, pair, verdict(adjusted[key]), "", record, comparison, counted)


def _changed(pair: Pair, comparison: Comparison) -> str:
    """What differs between the certificate and the files of today, or an empty string."""
    certificate = comparison.certificate
    today = pair.source_digests()
    if dict(certificate.sources) != {"sequential": today["sequential"], "candidate": today["batched"]}:
        return "source"
    known = {w.name: w.digest for w in pair.workloads}
    same_subject = any(w.subject == certificate.workload.subject for w in pair.workloads)
    if same_subject and known.get(certificate.workload.name) != certificate.workload.digest:
        return "workload"
    return ""


def figure(value: float) -> str:
    """Three significant digits, never in scientific notation."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def seconds(value: float) -> str:
    """A duration in the unit that suits it."""
    for limit, factor, unit in ((1e-3, 1e6, "µs"), (1.0, 1e3, "ms")):
        if value < limit:
            return f"{figure(value * factor)} {unit}"
    return f"{figure(value)} s"


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
    templates.filters |= {"seconds": seconds, "figure": figure, "cell": _cell}
    constants: dict[str, Any] = {"ERROR_RATE": ERROR_RATE, "x": _on_axis}
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


def _on_axis(speedup: float) -> float:
    """Where a speed-up stands on the page's log axis, in percent of its width: 0.1x at 0, 150x at 100."""
    least, most = 0.1, 150.0
    return round(100 * math.log(min(max(speedup, least), most) / least) / math.log(most / least), 2)


def _cell(text: str) -> str:
    """Text that cannot break out of a Markdown table's cell."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
