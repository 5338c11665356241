"""What a report is asked: about which findings, on which workload and subject."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from speedproof.pairs.finding import TWINS, Finding, Pair
from speedproof.records.base import About


@dataclass(frozen=True)
class Asked:
    """The question that a report answers. Without a subject, only what was taken on the workloads' own counts."""

    findings: Sequence[Finding]
    workload: str = "report"
    subject: str | None = None

    @property
    def pairs(self) -> list[tuple[Finding, Pair]]:
        """Every pair with its finding, in reading order."""
        return [(finding, pair) for finding in self.findings for pair in finding.pairs]

    def about(self, finding: Finding, pair: Pair) -> About:
        """The pair's twins on the workload asked about. Raises BadInput where the pair has none of that name."""
        workload = pair.workload(self.workload)
        return About(finding.name, pair.name, replace(workload, subject=self.subject or workload.subject), TWINS)
