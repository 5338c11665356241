"""Figures: a comparison of two arms with its verdict, or why there is none. All that a report tells of time is made of
them: rows, rungs, sizes, earlier sittings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from speedproof.errors import BadInput
from speedproof.gate.certificate import Certificate
from speedproof.lens.devices import apart
from speedproof.lens.embedded.identity import embedded_digest
from speedproof.lens.embedded.shapes import EMBEDDED
from speedproof.pairs.finding import TWINS, Pair
from speedproof.pairs.workload import Workload
from speedproof.records.base import About
from speedproof.records.kinds import Measured, Refused
from speedproof.timing.comparison import Comparison, Verdict, holm, verdict
from speedproof.wording import in_percent

from .asked import Asked

if TYPE_CHECKING:
    from speedproof.records.record import Record

    from .sittings import RecordedSitting

NOT_RUN = "not run"
NULL_DIFFERS = "the sitting's A/A pair differs"
ONE_OF_MANY = "excludes no change by itself, but not among the report's questions"


@dataclass(frozen=True)
class Figure:
    """What one sitting says of two arms on a workload: a comparison, or why there is none to be told."""

    about: About
    verdict: Verdict
    why: str = ""
    """The reason for the verdict, where it is not the interval's."""
    comparison: Comparison | None = None
    """None unless the verdict is `VERIFIED` or `AMBIGUOUS`."""
    record: "Record | None" = None
    """The samples or the refusal that it is made of; None where neither was recorded."""
    is_void: bool = False
    """Whether the sitting's A/A pair differs."""

    @property
    def detectable(self) -> str:
        """The smallest change that the launches would have shown, in percent, or nothing where there is none."""
        return in_percent(self.comparison.detectable) if self.comparison else ""

    @property
    def told(self) -> str:
        """The verdict, with its reason; where it is open, with the change that would have been seen."""
        is_open = self.verdict is Verdict.AMBIGUOUS
        why = self.why or (f"would have shown {self.detectable}" if is_open and self.detectable else "")
        return f"{self.verdict.word} ({why})" if why else self.verdict.word

    @property
    def words(self) -> str:
        """The speed-up with its interval, or nothing."""
        return self.comparison.words if self.comparison else ""


def figure(
    sitting: "RecordedSitting | None",
    pair: Pair,
    about: About,
    p_values: Mapping[tuple[str, ...], float] | None = None,
    refusal: "Record | None" = None,
) -> Figure:
    """What a sitting says of two of the pair's arms, if the files of today are those that it measured.

    `p_values` are adjusted for all questions that are shown together; without them each stands alone. A `refusal`
    given, of another workload for instance, withholds the figure too.
    """
    measured = sitting.measured(about) if sitting else None
    refusal = refusal or (sitting.refusal(about) if sitting else None)
    if refusal:
        assert isinstance(refusal.body, Refused)
        return Figure(about, Verdict.WITHHELD, f"{refusal.body.code}: {refusal.body.reason}", record=refusal)
    if sitting is None or measured is None:
        return Figure(about, Verdict.WITHHELD, NOT_RUN)
    found = as_measured(sitting, measured, p_values)
    if stale := _changed(pair, about, found.comparison):
        return Figure(about, Verdict.STALE, f"{stale} changed since; run again", record=measured)
    return found


def as_measured(
    sitting: "RecordedSitting", record: "Record", p_values: Mapping[tuple[str, ...], float] | None = None
) -> Figure:
    """What a sitting's samples said then, whatever has changed since."""
    assert isinstance(record.body, Measured)
    comparison = record.body.comparison
    p_value = (p_values or {}).get(record.about.key, comparison.p_value)
    found, why = verdict(p_value), ""
    if sitting.is_void:
        found, why = Verdict.AMBIGUOUS, NULL_DIFFERS
    elif found is not verdict(comparison.p_value):
        # The interval answers its own question; the verdict is one of many.
        why = ONE_OF_MANY
    return Figure(record.about, found, why, comparison, record, sitting.is_void)


def adjusted(shown: Iterable["Record"]) -> dict[tuple[str, ...], float]:
    """The p-values of measurements that are shown together, adjusted for their number. A/A pairs ask nothing."""
    asked = {r.about.key: r.body.comparison for r in shown if isinstance(r.body, Measured) and not r.body.null}
    return dict(zip(asked, holm([comparison.p_value for comparison in asked.values()]), strict=True))


def earlier(among: Iterable["RecordedSitting"], asked: Asked) -> tuple[Figure, ...]:
    """The twins' figures in every sitting but a ladder's, as they were measured then, oldest first.

    Machine and source may differ from one to the next: nothing is concluded across them.
    """
    keys = {asked.about(finding, pair).key for finding, pair in asked.pairs}
    found = [
        as_measured(sitting, record)
        for sitting in among
        if not sitting.is_of_ladders
        for record in sitting.records
        if record.about.key in keys and sitting.measured(record.about) is record
    ]
    return tuple(sorted(found, key=_written))


def _written(figure: Figure) -> str:
    return figure.record.written if figure.record else ""


def _changed(pair: Pair, about: About, comparison: Comparison | None) -> str:
    """What differs between a comparison's certificates and the files of today, or an empty string."""
    certificates = (comparison.certificate, comparison.baseline) if comparison else ()
    found = (_changed_since(certificate, pair, about.workload) for certificate in certificates if certificate)
    return next(filter(None, found), "")


def _changed_since(certificate: Certificate, pair: Pair, workload: Workload | None) -> str:
    held_against = {"sequential": TWINS[0], "candidate": certificate.twin}
    try:
        held = all(pair.is_unchanged(arm, certificate.sources[side]) for side, arm in held_against.items())
    except BadInput:
        return "source"
    if not held:
        return "source"
    if workload and workload.digest != (certificate.workload_digest or certificate.workload.digest):
        return "workload"
    # Certificates from before there was a fingerprint say nothing of the subject, so they cannot be told by it.
    subject = certificate.workload.subject
    is_embedded = subject.split(":")[0] in EMBEDDED
    if certificate.subject_digest and is_embedded and certificate.subject_digest != embedded_digest(apart(subject)[0]):
        return "subject"
    return ""
