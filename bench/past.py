"""Earlier figures: what other sittings measured of the same functions on the same workload, shown side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .bodies import Measured
from .comparison import Comparison
from .finding import TWINS, Finding
from .noise import NullPair
from .record import Record
from .waterfall import is_climb


@dataclass(frozen=True)
class EarlierFigure:
    """One function's speed-up in one sitting. Across sittings machine and source may differ: nothing is concluded."""

    finding: str
    function: str
    sitting: str
    written: str
    machine: str
    commit: str
    comparison: Comparison
    is_void: bool
    """Whether the sitting's A/A pair differs."""


def earlier_figures(
    findings: Sequence[Finding],
    records: Sequence[Record],
    workload: str,
    subjects: Mapping[tuple[str, str], str],
    nulls: Sequence[NullPair],
) -> tuple[EarlierFigure, ...]:
    """The pairs' figures of every sitting but a ladder's, oldest first, the newest included.

    `subjects` is the subject wanted of each (finding, function).
    """
    void = {null.sitting for null in nulls if null.differs}
    pairs = [pair for finding in findings for pair in finding.pairs]
    climbs = {record.sitting for record in records if is_climb(pairs, record)}
    found: dict[tuple[str, str, str], EarlierFigure] = {}
    for record in records:
        body = record.body
        if not isinstance(body, Measured) or body.arms != TWINS or record.sitting in climbs:
            continue
        on, about = body.certificate.workload, (record.finding, record.function)
        if on.name == workload and subjects.get(about) == on.subject:
            machine, commit = record.environment.machine, record.environment.commit
            when, is_void = (record.sitting, record.written), record.sitting in void
            found[(*about, record.sitting)] = EarlierFigure(*about, *when, machine, commit, body.comparison, is_void)
    return tuple(sorted(found.values(), key=lambda one: one.written))
