"""The report: worked out from records alone, true to them, and safe to open."""

import math
from pathlib import Path
from typing import Any

import pytest

from bench import report as reports
from bench.bodies import Measured, Refused
from bench.certificate import Certificate, certify
from bench.comparison import Comparison, Launch, Verdict
from bench.environment import current_environment
from bench.finding import Claim, Pair
from bench.findings import find
from bench.measurement import Measurement, Plan
from bench.record import Ledger, Record, Recorder, read
from bench.sitting import _measured

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    finding = find("sae_cache")
    answer = certify(finding, finding.pairs[0], finding.pairs[0].workload("smoke"))
    assert isinstance(answer, Certificate)
    return answer


def launches(speedup: float, wobble: float = 0.01) -> tuple[Launch, ...]:
    factors = [speedup * math.exp(wobble * step) for step in (-1, 0, 1, 0.5)]
    return tuple(Launch(0, (factor, factor), (1.0, 1.0), (True, False), (1, 1)) for factor in factors)


def ledger(*bodies: Any) -> Ledger:
    made = [Record(written="now", sitting="s", environment=current_environment(), body=body) for body in bodies]
    return Ledger(tuple(made), ())


def row(built: reports.Report, name: str = "sae_cache") -> reports.Row:
    return next(row for row in built.rows if row.finding.name == name)


def test_a_speedup_is_told_with_its_interval_and_verdict(certificate: Certificate) -> None:
    built = reports.build(ledger(Measured(certificate=certificate, launches=launches(3.0))), "smoke")
    assert row(built).verdict is Verdict.VERIFIED
    assert row(built).measured.startswith("3.00x [") and row(built).outcome == "confirmed: faster"


def test_what_was_not_run_is_withheld_and_not_left_out(certificate: Certificate) -> None:
    built = reports.build(ledger(Measured(certificate=certificate, launches=launches(3.0))), "smoke")
    assert row(built, "grad_mode").verdict is Verdict.WITHHELD and "not run" in row(built, "grad_mode").reason
    assert not built.is_good


def test_a_refusal_withholds_the_figure(certificate: Certificate) -> None:
    refused = Refused(
        finding="sae_cache",
        function="check_sae_cached",
        workload=certificate.workload,
        twin="batched",
        code="not equivalent",
        reason="no",
    )
    built = reports.build(ledger(Measured(certificate=certificate, launches=launches(3.0)), refused), "smoke")
    assert row(built).verdict is Verdict.WITHHELD and row(built).measured == ""


def test_a_measurement_whose_outputs_were_wrong_is_recorded_as_refused(certificate: Certificate) -> None:
    body = _measured(Measurement(Plan(certificate), launches(3.0), failure="differs in 1 of 70 rows"))
    assert isinstance(body, Refused) and body.code == "not measured"


