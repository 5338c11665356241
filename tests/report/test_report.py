"""The report: worked out from records alone, true to them, and safe to open."""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from plotly.offline import get_plotlyjs

from bench.findings import FINDINGS
from speedproof.environment import current_environment
from speedproof.gate.certificate import Certificate
from speedproof.machine.condition import Condition, Conditions
from speedproof.pairs.finding import Claim, Pair
from speedproof.records.base import About
from speedproof.records.kinds import Measured, Refused, Sat
from speedproof.records.record import Ledger, Recorder, read
from speedproof.report import report as reports
from speedproof.report.claims import held
from speedproof.report.figure import Figure
from speedproof.report.page import rendering
from speedproof.report.page.conclusion import CELLS, outcome
from speedproof.sittings import sitting
from speedproof.sittings.sitting import Sitting
from speedproof.timing.comparison import Comparison, Verdict
from speedproof.timing.rounds import Taken
from speedproof_studies.kinds import KINDS
from speedproof_studies.sections import SECTIONS
from tests.report.screenshots import SHOWN, sitting_shown
from tests.reporting import Page, build, launches, ledger, plan_of, row, without_library


def test_a_speedup_is_told_with_its_interval_and_verdict(certificate: Certificate) -> None:
    built = build(ledger(Measured(certificate=certificate, launches=launches(3.0))), "smoke")
    assert row(built).figure.verdict is Verdict.VERIFIED
    assert row(built).figure.words.startswith("3.00x [") and outcome(row(built)) == "confirmed: faster"


def test_what_was_not_run_is_withheld_and_not_left_out(certificate: Certificate) -> None:
    built = build(ledger(Measured(certificate=certificate, launches=launches(3.0))), "smoke")
    assert (
        row(built, "grad_mode").figure.verdict is Verdict.WITHHELD and "not run" in row(built, "grad_mode").figure.why
    )
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
    built = build(ledger(Measured(certificate=certificate, launches=launches(3.0)), refused), "smoke")
    assert row(built).figure.verdict is Verdict.WITHHELD and row(built).figure.words == ""


