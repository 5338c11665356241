"""The roofline: the least work is the literature's, the rates are the machine's, and what is too fast is withheld."""

import math
from dataclasses import replace
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
import torch

from bench.findings import find
from speedproof.counters.tally import count
from speedproof.environment import current_environment
from speedproof.gate.certificate import Certificate
from speedproof.gate.check import certify
from speedproof.lens.least_work import HOOK, least_work
from speedproof.lens.subject import Subject
from speedproof.machine.rates import GFLOP_S, Rate
from speedproof.machine.roofline import Machine, Roofline, Work
from speedproof.pairs.question import Question
from speedproof.pairs.workload import Workload
from speedproof.processes import Usage, in_fresh_process
from speedproof.records.kinds import Measured, Needed, Rated
from speedproof.records.record import Ledger, Record, Recorder, read
from speedproof.report import report as reports
from speedproof.report.roofline import shares_beside
from speedproof.report.row import Row
from speedproof.sittings.sitting import RATES, Sitting
from speedproof.tensors.counters import flops
from speedproof.tensors.rates import rate_beside, rates
from speedproof.timing.comparison import Verdict
from speedproof.timing.launches import Launch
from tests.reporting import build, plan_of, without_library


def inputs_of(finding: str, subject: Subject, workload: Workload, function: str | None = None) -> Any:
    card = find(finding)
    pair = card.pair(function) if function else card.pairs[0]
    return pair.inputs(workload, subject, None)


def formula(texts: list[list[int]], n_blocks: int, d: int, n_features: int) -> int:
    """For blocks of GPT-2's kind, of whose last one nothing but each last token is asked for. What is worked out for a
    token hangs on all that stands before it, and on nothing else."""
    beginnings = {tuple(text[:n]) for text in texts for n in range(1, len(text) + 1)}
    whole = {tuple(text) for text in texts}
    products = len(beginnings) * n_blocks * 24 * d**2 - (len(beginnings) - len(whole)) * 20 * d**2
    looked = sum(2 * len(one) - 1 for one in beginnings)
    return products + 2 * (n_blocks - 1) * looked * d + sum(4 * len(one) * d + 2 * d * n_features for one in whole)


def tokens(subject: Subject, texts: list[str]) -> list[list[int]]:
    return [subject.model.to_tokens(text)[0].tolist() for text in texts]


RAGGED = Workload("ragged", "tiny", 12, "ragged")


@pytest.mark.parametrize(("finding", "n_saes"), [("text_batching", 1), ("comparison_table", 2), ("grad_mode", 0)])
def test_the_least_work_is_the_formula_over_distinct_texts(finding: str, n_saes: int, tiny: Subject) -> None:
    inputs = inputs_of(finding, tiny, RAGGED)
    texts = tokens(tiny, inputs["texts"])
    work = least_work(inputs)
    assert work is not None and work.flops == formula(texts, 1, 32, n_saes * 96)
    assert work.weight_bytes == 4 * (12 * 32**2 + n_saes * 32 * 96) and work.n_texts == 12


@pytest.mark.parametrize("text", ["a", "one text of some length, so that attention counts"])
def test_the_least_work_is_what_is_counted_less_what_a_perfect_code_spares(text: str, tiny: Subject) -> None:
    workload = Workload("one", "tiny", 1, "given", given=(text,))
    inputs = inputs_of("text_batching", tiny, workload)
    counted = count([flops], find("text_batching").pairs[0].batched, inputs)["flops"]
    general = count([flops], find("text_batching").pairs[0].arm("careful"), inputs)["flops"]
    work = least_work(inputs)
    n = len(tokens(tiny, [text])[0])
    # The careful loop takes all tokens through the whole of the last block, and lets each look at all, later ones too.
    spared = (n - 1) * 20 * 32**2 + 4 * (n**2 - n) * 32
    assert work is not None and general == work.flops + spared
    # Of a single block, the packed pass spares all that can be spared.
    assert counted == work.flops


@pytest.mark.parametrize("finding", ["text_batching", "comparison_table", "grad_mode"])
def test_no_twin_counts_less_than_the_least_work(finding: str, tiny: Subject) -> None:
    for twin in (find(finding).pairs[0].sequential, find(finding).pairs[0].batched):
        inputs = inputs_of(finding, tiny, RAGGED)
        work = least_work(inputs)
        assert work is not None and count([flops], twin, inputs)["flops"] >= work.flops


def test_a_wrong_formula_would_be_seen(tiny: Subject) -> None:
    inputs = inputs_of("text_batching", tiny, RAGGED)
    work = least_work(inputs)
    texts = tokens(tiny, inputs["texts"])
    assert work is not None and work.flops != formula(texts, 2, 32, 96) != formula(
        [text[:-1] for text in texts], 1, 32, 96
    )
    # Nor is it that of texts that share nothing.
    assert work.flops < sum(formula([text], 1, 32, 96) for text in {tuple(text): text for text in texts}.values())


