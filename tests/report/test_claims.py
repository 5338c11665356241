"""Claims are held against figures by what they are about: time, no change of it, or a counter; and nobody is named."""

from pathlib import Path

import pytest

from bench.findings import FINDINGS, find
from speedproof.gate.certificate import Certificate
from speedproof.pairs.finding import Claim, Finding, Moved
from speedproof.records.kinds import Counted, Measured
from speedproof.report import report as reports
from speedproof.report.claims import STANDINGS, Held, held
from speedproof.report.figure import Figure
from speedproof.report.page.conclusion import CELLS, conclusion, outcome
from speedproof.report.page.work import gist, why
from speedproof.timing.comparison import Comparison, Verdict
from tests.reporting import build, launches, ledger, row

MEMORY = Claim.counter("bytes_saved_for_backward", "memory")
COPIES = Claim.counter("copies", "more copies", falls=False)


def figure_of(certificate: Certificate, speedup: float = 1.001, n_launches: int = 4) -> Figure:
    record = ledger(Measured(certificate=certificate, launches=launches(speedup)[:n_launches])).records[0]
    comparison = Comparison(certificate, launches(speedup)[:n_launches])
    return Figure(record.about, Verdict.AMBIGUOUS, "", comparison, record)


def counts(name: str, before: int, after: int) -> dict[str, dict[str, int]]:
    return {"sequential": {name: before}, "batched": {name: after}}


@pytest.mark.parametrize(
    ("claim", "before", "after", "told"),
    [
        (MEMORY, 9, 1, Held("moved", (9, 1))),
        (MEMORY, 9, 9, Held("unmoved", (9, 9))),
        (MEMORY, 1, 9, Held("unmoved", (1, 9))),
        (COPIES, 1, 9, Held("moved", (1, 9))),
        (COPIES, 9, 1, Held("unmoved", (9, 1))),
    ],
)
def test_a_claim_about_a_counter_is_held_against_the_counts_whatever_the_time_says(
    certificate: Certificate, claim: Claim, before: int, after: int, told: Held
) -> None:
    assert claim.band is None
    name = "copies" if claim is COPIES else "bytes_saved_for_backward"
    assert held(claim, figure_of(certificate), counts(name, before, after)) == told
    assert held(claim, figure_of(certificate, 9.0), counts(name, before, after)) == told
    assert told.standing == ("holds" if told.outcome == "moved" else "refuted")


def test_a_counter_that_was_not_counted_leaves_its_claim_open(certificate: Certificate) -> None:
    for counted in ({}, counts("flops", 9, 1), {"sequential": {"copies": 1}}):
        assert held(COPIES, figure_of(certificate), counted).standing == "open"


def test_without_a_figure_no_claim_is_said_to_hold(certificate: Certificate) -> None:
    about = figure_of(certificate).about
    for claim in (MEMORY, Claim.speedup(5, 10, "5-10x"), Claim.faster("low"), Claim.no_change("quality")):
        for verdict in (Verdict.WITHHELD, Verdict.STALE):
            assert held(claim, Figure(about, verdict), counts("bytes_saved_for_backward", 9, 1)).standing == "withheld"


def test_too_few_processes_leave_every_claim_about_time_open(certificate: Certificate) -> None:
    for claim in (Claim.speedup(5, 10, "5-10x"), Claim.faster("low"), Claim.no_change("quality")):
        assert held(claim, figure_of(certificate, 7.0, 3), {}).outcome == "too few processes"


def test_every_outcome_has_a_standing_and_words() -> None:
    assert STANDINGS.keys() == CELLS.keys()
    for told, standing in STANDINGS.items():
        said = CELLS[told][0]
        assert said.startswith("refuted") == (standing == "refuted") and said.startswith("undecided") == (
            standing == "open"
        )


def test_a_claim_that_is_no_range_and_one_about_what_is_not_counted_cannot_be_made() -> None:
    for low, high in ((10, 5), (0, 5), (-1, 1)):
        with pytest.raises(ValueError, match="expected a speed-up from a lower to a higher factor"):
            Claim.speedup(low, high, "some")
    made = {name: getattr(find("sae_cache"), name) for name in Finding.__dataclass_fields__}
    with pytest.raises(ValueError, match="Expected a counter of its own: directory_scans"):
        Finding(**{**made, "claim": COPIES})


def test_the_page_says_what_became_of_a_counter_in_its_own_unit(certificate: Certificate) -> None:
    finding = find("sae_cache")
    about = {"finding": finding.name, "function": finding.pairs[0].name, "workload": certificate.workload}
    measured = Measured(certificate=certificate, launches=launches(3.0))
    counted = Counted.model_validate({**about, "sources": {}, "counts": counts("directory_scans", 1_200, 0)})
    made = {name: getattr(finding, name) for name in Finding.__dataclass_fields__}
    other = Finding(**{**made, "claim": Claim.counter("directory_scans", "fewer scans")})
    told = row(build(ledger(measured, counted), "smoke", [other]))
    assert outcome(told) == "confirmed: 1,200 directory scans in one call, then 0"
    assert conclusion(told).sentence == "1,200 directory scans in one call, then 0; the speed changes too."
    some = row(build(ledger(measured, counted.model_copy(update={"n_items": 2})), "smoke", [other]))
    n_items = certificate.workload.n_items
    assert outcome(some) == f"confirmed: 1,200 directory scans in one call on 2 of {n_items} items, then 0"
    for words in (why, gist):
        assert words(some.counted).endswith(f"(in one call on 2 of {n_items} items)") and "items" not in words(
            told.counted
        )


def naming(text: str) -> set[str]:
    """The findings that are named in a text."""
    return {finding.name for finding in FINDINGS if f'"{finding.name}"' in text or f"'{finding.name}'" in text}


def test_neither_the_report_nor_its_page_names_a_finding() -> None:
    folder = Path(reports.__file__).parent
    files = [*folder.rglob("*.py"), *folder.rglob("templates/*.*")]
    assert len(files) > 40 and {path.name: naming(path.read_text()) for path in files if naming(path.read_text())} == {}


def test_a_template_that_names_a_finding_is_seen() -> None:
    assert naming('{{ "files" if finding.name == "sae_cache" else "links" }}') == {"sae_cache"}


def test_a_card_that_claims_something_of_a_counter_counts_it() -> None:
    claims = [(finding, finding.claim.effect) for finding in FINDINGS]
    moved = [(finding, effect) for finding, effect in claims if isinstance(effect, Moved)]
    assert moved
    for finding, effect in moved:
        assert effect.counter in {counter.__name__ for counter in finding.counters}
