"""What tests of the report have in common: samples with a known speed-up, ledgers, one row."""

import math
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any, TypeVar

from bench.findings import FINDINGS, find
from speedproof.environment import current_environment
from speedproof.gate.certificate import Certificate
from speedproof.pairs.finding import Finding
from speedproof.records.record import Ledger, Record
from speedproof.report import report as reports
from speedproof.report.row import Row
from speedproof.timing.launches import Launch
from speedproof.timing.plan import Plan
from speedproof_studies.kinds import Rejected, Rewritten

T = TypeVar("T")


def build(
    ledger: Ledger,
    workload: str = "report",
    findings: Sequence[Finding] = FINDINGS,
    subject: str | None = None,
    sections: Sequence[reports.Section] = (),
) -> reports.Report:
    """The report of the six findings."""
    return reports.build(findings, ledger, workload, subject, sections)


def plan_of(certificate: Certificate, baseline: Certificate | None = None) -> Plan:
    """A comparison of one of the six findings."""
    return Plan(find(certificate.finding).target(certificate.function), certificate, baseline)


def launches(speedup: float, wobble: float = 0.01) -> tuple[Launch, ...]:
    factors = [speedup * math.exp(wobble * step) for step in (-1, 0, 1, 0.5)]
    return tuple(Launch(0, (factor, factor), (1.0, 1.0), (True, False), (1, 1)) for factor in factors)


def ledger(*bodies: Any) -> Ledger:
    made = [Record(written="now", sitting="s", environment=current_environment(), body=body) for body in bodies]
    return Ledger(tuple(made), ())


def rewritten(seed: int, n_trials: int, rejected: tuple[Rejected, ...] = (), gate: str = "g") -> Rewritten:
    return Rewritten(
        finding="text_batching",
        subject="tiny",
        seed=seed,
        n_trials=n_trials,
        n_rewrites=n_trials,
        closest=0.4,
        rejected=rejected,
        gate=gate,
    )


class Page(HTMLParser):
    """What a browser would find in a page: scripts by type, and every attribute by element."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.scripts: list[tuple[str, str]] = []
        """Type and text; an empty type runs."""
        self.attributes: list[tuple[str, str, str]] = []
        self.elements: list[str] = []
        self._is_script = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag == "script":
            self._is_script = True
            self.scripts.append((dict(attrs).get("type") or "", ""))

    def handle_endtag(self, tag: str) -> None:
        self._is_script = self._is_script and tag != "script"

    def handle_data(self, data: str) -> None:
        if self._is_script:
            kind, text = self.scripts[-1]
            self.scripts[-1] = (kind, text + data)

    @property
    def running(self) -> list[str]:
        """Scripts that run when the page is opened."""
        return [text for kind, text in self.scripts if kind not in ("application/json", "text/plain")]

    @property
    def loaded(self) -> list[str]:
        """Addresses that a browser would load by itself, and handlers in attributes, which would run."""
        loading = {"src", "srcset", "data", "poster", "background", "action"}
        found = [value for _, name, value in self.attributes if name in loading or name.startswith("on")]
        return found + [value for tag, name, value in self.attributes if tag == "link" and name == "href"]


def without_library(page: str) -> str:
    """A page without the plotting library, whose release may be any, and without the policy that names its hash."""
    page = re.sub(r'(<script type="text/plain" id="library">).*?(</script>)', r"\1\2", page, flags=re.DOTALL)
    return re.sub(r'(Content-Security-Policy" content=")[^"]*', r"\1", page)


def told(built: reports.Report, kind: type[T]) -> T:
    """What a section of the studies' came to."""
    return next(extra.told for extra in built.extras if isinstance(extra.told, kind))


def row(built: reports.Report, name: str = "sae_cache") -> Row:
    return next(row for row in built.rows if row.finding.name == name)
