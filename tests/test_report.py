"""The report: worked out from records alone, true to them, and safe to open."""

import math
from pathlib import Path
from typing import Any

import pytest

from bench import report as reports
from bench.bodies import Judged, Measured, Mutated, Refused, Rejected, Rewritten, Sat, Survived
from bench.certificate import Certificate
from bench.check import certify
from bench.comparison import Comparison, Launch, Verdict, claim_outcome
from bench.environment import current_environment
from bench.finding import Claim, Pair
from bench.findings import find
from bench.measurement import Measurement
from bench.plan import Plan
from bench.quiet import Condition, Conditions
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


def mutated(module: str, gate: str, reason: str = "") -> Mutated:
    one = Survived(function="f", operator="o", line="x = 1 | <b>", kind="slack" if reason else "", reason=reason)
    return Mutated(
        module=module,
        source="s",
        n_mutants=9,
        n_tried=4,
        killed={"raises": 3},
        survived=(one,),
        seed=1,
        gate=gate,
    )


def test_mutants_are_told_with_each_survivors_reason_and_an_older_gates_are_not(certificate: Certificate) -> None:
    measured = Measured(certificate=certificate, launches=launches(3.0))
    bodies = (mutated("a.old", "g1"), mutated("b.new", "g2", "a wider bound"), mutated("c.new", "g2"))
    built = reports.build(ledger(measured, *bodies), "smoke")
    page, text = reports.render(built, "index.html"), reports.render(built, "report.md")
    assert "8 mutants (drawn from 18), 6 killed, 2 survivors, 1 without a reason" in text and "a.old" not in text
    assert "slack: a wider bound" in text and "NO REASON" in text and "NO REASON" in page and "<b>" not in page