def test_changed_source_is_stale(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = Measured(certificate=certificate, launches=launches(3.0))
    monkeypatch.setattr(Pair, "source_digests", lambda pair: {"sequential": "a", "batched": "b"})
    assert row(reports.build(ledger(measured), "smoke")).verdict is Verdict.STALE


def test_no_clear_difference_is_ambiguous(certificate: Certificate) -> None:
    built = reports.build(ledger(Measured(certificate=certificate, launches=launches(1.001))), "smoke")
    assert row(built).verdict is Verdict.AMBIGUOUS and row(built).outcome == "undecided"


def test_an_aa_pair_that_differs_voids_the_timings(certificate: Certificate) -> None:
    alike, different = (Measured(certificate=certificate, launches=launches(s, 1e-4), null=True) for s in (1.0, 1.2))
    figure = Measured(certificate=certificate, launches=launches(3.0))
    assert row(reports.build(ledger(figure, alike), "smoke")).verdict is Verdict.VERIFIED
    built = reports.build(ledger(figure, different), "smoke")
    assert row(built).verdict is Verdict.AMBIGUOUS and "void" in built.null_words


def test_figures_are_taken_from_one_sitting_only(certificate: Certificate) -> None:
    old = ledger(Measured(certificate=certificate, launches=launches(9.0))).records[0]
    new = ledger(Measured(certificate=certificate, launches=launches(3.0))).records[0]
    both = Ledger((old.model_copy(update={"sitting": "older"}), new), ())
    assert row(reports.build(both, "smoke")).measured.startswith("3.00x")


@pytest.mark.parametrize(
    ("claim", "speedup", "outcome"),
    [
        (Claim("5-10x", 5, 10), 20, "exceeded"),
        (Claim("5-10x", 5, 10), 7, "confirmed"),
        (Claim("5-10x", 5, 10), 3, "refuted: less than claimed"),
        (Claim("5-10x", 5, 10), 0.5, "refuted: slower"),
        (Claim("minor"), 2, "confirmed: faster"),
        (Claim("quality", 1, 1), 2, "refuted: it does change"),
    ],
)
def test_claims_are_held_against_the_interval(
    certificate: Certificate, claim: Claim, speedup: float, outcome: str
) -> None:
    comparison = Comparison(certificate, launches(speedup))
    assert reports.claim_outcome(claim, comparison, Verdict.VERIFIED) == outcome


def test_the_page_shows_markup_and_does_not_run_it(certificate: Certificate) -> None:
    refused = Refused(
        finding="sae_cache",
        function="check_sae_cached",
        workload=certificate.workload,
        twin="<script>alert(1)</script>",
        code="not equivalent",
        reason="<script>alert(1)</script> | <img src=x>",
    )
    built = reports.build(ledger(Measured(certificate=certificate, launches=launches(3.0)), refused), "smoke")
    page = reports.render(built, "index.html")
    assert "<script" not in page and "<img" not in page and "&lt;script&gt;" in page
    assert "Content-Security-Policy" in page and "http" not in page.replace("http-equiv", "")
    assert "<script" not in reports.render(built, "report.md")


def test_an_empty_ledger_says_so() -> None:
    for name in ("index.html", "report.md", "table.md"):
        assert "Nothing has been measured yet" in reports.render(reports.build(Ledger((), ())), name)


def test_the_readmes_figures_are_those_of_the_committed_records() -> None:
    readme = (ROOT / "README.md").read_text()
    assert reports.with_figures(readme, reports.build(read(ROOT / "results"))) == readme, (
        "The README's figures have drifted. Run: python -m bench report --readme README.md"
    )


def test_a_changed_figure_in_the_readme_is_seen() -> None:
    readme = (ROOT / "README.md").read_text()
    changed = readme.replace("VERIFIED", "CERTAIN", 1)
    assert changed != readme
    assert reports.with_figures(changed, reports.build(read(ROOT / "results"))) != changed


def test_the_committed_report_is_that_of_the_committed_records() -> None:
    built = reports.build(read(ROOT / "results"))
    for name in ("report.md", "index.html"):
        assert (ROOT / "results/report" / name).read_text() == reports.render(built, name)


def test_the_committed_records_hold_six_verdicts_and_no_stale_one() -> None:
    built = reports.build(read(ROOT / "results"))
    assert {row.finding.number for row in built.rows} == {1, 2, 3, 4, 5, 6}
    assert all(row.verdict in (Verdict.VERIFIED, Verdict.AMBIGUOUS) for row in built.rows)
    assert built.null is not None and not built.null_differs
    assert built.n_killed == built.n_wrong > 0


def test_records_may_be_written_by_anyone_who_has_a_folder(tmp_path: Path, certificate: Certificate) -> None:
    writer = Recorder(tmp_path, current_environment(), "s")
    writer.write(Measured(certificate=certificate, launches=launches(3.0)))
    (record,) = read(tmp_path).records
    assert isinstance(record.body, Measured) and record.body.certificate == certificate


def test_a_record_whose_certificate_was_edited_is_reported_and_skipped(
    tmp_path: Path, certificate: Certificate
) -> None:
    Recorder(tmp_path, current_environment(), "s").write(Measured(certificate=certificate, launches=launches(3.0)))
    (path,) = (tmp_path / "records").glob("*.jsonl")
    path.write_text(path.read_text().replace("check_sae_cached", "another"))
    assert read(tmp_path).records == ()
    assert "certify" in read(tmp_path).problems[0]


def test_work_is_told_by_name_with_the_padding_efficiency() -> None:
    reference = read(ROOT / "results")
    counts = {"computed_tokens": 200, "real_tokens": 150, "bytes_saved_for_backward": 0}
    tables = {"operators": {f"aten.op{n}": n for n in range(1, 9)}}
    told = {"sequential": counts, "batched": counts, "sequential_tables": tables, "batched_tables": {}}
    records = tuple(
        record.model_copy(update={"body": record.body.model_copy(update=told)}) if record.kind == "counted" else record
        for record in reference.records
    )
    report = reports.render(reports.build(Ledger(records, ())), "report.md")
    assert "| padding efficiency | 75% | 75% |" in report
    assert "aten.op8 8, aten.op7 7, aten.op6 6, aten.op5 5, aten.op4 4, aten.op3 3 |" in report
    assert "By name" not in reports.render(reports.build(reference), "report.md")
