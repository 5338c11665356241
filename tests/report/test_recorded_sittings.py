"""Which sitting counts and which is void has one answer, whoever asks."""

import re
from pathlib import Path
from typing import Any

from bench.findings import find
from speedproof.gate.certificate import Certificate
from speedproof.records.kinds import Measured, Refused
from speedproof.records.record import Ledger, Record
from speedproof.report import report as reports
from speedproof.report.asked import Asked
from speedproof.report.otava import histories
from speedproof.report.report import Section, Told
from speedproof.report.sittings import RecordedSitting, sittings, that_counts
from speedproof.timing.comparison import Verdict
from speedproof_studies.sections import SECTIONS
from tests.reporting import build, launches, ledger, row


def in_sitting(name: str, *bodies: Any) -> tuple[Record, ...]:
    return tuple(record.model_copy(update={"sitting": name}) for record in ledger(*bodies).records)


def null(certificate: Certificate, speedup: float) -> Measured:
    return Measured(certificate=certificate, baseline=certificate, launches=launches(speedup, 1e-4))


def figure(certificate: Certificate, speedup: float = 3.0) -> Measured:
    return Measured(certificate=certificate, launches=launches(speedup))


def test_the_newest_sitting_that_tells_of_all_counts_and_else_the_newest_that_tells_of_any() -> None:
    told = {"abc": "old whole", "ab": "new part", "": "nothing"}
    held = {name: RecordedSitting(()) for name in told}
    names = {id(sitting): name for name, sitting in held.items()}

    def tells(sitting: RecordedSitting, letter: str) -> bool:
        return letter in names[id(sitting)]

    whole, part, empty = held["abc"], held["ab"], held[""]
    assert that_counts([whole, part, empty], "abc", tells) is whole
    assert that_counts([part, whole, empty], "ab", tells) is whole
    assert that_counts([whole, part, empty], "ab", tells) is part
    assert that_counts([part, empty], "abc", tells) is part
    assert that_counts([empty], "abc", tells) is None and that_counts([], "abc", tells) is None
    assert that_counts([whole], "", tells) is None


def test_one_aa_pair_that_differs_voids_its_sitting_for_everyone(certificate: Certificate) -> None:
    for pairs in ((1.2, 1.0), (1.0, 1.2)):
        records = in_sitting("resumed", figure(certificate), *(null(certificate, speedup) for speedup in pairs))
        built = build(Ledger(records, ()), "smoke")
        assert built.is_void and built.null is not None and built.null.differs
        assert row(built).figure.verdict is Verdict.AMBIGUOUS and row(built).figure.is_void
        assert all(one.is_void for one in built.earlier) and histories(records, records) == {}
    alike = in_sitting("resumed", figure(certificate), null(certificate, 1.0), null(certificate, 1.0))
    built = build(Ledger(alike, ()), "smoke")
    assert not built.is_void and not row(built).figure.is_void and len(histories(alike, alike)) == 1


def refusal(certificate: Certificate, **changes: Any) -> Refused:
    about = {"finding": certificate.finding, "function": certificate.function, "workload": certificate.workload}
    return Refused(**{**about, "twin": "batched", "code": "not equivalent", "reason": "no", **changes})


def test_a_refusal_withholds_the_figures_of_its_own_arms_and_of_no_others(certificate: Certificate) -> None:
    asked = Asked((find("sae_cache"),), "smoke")
    ((finding, pair),) = asked.pairs
    twins = asked.about(finding, pair)

    def withheld(*arms: str, **changes: Any) -> bool:
        (sitting,) = sittings(in_sitting("s", refusal(certificate, **changes)))
        return sitting.refusal(twins.by(*arms)) is not None

    assert withheld("sequential", "batched") and withheld("careful", "batched")
    assert not withheld("sequential", "careful")
    assert withheld("sequential", "batched", baseline="sequential")
    assert not withheld("careful", "batched", baseline="sequential")
    assert not withheld("sequential", "batched", workload=pair.workload("report"))


def test_a_function_that_was_refused_on_any_workload_has_no_figure(certificate: Certificate) -> None:
    elsewhere = refusal(certificate, workload=find("sae_cache").pairs[0].workload("hostile"))
    built = build(ledger(figure(certificate), elsewhere), "smoke")
    assert row(built).figure.verdict is Verdict.WITHHELD and row(built).figure.why == "not equivalent: no"


class Counted(Told):
    """How many records there are."""

    def __init__(self, n: int) -> None:
        self.n = n

    @property
    def is_good(self) -> bool:
        return self.n < 2


def test_a_section_of_a_callers_own_is_shown_at_its_places_and_may_spoil_the_report(
    certificate: Certificate, tmp_path: Path
) -> None:
    (tmp_path / "table.md").write_text("Records: {{ section.told.n }}, asked about {{ report.asked.workload }}.\n")
    (tmp_path / "gate.html").write_text("<p>Records: {{ section.told.n }}, {{ '<b>' }}</p>\n")
    own = Section("own", lambda ledger, asked: Counted(len(ledger.records)), tmp_path)
    nothing = Section("nothing", lambda ledger, asked: None, tmp_path)
    finding = [find("sae_cache")]
    one = build(ledger(figure(certificate)), "smoke", finding, sections=(own, nothing))
    assert "Records: 1, asked about smoke." in reports.render(one, "table.md")
    page = reports.render(one, "index.html")
    assert page.count("<p>Records: 1, &lt;b&gt;</p>") == 1 and 'href="#gate"' in page
    assert one.is_good
    two = build(ledger(figure(certificate), null(certificate, 1.0)), "smoke", finding, sections=(own,))
    assert not two.is_good and build(two.ledger, "smoke", finding).is_good


def test_without_sections_the_report_shows_none(certificate: Certificate) -> None:
    page = reports.render(build(ledger(figure(certificate)), "smoke"), "index.html")
    assert 'id="gate"' not in page and 'id="power"' not in page


def places() -> set[str]:
    """Where the report's own templates let sections show something."""
    folder = Path(reports.__file__).parent / "page/templates"
    return {place for path in folder.glob("*.*") for place in re.findall(r'section\.at\("(.*?)"\)', path.read_text())}


def test_every_template_of_the_studies_is_named_after_a_place_of_the_report() -> None:
    named = {path.name for section in SECTIONS for path in section.templates.iterdir()}
    assert named and named <= places() and len({section.name for section in SECTIONS}) == len(SECTIONS)
    assert "nowhere.md" not in places()