def test_equal_texts_and_unasked_features_cost_nothing(tiny: Subject) -> None:
    same = Workload("same", "tiny", 3, "given", given=("same", "same", "same"))
    once = Workload("once", "tiny", 1, "given", given=("same",))
    thrice, single = (least_work(inputs_of("text_batching", tiny, w)) for w in (same, once))
    assert thrice and single and thrice.flops == single.flops and thrice.n_texts == 3
    one_feature = least_work(inputs_of("text_batching", tiny, once, "explore_feature"))
    assert one_feature and single.flops - one_feature.flops == 2 * 32 * 95


@pytest.mark.parametrize("finding", ["category_lookup", "feature_links", "sae_cache"])
def test_findings_without_products_have_no_floor(finding: str, tiny: Subject) -> None:
    assert least_work(inputs_of(finding, tiny, find(finding).pairs[0].workload("smoke"))) is None


def test_a_hook_whose_least_work_is_unknown_has_no_floor(tiny: Subject) -> None:
    inputs = inputs_of("grad_mode", tiny, RAGGED)
    assert least_work({**inputs, "hook_name": "blocks.0.hook_mlp_out"}) is None


def test_rates_are_taken_in_a_fresh_process_and_come_back_whole() -> None:
    assert resolve_name(RATES) is rates
    multiplied, moved = in_fresh_process(Usage(), RATES, 1)
    assert [rate.what for rate in moved] == ["read", "copy"]
    assert [rate.what for rate in multiplied] == ["12 x 768 x 3072", "512 x 768 x 3072", "2048 x 768 x 3072"]
    assert all(rate.per_s > 1e8 and len(rate.samples_s) >= 3 for rate in (*multiplied, *moved))


@pytest.mark.parametrize("samples", [(), (0.0,), (1.0, -1.0)])
def test_a_rate_without_positive_seconds_cannot_be_made(samples: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="positive seconds"):
        Rate("read", 1, samples)


MACHINE = Machine((Rate("p", 100, (2.0, 1.0)), Rate("p", 100, (4.0,))), (Rate("read", 10, (1.0,)),))


@pytest.mark.parametrize(
    ("work", "floor_s", "loop_floor_s"),
    [(Work(1_000, 10, 5), 10.0, 10.0), (Work(100, 50, 5), 5.0, 25.0)],
)
def test_the_floor_is_the_slower_of_products_and_memory(work: Work, floor_s: float, loop_floor_s: float) -> None:
    line = Roofline(work, MACHINE, definition_s=100.0, fastest_s=20.0)
    assert (line.floor_s, line.loop_floor_s) == (floor_s, loop_floor_s)
    assert line.shares == (floor_s / 100, floor_s / 20) and line.ceiling == 100 / floor_s
    assert line.too_good == ""


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    finding = find("grad_mode")
    answer = certify(finding, finding.pairs[0], finding.pairs[0].workload("smoke"))
    assert isinstance(answer, Certificate)
    return answer


def report_of(
    certificate: Certificate, fast_s: float, flops_per_s: float, rated: bool = True, beside: Any = None
) -> reports.Report:
    seen = {GFLOP_S: (beside,)} if beside else {}
    launches = tuple(
        Launch(0, (2 * fast_s * math.exp(0.01 * step),), (fast_s,), (True,), (1, 1), (seen, seen))
        for step in (-1, 0, 1, 0.5)
    )
    about: dict[str, Any] = {
        "finding": certificate.finding,
        "function": certificate.function,
        "workload": certificate.workload,
    }
    read_ = (Rate("read", 10**12, (1.0,)),)
    bodies: list[Any] = [Needed(**about, work=Work(10**6, 10**4, 70))]
    bodies += [Rated(n_threads=2, multiplied=(Rate("p", int(flops_per_s), (1.0,)),), moved=read_)] if rated else []
    bodies += [Measured(certificate=certificate, launches=launches)]
    made = [Record(written="now", sitting="s", environment=current_environment(), body=body) for body in bodies]
    return build(Ledger(tuple(made), ()), "smoke")


def row(built: reports.Report) -> Row:
    return next(row for row in built.rows if row.finding.name == "grad_mode")


def test_a_time_below_the_floor_withholds_the_figure(certificate: Certificate) -> None:
    found = row(report_of(certificate, fast_s=0.5, flops_per_s=10**6))
    assert found.figure.verdict is Verdict.WITHHELD and found.figure.comparison is None
    assert "below the machine's floor: 0.5 s" in found.figure.why and "1 s at least" in found.figure.why