def test_a_measurement_whose_outputs_were_wrong_is_recorded_as_refused(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wrong = Taken(plan_of(certificate), launches(3.0), failure="differs in 1 of 70 rows")
    monkeypatch.setattr(sitting, "measure", lambda *_: [wrong])
    Sitting(Recorder(tmp_path, current_environment(), "s"), 0, lambda what, left: None).measure([wrong.what], 1.0)
    (body,) = (record.body for record in read(tmp_path).records)
    assert isinstance(body, Refused) and body.code == "not measured"


def test_changed_source_is_stale(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = Measured(certificate=certificate, launches=launches(3.0))
    monkeypatch.setattr(Pair, "source_digest", lambda pair, name: "another")
    assert row(build(ledger(measured), "smoke")).figure.verdict is Verdict.STALE


def test_no_clear_difference_is_ambiguous(certificate: Certificate) -> None:
    built = build(ledger(Measured(certificate=certificate, launches=launches(1.001))), "smoke")
    assert row(built).figure.verdict is Verdict.AMBIGUOUS and outcome(row(built)) == "undecided"


def test_people_read_undecided_and_what_would_have_been_seen(certificate: Certificate) -> None:
    figure = Measured(certificate=certificate, launches=launches(1.001, 0.05))
    alike, wide = (
        Measured(certificate=certificate, baseline=certificate, launches=launches(1.0, wobble))
        for wobble in (1e-4, 0.05)
    )
    built = build(ledger(figure, alike), "smoke")
    told = row(built).figure.told
    assert told == f"undecided (would have shown {row(built).figure.detectable})"
    assert built.null_words.endswith(": alike, as it must be")
    for name in ("report.md", "index.html"):
        shown = reports.render(built, name)
        assert "undecided" in shown and "is AMBIGUOUS" not in shown and "| AMBIGUOUS" not in shown
    noisy = build(ledger(figure, wide), "smoke")
    assert noisy.null and noisy.null.is_wide
    assert noisy.null_words.endswith(": undecided, the noise hides up to " + told.split("shown ")[1].rstrip(")"))
    decided = build(ledger(Measured(certificate=certificate, launches=launches(3.0)), alike), "smoke")
    assert row(decided).figure.told == "VERIFIED"


def test_an_aa_pair_that_differs_voids_the_timings(certificate: Certificate) -> None:
    alike, different = (
        Measured(certificate=certificate, baseline=certificate, launches=launches(s, 1e-4)) for s in (1.0, 1.2)
    )
    figure = Measured(certificate=certificate, launches=launches(3.0))
    assert row(build(ledger(figure, alike), "smoke")).figure.verdict is Verdict.VERIFIED
    built = build(ledger(figure, different), "smoke")
    assert row(built).figure.verdict is Verdict.AMBIGUOUS and "void" in built.null_words


def test_figures_are_taken_from_one_sitting_only(certificate: Certificate) -> None:
    old = ledger(Measured(certificate=certificate, launches=launches(9.0))).records[0]
    new = ledger(Measured(certificate=certificate, launches=launches(3.0))).records[0]
    both = Ledger((old.model_copy(update={"sitting": "older"}), new), ())
    assert row(build(both, "smoke")).figure.words.startswith("3.00x")


@pytest.mark.parametrize(
    ("claim", "speedup", "told"),
    [
        (Claim.speedup(5, 10, "5-10x"), 20, "exceeded"),
        (Claim.speedup(5, 10, "5-10x"), 7, "confirmed"),
        (Claim.speedup(5, 10, "5-10x"), 3, "refuted: less than claimed"),
        (Claim.speedup(5, 10, "5-10x"), 0.5, "refuted: slower"),
        (Claim.faster("minor"), 2, "confirmed: faster"),
        (Claim.no_change("quality"), 2, "refuted: it does change"),
    ],
)
def test_claims_are_held_against_the_interval(
    certificate: Certificate, claim: Claim, speedup: float, told: str
) -> None:
    figure = Figure(About.of(certificate), Verdict.VERIFIED, "", Comparison(certificate, launches(speedup)))
    assert CELLS[held(claim, figure, {}).outcome][0] == told


def test_the_page_shows_markup_and_does_not_run_it(certificate: Certificate) -> None:
    refused = Refused(
        finding="sae_cache",
        function="check_sae_cached",
        workload=certificate.workload,
        twin="batched",
        code="not equivalent",
        reason="<script>alert(1)</script> | <img src=x>",
    )
    built = build(ledger(Measured(certificate=certificate, launches=launches(3.0)), refused), "smoke")
    page = reports.render(built, "index.html")
    read_by_browser = Page(page)
    assert len(read_by_browser.running) == 1 and "alert" not in read_by_browser.running[0]
    assert "img" not in read_by_browser.elements and read_by_browser.loaded == []
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in reports.render(built, "report.md")


def test_markup_that_would_run_is_seen() -> None:
    hostile = Page("<p onclick='x()'><script>alert(1)</script><img src=x><link href=y>")
    assert hostile.running == ["alert(1)"] and hostile.loaded == ["x()", "x", "y"]


def test_the_pages_policy_lets_its_own_two_scripts_run_and_nothing_else(certificate: Certificate) -> None:
    built = build(ledger(Measured(certificate=certificate, launches=launches(3.0))), "smoke")
    page = Page(reports.render(built, "index.html"))
    (policy,) = (value for tag, name, value in page.attributes if tag == "meta" and value.startswith("default-src"))
    (library,) = (text for kind, text in page.scripts if kind == "text/plain")
    hashes = [b64encode(sha256(text.encode()).digest()).decode() for text in (*page.running, library)]
    scripts = policy.split("script-src ")[1].split(";")[0]
    assert scripts == " ".join(f"'sha256-{one}'" for one in hashes)
    assert policy.startswith("default-src 'none'") and "connect-src" not in policy and "plotly.js" in library[:200]


def test_an_empty_ledger_says_so() -> None:
    for name in ("index.html", "report.md", "table.md"):
        assert "Nothing has been measured yet" in reports.render(build(Ledger((), ())), name)


def test_the_readmes_figures_are_those_of_the_committed_records(published: Path) -> None:
    readme = (published / "README.md").read_text()
    assert reports.with_figures(readme, build(read(published / "results", KINDS), sections=SECTIONS)) == readme, (
        "The README's figures have drifted. Run: python -m bench report --readme README.md, "
        "then stage it with the records."
    )


def test_a_changed_figure_in_the_readme_is_seen(published: Path) -> None:
    readme = (published / "README.md").read_text()
    before, start, figures = readme.partition(reports.START)
    changed = before + start + figures.replace("x [", "y [", 1)
    assert changed != readme
    assert reports.with_figures(changed, build(read(published / "results", KINDS), sections=SECTIONS)) != changed


def test_the_committed_report_is_that_of_the_committed_records(published: Path) -> None:
    built = build(read(published / "results", KINDS), sections=SECTIONS)
    for name in ("report.md", "index.html"):
        committed = (published / "results/report" / name).read_text()
        assert without_library(committed) == without_library(reports.render(built, name))


def test_a_figure_changed_in_the_committed_page_is_seen(published: Path) -> None:
    page = (published / "results/report/index.html").read_text()
    assert without_library(page) != without_library(page.replace("18", "19"))
    assert len(without_library(page)) > 100_000


def test_the_readmes_pictures_show_the_committed_reports_sitting(published: Path) -> None:
    """Pictures cannot be read again, so the sitting that they were taken of stands beside them."""
    told = "Take them anew: python -m tests.report.screenshots"
    assert SHOWN.read_text(encoding="utf-8").strip() == sitting_shown(published / "results"), told


def test_the_committed_records_hold_a_verdict_for_each_finding_and_no_stale_one(published: Path) -> None:
    built = build(read(published / "results", KINDS), sections=SECTIONS)
    assert {row.finding.number for row in built.rows} == {finding.number for finding in FINDINGS}
    assert all(row.figure.verdict in (Verdict.VERIFIED, Verdict.AMBIGUOUS) for row in built.rows)
    assert built.null is not None and not built.is_void
    assert built.separation.n_killed == len(built.separation.wrong) > 0


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


def sat(**changes: Any) -> Sat:
    condition = Condition(
        load=3.0,
        frequency_mhz=None,
        governor=None,
        processor_s=1.0,
        stolen_s=0.0,
        n_switches=0,
        swap_bytes=0,
        n_cores=2,
        n_busy_others=0,
    )
    conditions = Conditions(before=condition, after=condition, n_threads=2)
    return Sat(wall_s=1.0, under_test_s=1.0, peak_host_bytes=1, seed=0, conditions=conditions).model_copy(
        update=changes
    )


def test_a_wide_or_differing_aa_pair_says_what_on_the_machine_may_be_wrong(certificate: Certificate) -> None:
    figure = Measured(certificate=certificate, launches=launches(3.0))
    calm, wide, differing = (
        Measured(certificate=certificate, baseline=certificate, launches=launches(s, w))
        for s, w in ((1.0, 1e-3), (1.0, 0.2), (1.2, 1e-4))
    )
    for null, is_told in ((calm, False), (wide, True), (differing, True)):
        built = build(ledger(figure, null, sat()), "smoke")
        assert ("load average 3.0 on 2 cores" in reports.render(built, "report.md")) == is_told
        assert ("frequency governor: not readable here" in built.advice) == is_told
    (line,) = build(ledger(figure, wide, sat(conditions=None)), "smoke").advice
    assert "not recorded" in line


def test_the_report_lists_the_aa_pair_of_every_sitting_voided_or_not(certificate: Certificate) -> None:
    alike, different = (
        Measured(certificate=certificate, baseline=certificate, launches=launches(s, 1e-4)) for s in (1.0, 1.2)
    )
    old = ledger(different).records[0].model_copy(update={"sitting": "older", "written": "2026-01-01"})
    new = ledger(Measured(certificate=certificate, launches=launches(3.0)), alike)
    built = build(Ledger((old, *new.records), ()), "smoke")
    assert [(pair.record.sitting, pair.differs) for pair in built.nulls] == [("older", True), ("s", False)]
    assert built.null is built.nulls[1]
    shown = reports.render(built, "report.md")
    assert "| 2026-01-01 | older |" in shown and "| void |" in shown and "| kept |" in shown


def test_the_report_says_which_change_would_have_been_seen(certificate: Certificate) -> None:
    built = build(ledger(Measured(certificate=certificate, launches=launches(3.0))), "smoke")
    assert row(built).figure.detectable.endswith("%")
    assert f"| 4 | {row(built).figure.detectable} |" in reports.render(built, "report.md")
    assert row(built, "grad_mode").figure.detectable == ""


def test_too_few_processes_have_no_interval_and_decide_nothing(certificate: Certificate) -> None:
    built = build(ledger(Measured(certificate=certificate, launches=launches(3.0)[:3])), "smoke")
    assert row(built).figure.words == "3.00x [too few processes]" and row(built).figure.verdict is Verdict.AMBIGUOUS
    assert outcome(row(built)) == "undecided: too few processes" and row(built).figure.detectable == ""


def test_work_is_told_by_name_with_the_padding_efficiency(published: Path) -> None:
    reference = read(published / "results", KINDS)
    counts = {"computed_tokens": 200, "real_tokens": 150, "bytes_saved_for_backward": 0}
    tables = {"operators": {f"aten.op{n}": n for n in range(1, 9)}}
    told = {"counts": {"sequential": counts, "batched": counts}, "tables": {"sequential": tables, "batched": {}}}

    def rendered(told: dict[str, Any]) -> str:
        records = tuple(
            r.model_copy(update={"body": r.body.model_copy(update=told)}) if r.kind == "counted" else r
            for r in reference.records
        )
        return reports.render(build(Ledger(records, ())), "report.md")

    report = rendered(told)
    assert "| padding efficiency | 75% | 75% |" in report
    assert "aten.op8 8, aten.op7 7, aten.op6 6, aten.op5 5, aten.op4 4, aten.op3 3 |" in report
    assert "By name" not in rendered({**told, "tables": {}})


def test_the_page_holds_the_script_that_the_library_gives() -> None:
    assert rendering.plotly() == get_plotlyjs()
