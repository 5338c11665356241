"""Ladders and the careful loop in the report: from synthetic launches, and once by the verb for real."""

import json
import math
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bench.findings import FINDINGS, find
from speedproof import cli
from speedproof.cli.project import Project
from speedproof.environment import current_environment
from speedproof.errors import Uncertified
from speedproof.gate.certificate import Certificate
from speedproof.gate.check import certify
from speedproof.lens.subject import Subject
from speedproof.pairs.finding import CAREFUL, TWINS, Pair
from speedproof.records.kinds import Certified, Counted, Measured, Refused
from speedproof.records.record import Ledger, Record, read
from speedproof.report import report as reports
from speedproof.report.asked import Asked
from speedproof.report.ladder import Waterfall, waterfalls
from speedproof.report.page.ladder import climb_plot
from speedproof.report.sittings import sittings
from speedproof.sittings.sitting import Sitting
from speedproof.timing.comparison import Comparison, Verdict
from speedproof.timing.launches import Launch
from speedproof.timing.plan import Plan, plans_of_ladders, plans_of_pairs
from speedproof.timing.rounds import Outcome
from speedproof.timing.runner import sample_all
from speedproof.timing.sampling import Stretch
from speedproof_studies.project import PROJECT
from tests.reporting import Page, build, plan_of, without_library

FINDING = find("grad_mode")
PAIR = FINDING.pairs[0]
"""Its ladder is the shortest, and the one whose careful rung goes beyond the batched twin."""


@pytest.fixture(scope="module")
def certificates(tiny: Subject) -> dict[str, Certificate]:
    workload = PAIR.workload("hostile")
    answers = {name: certify(FINDING, PAIR, workload, PAIR.arm(name), tiny) for name in PAIR.ladder[1:]}
    return {name: answer for name, answer in answers.items() if isinstance(answer, Certificate)}


def launches(speedup: float, wobble: float = 0.01) -> tuple[Launch, ...]:
    factors = [speedup * math.exp(wobble * step) for step in (-1, 0, 1, 0.5)]
    return tuple(Launch(0, (factor, factor), (1.0, 1.0), (True, False), (1, 1)) for factor in factors)


def ledger(*bodies: Any, sitting: str = "s") -> Ledger:
    made = [Record(written="now", sitting=sitting, environment=current_environment(), body=body) for body in bodies]
    return Ledger(tuple(made), ())


def measured(plan: Plan, speedup: float) -> Measured:
    return Measured(certificate=plan.certificate, baseline=plan.baseline_certificate, launches=launches(speedup))


def climbed(certificates: dict[str, Certificate], *others: Any, refused: str = "") -> Ledger:
    kept = [certificate for name, certificate in certificates.items() if name != refused]
    speedups = iter((1.0, 2.0, 0.8, 4.0, 1.0))
    plans = plans_of_ladders(FINDINGS, kept)
    null = measured(plans[-1], 1.0)
    return ledger(*others, *(measured(plan, next(speedups)) for plan in plans[:-1]), null)


def refusal(twin: str, baseline: str = "") -> Refused:
    workload = PAIR.workload("hostile")
    about: dict[str, Any] = {"finding": FINDING.name, "function": PAIR.name, "workload": workload}
    return Refused(**about, twin=twin, code="not equivalent", reason="<b>no</b> | way", baseline=baseline)


def built_of(ledger: Ledger) -> reports.Report:
    return build(ledger, "hostile", [FINDING])


def only(ledger: Ledger) -> Waterfall:
    (fall,) = climbs(ledger)
    return fall


def climbs(ledger: Ledger) -> tuple[Waterfall, ...]:
    return waterfalls(sittings(ledger.records), Asked([FINDING], "hostile"))


def test_each_rung_is_timed_against_the_one_below_and_one_pair_against_itself(
    certificates: dict[str, Certificate],
) -> None:
    plans = plans_of_ladders(FINDINGS, list(certificates.values()))
    arms = [(plan.baseline, plan.contender) for plan in plans]
    assert arms[:-1] == list(zip(PAIR.ladder, PAIR.ladder[1:], strict=False))
    assert plans[-1].null and not any(plan.null for plan in plans[:-1])


def test_a_refused_rung_is_stepped_over(certificates: dict[str, Certificate]) -> None:
    plans = plans_of_ladders(FINDINGS, [c for name, c in certificates.items() if name != "one_hook"])
    assert ("batched", "no_logits") in [(plan.baseline, plan.contender) for plan in plans]


def test_the_careful_loop_is_timed_beside_the_pair(certificates: dict[str, Certificate]) -> None:
    both = [certificates["batched"], certificates[CAREFUL]]
    arms = [(plan.baseline, plan.contender) for plan in plans_of_pairs(FINDINGS, both)]
    assert arms == [("sequential", "batched"), ("sequential", CAREFUL), ("batched", "batched")]
    assert len(plans_of_pairs(FINDINGS, both[:1])) == 2