def test_changed_source_is_stale(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = Measured(certificate=certificate, launches=launches(3.0))
    monkeypatch.setattr(Pair, "source_digests", lambda pair: {"sequential": "a", "batched": "b"})
    assert row(reports.build(ledger(measured), "smoke")).verdict is Verdict.STALE


def test_no_clear_difference_is_ambiguous(certificate: Certificate) -> None:
    built = reports.build(ledger(Measured(certificate=certificate, launches=launches(1.001))), "smoke")
    assert row(built).verdict is Verdict.AMBIGUOUS and row(built).outcome == "undecided"


def test_an_aa_pair_that_differs_voids_the_timings(certificate: Certificate) -> None:
    alike, different = (
        Measured(certificate=certificate, baseline=certificate, launches=launches(s, 1e-4)) for s in (1.0, 1.2)
    )
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
    assert claim_outcome(claim, comparison, Verdict.VERIFIED) == outcome


def test_the_page_shows_markup_and_does_not_run_it(certificate: Certificate) -> None:
    refused = Refused(
        finding="sae_cache",
        function="check_sae_cached",
        workload=certificate.workload,
        twin="batched",
        code="not equivalent",
        reason="<script>alert(1)</script> | <img src=x>",
    )
    built = reports.build(ledger(Measured(certificate=certificate, launches=launches(3.0)), refused), "smoke")
    page = reports.render(built, "index.html")
    assert "<script" not in page and "<img" not in page and "&lt;script&gt;" in page
    assert "Content-Security-Policy" in page and "http" not in page.replace("http-equiv", "")
    assert "<script" not in reports.render(built, "report.md")


def test_valid_rewrites_are_told_with_their_number_and_the_bound_on_the_rate(certificate: Certificate) -> None:
    measured = Measured(certificate=certificate, launches=launches(3.0))
    built = reports.build(ledger(measured, rewritten(0, 1000)), "smoke")
    # None of 1,000: the bound solves (1 - p)^1000 = 0.05.
    assert built.all_rejections.bound == pytest.approx(1 - 0.05 ** (1 / 1000))
    for name in ("report.md", "index.html", "table.md"):
        assert "0 of 1,000 (at most 0.3% of all, 95% confidence)" in reports.render(built, name)
    assert "| text_batching | tiny | 1,000 | 1,000 | 0 | 0.3% | 0.40 |" in reports.render(built, "report.md")


def judged(control: str, excess: float | None = None, only: str = "", **changes: Any) -> Judged:
    made = Judged(
        finding="text_batching", control=control, wrong=True, as_expected=True, answer="no", excess=excess, only=only
    )
    return made.model_copy(update=changes)


def test_controls_are_told_with_kills_survivors_separation_and_what_each_rule_alone_rejects(
    certificate: Certificate,
) -> None:
    shown = (
        judged("rough", 3000.0),
        judged("mild", 40.0, only="element"),
        judged("cheat", 1.5, at_the_limit=True, only="length"),
        judged("discrete", only="length"),
        judged("slips", as_expected=False),
        judged("<b>fine</b>", wrong=False),
    )
    built = reports.build(ledger(Measured(certificate=certificate, launches=launches(3.0)), *shown), "smoke")
    for name in ("report.md", "index.html"):
        page = reports.render(built, name)
        assert "4 of 5 wrong functions rejected for the right reason. Judged wrongly: slips." in page
        assert "the mildest error is 40 times what is allowed (mild)" in page
        assert "1.5 times what is allowed (cheat)" in page and "cheat, discrete" in page
    assert "| length | cheat, discrete |" in reports.render(built, "report.md")


def test_without_a_control_that_has_a_number_there_is_no_separation(certificate: Certificate) -> None:
    measured = Measured(certificate=certificate, launches=launches(3.0))
    built = reports.build(ledger(measured, judged("discrete"), judged("cheat", 1.5, at_the_limit=True)), "smoke")
    assert built.separation.mildest is None and "Separation" not in reports.render(built, "report.md")


def test_without_trials_nothing_is_said_of_rewrites(certificate: Certificate) -> None:
    built = reports.build(ledger(Measured(certificate=certificate, launches=launches(3.0))), "smoke")
    assert not any("ewrites" in reports.render(built, name) for name in ("report.md", "index.html", "table.md"))


def test_trials_of_several_sittings_count_together_and_a_seed_counts_once(certificate: Certificate) -> None:
    held = ledger(Measured(certificate=certificate, launches=launches(3.0)), rewritten(0, 100), rewritten(50, 100))
    older = held.records[1].model_copy(update={"sitting": "older"})
    built = reports.build(Ledger((older, *held.records), ()), "smoke")
    assert built.all_rejections.n_trials == 150


def test_trials_of_another_gate_or_machine_do_not_count(certificate: Certificate) -> None:
    held = ledger(
        Measured(certificate=certificate, launches=launches(3.0)), rewritten(0, 100, gate="old"), rewritten(0, 10)
    )
    elsewhere = current_environment().model_copy(update={"processor": "another"})
    stranger = ledger(rewritten(500, 100)).records[0].model_copy(update={"environment": elsewhere})
    built = reports.build(Ledger((stranger, *held.records), ()), "smoke")
    assert built.all_rejections.n_trials == 10


def test_a_rejected_rewrite_is_shown_with_its_command_and_spoils_the_report(certificate: Certificate) -> None:
    rejected = Rejected(seed=42, options={"run": "by hand"}, reason="<b>row</b> | 3 differs")
    measured = Measured(certificate=certificate, launches=launches(3.0))
    built = reports.build(ledger(measured, rewritten(0, 100, (rejected,))), "smoke", (find("sae_cache"),))
    again = "python -m bench rewrites text_batching --subject tiny --seed 42 --trials 1"
    for name in ("report.md", "index.html"):
        page = reports.render(built, name)
        assert again in page and "1 of 100" in page and "<b>" not in page
    assert not built.is_good
    assert reports.build(ledger(measured, rewritten(0, 100)), "smoke", (find("sae_cache"),)).is_good


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
    changed = readme.replace("x [", "y [", 1)
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
        built = reports.build(ledger(figure, null, sat()), "smoke")
        assert ("load average 3.0 on 2 cores" in reports.render(built, "report.md")) == is_told
        assert ("frequency governor: not readable here" in built.advice) == is_told
    (line,) = reports.build(ledger(figure, wide, sat(conditions=None)), "smoke").advice
    assert "not recorded" in line


def test_the_report_lists_the_aa_pair_of_every_sitting_voided_or_not(certificate: Certificate) -> None:
    alike, different = (
        Measured(certificate=certificate, baseline=certificate, launches=launches(s, 1e-4)) for s in (1.0, 1.2)
    )
    old = ledger(different).records[0].model_copy(update={"sitting": "older", "written": "2026-01-01"})
    new = ledger(Measured(certificate=certificate, launches=launches(3.0)), alike)
    built = reports.build(Ledger((old, *new.records), ()), "smoke")
    assert [(pair.sitting, pair.differs) for pair in built.nulls] == [("older", True), ("s", False)]
    assert built.null is built.nulls[1]
    shown = reports.render(built, "report.md")
    assert "| 2026-01-01 | older |" in shown and "| void |" in shown and "| kept |" in shown


def test_the_report_says_which_change_would_have_been_seen(certificate: Certificate) -> None:
    built = reports.build(ledger(Measured(certificate=certificate, launches=launches(3.0))), "smoke")
    assert row(built).detectable.endswith("%")
    assert f"| 4 | {row(built).detectable} |" in reports.render(built, "report.md")
    assert row(built, "grad_mode").detectable == ""


def test_too_few_processes_have_no_interval_and_decide_nothing(certificate: Certificate) -> None:
    built = reports.build(ledger(Measured(certificate=certificate, launches=launches(3.0)[:3])), "smoke")
    assert row(built).measured == "3.00x [too few processes]" and row(built).verdict is Verdict.AMBIGUOUS
    assert row(built).outcome == "undecided: too few processes" and row(built).detectable == ""


def test_work_is_told_by_name_with_the_padding_efficiency() -> None:
    reference = read(ROOT / "results")
    counts = {"computed_tokens": 200, "real_tokens": 150, "bytes_saved_for_backward": 0}
    tables = {"operators": {f"aten.op{n}": n for n in range(1, 9)}}
    told = {"counts": {"sequential": counts, "batched": counts}, "tables": {"sequential": tables, "batched": {}}}

    def rendered(told: dict[str, Any]) -> str:
        records = tuple(
            r.model_copy(update={"body": r.body.model_copy(update=told)}) if r.kind == "counted" else r
            for r in reference.records
        )
        return reports.render(reports.build(Ledger(records, ())), "report.md")

    report = rendered(told)
    assert "| padding efficiency | 75% | 75% |" in report
    assert "aten.op8 8, aten.op7 7, aten.op6 6, aten.op5 5, aten.op4 4, aten.op3 3 |" in report
    assert "By name" not in rendered({**told, "tables": {}})