def test_a_time_above_the_floor_is_told_with_its_share_and_ceiling(certificate: Certificate) -> None:
    built = report_of(certificate, fast_s=2.0, flops_per_s=10**6)
    found = row(built)
    assert found.figure.verdict is Verdict.VERIFIED and found.roofline is not None
    assert found.roofline.shares[1] == pytest.approx(0.5) and found.roofline.ceiling == pytest.approx(4, rel=0.01)
    text, page = (reports.render(built, name) for name in ("report.md", "index.html"))
    assert "## Roofline" in text and "none: it multiplies no matrices" in text and "50.0%" in text and "50.0%" in page


def test_the_share_by_the_rate_beside_each_call_stands_next_to_it(certificate: Certificate) -> None:
    # 10^6 FLOPs take 1 s at the best rate. Beside the call the machine took 1,600 s for 10^9, so 1.6 s of the 2 s.
    built = report_of(certificate, fast_s=2.0, flops_per_s=10**6, beside=1600.0)
    found = row(built).roofline
    assert found and found.shares[1] == pytest.approx(0.5) and found.shares_beside
    assert found.shares_beside == pytest.approx((0.4, 0.8), rel=0.01)
    text, page = (reports.render(built, name) for name in ("report.md", "index.html"))
    assert "50.0% | 80.0% |" in text and "80.0%</td>" in page and "50.0% (80% by the rate beside each call)" in page
    # An older record has none.
    old = report_of(certificate, fast_s=2.0, flops_per_s=10**6)
    assert row(old).roofline.shares_beside is None and "50.0% | - |" in reports.render(old, "report.md")  # type: ignore[union-attr]


def test_a_rate_that_is_not_beside_every_sample_is_beside_none() -> None:
    seen, work = {GFLOP_S: (1.0,)}, Work(10**9, 1, 1)
    machine = Machine((Rate("p", 10**9, (0.5,)),), (Rate("read", 10, (1.0,)),))
    known = Launch(0, (2.0,), (1.0,), (True,), (1, 1), (seen, seen))
    assert shares_beside(work, machine, (known, known)) == pytest.approx((0.5, 1.0))
    assert shares_beside(work, machine, (known, replace(known, seen=(seen, {})))) is None
    assert shares_beside(work, machine, ()) is None
    # Weights that take longer to read than the products take.
    assert shares_beside(Work(10**8, 15, 1), machine, (known,)) == pytest.approx((0.75, 1.5))


def test_a_slow_machine_is_told_beside_the_call_and_draws_from_no_random_state(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_rng_state()
    assert 0 < rate_beside()[GFLOP_S] < 10
    assert torch.equal(before, torch.get_rng_state())
    monkeypatch.setattr("speedproof.tensors.rates.elapsed_s", lambda call: (call(), 2.0))
    # The largest product of the two does most in that time.
    assert rate_beside()[GFLOP_S] == pytest.approx(2e9 / (2 * 2048 * 768 * 3072))


def test_without_rates_there_is_no_floor_and_no_section(certificate: Certificate) -> None:
    built = report_of(certificate, fast_s=0.5, flops_per_s=10**6, rated=False)
    assert row(built).roofline is None and row(built).figure.verdict is Verdict.VERIFIED
    page = without_library(reports.render(built, "index.html"))
    assert "Roofline" not in reports.render(built, "report.md") + page and "plot-roofline" not in page


@pytest.mark.usefixtures("warm_processes")
def test_a_sitting_records_the_rates_and_the_least_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = MACHINE.multiplied, MACHINE.moved

    def told(usage: Usage, work: Any, *arguments: Any) -> Any:
        """What a sitting's processes yield, but that none rates this machine, which a test above does."""
        return iter(taken) if (work, *arguments) == (RATES, 2) else in_fresh_process(usage, work, *arguments)

    monkeypatch.setattr("speedproof.sittings.sitting.in_fresh_process", told)
    sitting = Sitting(Recorder(tmp_path, current_environment(), "s"), 0, lambda what, left: None)
    question = Question(find("grad_mode").target("collect_activations"), find("grad_mode").pairs[0].workload("smoke"))
    answers = sitting.prove([question], [question]).answers
    sitting.rate([plan_of(answer) for answer in answers if isinstance(answer, Certificate)])
    bodies = [record.body for record in read(tmp_path).records]
    assert [body.kind for body in bodies] == ["certified", "counted", "needed", "rated"]
    (rated,) = (body for body in bodies if isinstance(body, Rated))
    assert (rated.multiplied, rated.moved) == taken and rated.n_threads == 2


def test_only_blocks_and_their_own_input_count_as_known_hooks() -> None:
    assert HOOK.fullmatch("blocks.8.hook_resid_pre") and not HOOK.fullmatch("blocks.8.hook_resid_post")
