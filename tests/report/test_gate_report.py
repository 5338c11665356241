"""What the report says of the gate: controls, mutants and valid rewrites, each with its numbers."""

from typing import Any

import pytest

from bench.findings import find
from speedproof.environment import current_environment
from speedproof.gate.certificate import Certificate
from speedproof.records.kinds import Judged, Measured
from speedproof.records.record import Ledger
from speedproof.report import report as reports
from speedproof_studies.kinds import Mutated, Rejected, Survived
from speedproof_studies.sections import SECTIONS, Rewrites
from tests.reporting import build, launches, ledger, rewritten, told, without_library


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
    built = build(ledger(measured, *bodies), "smoke", sections=SECTIONS)
    page, text = (without_library(reports.render(built, name)) for name in ("index.html", "report.md"))
    assert "8 mutants (drawn from 18), 6 killed, 2 survivors, 1 without a reason" in text and "a.old" not in text
    assert "slack: a wider bound" in text and "NO REASON" in text and "NO REASON" in page and "<b>" not in page


def test_valid_rewrites_are_told_with_their_number_and_the_bound_on_the_rate(certificate: Certificate) -> None:
    measured = Measured(certificate=certificate, launches=launches(3.0))
    built = build(ledger(measured, rewritten(0, 1000)), "smoke", sections=SECTIONS)
    # None of 1,000: the bound solves (1 - p)^1000 = 0.05.
    assert told(built, Rewrites).total.bound == pytest.approx(1 - 0.05 ** (1 / 1000))
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
    built = build(ledger(Measured(certificate=certificate, launches=launches(3.0)), *shown), "smoke", sections=SECTIONS)
    for name in ("report.md", "index.html"):
        page = without_library(reports.render(built, name))
        assert "4 of 5 wrong functions rejected for the right reason. Judged wrongly: slips." in page
        assert "the mildest error is 40 times what is allowed (mild)" in page
        assert "1.5 times what is allowed (cheat)" in page and "cheat, discrete" in page
    assert "| length | cheat, discrete |" in reports.render(built, "report.md")


def test_without_a_control_that_has_a_number_there_is_no_separation(certificate: Certificate) -> None:
    measured = Measured(certificate=certificate, launches=launches(3.0))
    built = build(
        ledger(measured, judged("discrete"), judged("cheat", 1.5, at_the_limit=True)), "smoke", sections=SECTIONS
    )
    assert built.separation.mildest is None and "Separation" not in reports.render(built, "report.md")


def test_without_trials_nothing_is_said_of_rewrites(certificate: Certificate) -> None:
    built = build(ledger(Measured(certificate=certificate, launches=launches(3.0))), "smoke", sections=SECTIONS)
    assert not any(
        "ewrites" in without_library(reports.render(built, name)) for name in ("report.md", "index.html", "table.md")
    )


def test_trials_of_several_sittings_count_together_and_a_seed_counts_once(certificate: Certificate) -> None:
    held = ledger(Measured(certificate=certificate, launches=launches(3.0)), rewritten(0, 100), rewritten(50, 100))
    older = held.records[1].model_copy(update={"sitting": "older"})
    built = build(Ledger((older, *held.records), ()), "smoke", sections=SECTIONS)
    assert told(built, Rewrites).total.n_trials == 150


def test_trials_of_another_gate_or_machine_do_not_count(certificate: Certificate) -> None:
    held = ledger(
        Measured(certificate=certificate, launches=launches(3.0)), rewritten(0, 100, gate="old"), rewritten(0, 10)
    )
    elsewhere = current_environment().model_copy(update={"processor": "another"})
    stranger = ledger(rewritten(500, 100)).records[0].model_copy(update={"environment": elsewhere})
    built = build(Ledger((stranger, *held.records), ()), "smoke", sections=SECTIONS)
    assert told(built, Rewrites).total.n_trials == 10


def test_a_rejected_rewrite_is_shown_with_its_command_and_spoils_the_report(certificate: Certificate) -> None:
    rejected = Rejected(seed=42, options={"run": "by hand"}, reason="<b>row</b> | 3 differs")
    measured = Measured(certificate=certificate, launches=launches(3.0))
    built = build(ledger(measured, rewritten(0, 100, (rejected,))), "smoke", (find("sae_cache"),), sections=SECTIONS)
    again = "python -m bench rewrites text_batching --subject tiny --seed 42 --trials 1"
    for name in ("report.md", "index.html"):
        page = without_library(reports.render(built, name))
        assert again in page and "1 of 100" in page and "<b>" not in page
    assert not built.is_good
    assert build(ledger(measured, rewritten(0, 100)), "smoke", (find("sae_cache"),), sections=SECTIONS).is_good