def test_a_baseline_must_be_certified_for_the_same_question(
    certificates: dict[str, Certificate], tiny: Subject
) -> None:
    links = find("feature_links")
    other = certify(links, links.pairs[0], links.pairs[0].workload("smoke"), subject=tiny)
    assert isinstance(other, Certificate)
    with pytest.raises(Uncertified, match="cannot be the baseline"):
        Comparison(certificates[CAREFUL], launches(2.0), other)
    with pytest.raises(Uncertified, match="A baseline needs a certificate"):
        Comparison(certificates[CAREFUL], launches(2.0), "batched")  # type: ignore[arg-type]
    assert Comparison(certificates[CAREFUL], launches(2.0), certificates["batched"]).speedup > 1


def test_outputs_of_the_baseline_are_held_to_its_certificate(
    certificates: dict[str, Certificate], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A baseline that turns wrong after its check fails the measurement, as a contender does."""
    plan = plan_of(certificates["no_logits"], certificates["one_hook"])
    right = PAIR.batched
    pair = (lambda **inputs: right(**inputs) * 1.1, right)
    (sound,) = sample_all([plan], 1, Stretch(0.01, True))
    assert sound.launch and not sound.failure
    monkeypatch.setattr(Plan, "functions", property(lambda plan: pair))
    (outcome,) = sample_all([plan], 1, Stretch(0.01, True))
    assert isinstance(outcome, Outcome) and outcome.launch is None and "differs in" in outcome.failure


def test_a_waterfall_tells_each_factor_and_their_product(certificates: dict[str, Certificate]) -> None:
    steps = only(climbed(certificates)).steps
    assert [step.rung.name for step in steps] == list(PAIR.ladder)
    assert steps[0].factor == "" and steps[0].in_all == 1
    assert steps[2].factor.startswith("2.00x [") and steps[2].baseline == "batched"
    product = math.prod(step.comparison.speedup for step in steps if step.comparison)
    assert steps[-1].in_all == pytest.approx(product)
    assert [step.figure.verdict for step in steps[1:4] if step.figure] == [
        Verdict.AMBIGUOUS,
        Verdict.VERIFIED,
        Verdict.VERIFIED,
    ]


def test_bars_stand_end_to_end_on_the_page(certificates: dict[str, Certificate]) -> None:
    fall = only(climbed(certificates))
    plot = climb_plot("ladder", fall)
    assert plot is not None and len(plot.traces) == len(fall.steps) - 1
    bars = [(bar["base"][0], bar["base"][0] + bar["x"][0]) for bar in plot.traces]
    assert bars[0][0] == pytest.approx(1.0)
    assert all(end == pytest.approx(start) for (_, end), (start, _) in pairwise(bars))
    assert bars[2][1] < bars[2][0] and bars[3][1] > bars[3][0]
    low, high = plot.layout["xaxis"]["range"]
    assert all(low < math.log10(end) < high for bar in bars for end in bar)


def test_a_bar_of_the_ladder_tells_by_its_hatching_too_what_the_interval_says(
    certificates: dict[str, Certificate],
) -> None:
    plot = climb_plot("ladder", only(climbed(certificates)))
    assert plot is not None
    assert [bar["marker"]["pattern"]["shape"] for bar in plot.traces] == ["/", "", "x", ""]


def test_a_refused_rung_is_withheld_and_the_others_go_on(certificates: dict[str, Certificate]) -> None:
    fall = only(climbed(certificates, refusal("one_hook"), refused="one_hook"))
    withheld, above = fall.steps[2], fall.steps[3]
    assert withheld.figure and withheld.figure.verdict is Verdict.WITHHELD
    assert "not equivalent" in withheld.figure.why
    assert above.baseline == "batched" and above.in_all is not None
    for name in ("report.md", "index.html"):
        built = built_of(climbed(certificates, refusal("one_hook"), refused="one_hook"))
        shown = without_library(reports.render(built, name))
        assert "WITHHELD" in shown and "<b>no" not in shown


def test_the_page_has_the_ladder_as_a_plot_and_as_a_table(certificates: dict[str, Certificate]) -> None:
    counts = {name: {"flops": 10, "forward_passes": 3} for name in PAIR.ladder}
    workload = PAIR.workload("hostile")
    about: dict[str, Any] = {"finding": FINDING.name, "function": PAIR.name, "workload": workload}
    pair = measured(plan_of(certificates["batched"]), 2.0)
    records = climbed(certificates, Counted(**about, sources={}, counts=counts)).records
    built = built_of(Ledger((*ledger(pair, sitting="run").records, *records), ()))
    page = reports.render(built, "index.html")
    rungs = page.split('<table class="rungs">')[1].split("</table>")[0]
    assert rungs.count('<th scope="row">') == len(PAIR.arms) and rungs.count("[") == len(PAIR.arms) - 1
    assert page.count('id="plot-ladder-grad_mode"') == 1 and len(Page(page).running) == 1
    table = reports.render(built, "report.md")
    assert table.count("| `no_logits` |") == 1 and "## Ladders" in table


def test_a_ladders_sitting_does_not_stand_in_for_a_run(certificates: dict[str, Certificate]) -> None:
    pair = measured(plan_of(certificates["batched"]), 2.0)
    both = Ledger((*ledger(pair, sitting="run").records, *climbed(certificates).records), ())
    built = built_of(both)
    assert built.sitting and built.sitting.name == "run"
    assert built.waterfalls[0].sitting.name == "s"


def test_a_run_without_a_ladder_has_no_waterfall(certificates: dict[str, Certificate]) -> None:
    plans = plans_of_pairs(FINDINGS, [certificates["batched"], certificates[CAREFUL]])
    assert climbs(ledger(*(measured(plan, 2.0) for plan in plans))) == ()
    built = built_of(ledger(measured(plans[0], 2.0)))
    assert "plot-ladder" not in reports.render(built, "index.html") and "Ladders" not in reports.render(
        built, "report.md"
    )


def test_a_null_that_differs_voids_the_ladder(certificates: dict[str, Certificate]) -> None:
    null = measured(plans_of_ladders(FINDINGS, list(certificates.values()))[-1], 3.0)
    fall = only(Ledger((*climbed(certificates).records[:-1], *ledger(null).records), ()))
    assert fall.sitting.is_void
    assert {step.figure.verdict for step in fall.steps[1:] if step.figure} == {Verdict.AMBIGUOUS}


def test_a_changed_rung_is_stale(certificates: dict[str, Certificate], monkeypatch: pytest.MonkeyPatch) -> None:
    today = Pair.source_digest

    def changed(pair: Pair, name: str) -> str:
        return today(pair, name) if name in TWINS else "another"

    monkeypatch.setattr(Pair, "source_digest", changed)
    verdicts = {step.rung.name: step.figure.verdict for step in only(climbed(certificates)).steps if step.figure}
    assert verdicts["one_hook"] is Verdict.STALE and verdicts["batched"] is not Verdict.STALE


def test_the_report_tells_the_speed_up_against_a_careful_loop(certificates: dict[str, Certificate]) -> None:
    plans = plans_of_pairs(FINDINGS, [certificates["batched"], certificates[CAREFUL]])
    built = built_of(ledger(*(measured(plan, s) for plan, s in zip(plans, (2.0, 6.0, 1.0), strict=True))))
    row = next(row for row in built.rows if row.pair is PAIR)
    assert row.figure.words.startswith("2.00x [")
    assert row.against_careful.startswith("6.01x [") and "over the sequential twin" in row.against_careful
    assert row.times == "2.00 s sequential, 1.00 s careful, 1.00 s batched"
    for name in ("index.html", "report.md", "table.md"):
        assert "6.01x [" in reports.render(built, name)


@pytest.mark.parametrize("body", [refusal(CAREFUL), refusal(CAREFUL, "sequential")], ids=["gate", "timed"])
def test_a_wrong_careful_loop_withholds_its_own_figure_and_not_the_pairs(
    body: Refused, certificates: dict[str, Certificate]
) -> None:
    built = built_of(ledger(measured(plan_of(certificates["batched"]), 2.0), body))
    row = next(row for row in built.rows if row.pair is PAIR)
    assert row.figure.verdict is Verdict.VERIFIED
    assert row.careful and row.careful.verdict is Verdict.WITHHELD


FEW = replace(FINDING, pairs=(replace(PAIR, workloads=(replace(PAIR.workload("hostile"), n_items=2),)),))
"""The finding with so few items that its rungs are soon timed."""


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, project: Project = PROJECT) -> int:
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main(project)
    return int(ended.value.code or 0)


@pytest.mark.usefixtures("warm_processes", "timed_here")
def test_the_verb_climbs_a_ladder_and_records_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Rates of the machine are no part of a ladder, and take seconds; a sitting that has them is in test_roofline.py.
    monkeypatch.setattr(Sitting, "rate", lambda sitting, plans: None)
    arguments = ["grad_mode", "--workload", "hostile", "--budget-s", "1", "--results", str(tmp_path), "--json"]
    assert run(monkeypatch, "ladder", *arguments, project=replace(PROJECT, findings=(FEW,))) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert [rung["rung"] for rung in told["rungs"]] == list(PAIR.ladder)
    assert all(rung["speedup"] > 0 and len(rung["interval"]) == 2 for rung in told["rungs"][1:])
    assert all({"flops", "bytes_saved_for_backward"} <= set(rung["counts"]) for rung in told["rungs"])
    bodies = [record.body for record in read(tmp_path).records]
    assert sum(isinstance(body, Certified) for body in bodies) == len(PAIR.arms) - 1
    assert sum(isinstance(body, Measured) for body in bodies) == len(PAIR.arms)
    assert "Which change bought what" in (tmp_path / "report-hostile/index.html").read_text()


def test_a_finding_without_a_ladder_is_bad_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(monkeypatch, "ladder", "feature_links", "--results", str(tmp_path)) == 2
    assert "feature_links has no ladder. Expected some of: text_batching" in capsys.readouterr().err
