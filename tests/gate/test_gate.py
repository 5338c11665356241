"""The gate: what is right passes, what is wrong does not, and nothing is measured without a certificate."""

import copy
import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

import impl_batched.text_batching as batched
import impl_sequential.text_batching as sequential
from bench.controls import CONTROLS
from bench.findings import FINDINGS, find
from bench.findings.text_batching import FINDING as TEXT_BATCHING
from speedproof.errors import BadInput, NotEquivalent, Uncertified
from speedproof.folders import CACHE, ROOT
from speedproof.gate import state
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.gate.check import certify
from speedproof.gate.gate import allowed_error, recheck, require_covers
from speedproof.gate.rules import RULES
from speedproof.lens.features import Features
from speedproof.lens.oracle import Oracle
from speedproof.lens.rows import SameRows
from speedproof.lens.subject import Subject
from speedproof.pairs.contract import settle
from speedproof.pairs.finding import Finding, Pair
from speedproof.pairs.workload import Workload
from speedproof.tensors.kit import TORCH
from speedproof.tensors.rounding import METRICS

pytestmark = pytest.mark.usefixtures("known_definitions")
SMALL = [
    pytest.param(finding, pair, workload, id=f"{finding.name}-{pair.name}-{workload.name}")
    for finding in FINDINGS
    for pair in finding.pairs
    for workload in pair.workloads
    # The real size takes minutes and is part of every `make bench`.
    if workload.subject != "gpt2-small-shape" or not pair.uses_model
]
SMOKE = TEXT_BATCHING.pairs[0].workloads[0]
FEW = 14
"""Texts where it is not their number that is asked about: two of each category."""


def judge(candidate: Any, subject: Subject, workload: Workload = SMOKE) -> Certificate | Refusal:
    return certify(TEXT_BATCHING, TEXT_BATCHING.pairs[0], workload, candidate, subject)


def reason(answer: Certificate | Refusal) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.reason


@pytest.mark.parametrize(("finding", "pair", "workload"), SMALL)
def test_twins_are_equivalent(finding: Finding, pair: Pair, workload: Workload) -> None:
    answer = certify(finding, pair, workload)
    assert isinstance(answer, Certificate), str(answer)
    assert answer.candidate.n_compared > 0


@pytest.mark.parametrize("name", ["text_batching", "comparison_table", "grad_mode"])
def test_twins_are_equivalent_behind_the_bridge(name: str, tiny_bridge: Subject) -> None:
    for pair in find(name).pairs:
        workload = replace(pair.workload("smoke"), subject="tiny:bridge", n_items=FEW)
        assert isinstance(answer := certify(find(name), pair, workload, subject=tiny_bridge), Certificate), str(answer)


def test_a_rejection_for_another_reason_is_no_kill(tiny: Subject) -> None:
    control = next(control for control in CONTROLS if control.name == "report_fix_by_pad_count")
    assert not replace(control, expect="another reason").judge(tiny).as_expected


def test_the_refusal_of_the_reports_fix_names_the_token_it_reads(tiny: Subject) -> None:
    control = next(control for control in CONTROLS if control.name == "report_fix_by_pad_count")
    said = reason(control.judge(tiny).answer)
    assert "differs in 70 of 70 rows" in said
    assert "12 of the 12 rows examined equal the feature of the token before the last" in said
    assert "--candidate bench/controls/text_batching.py:report_fix_by_pad_count" in said


def poisoned(output: torch.Tensor) -> torch.Tensor:
    output[3, 5] = float("nan")
    return output


class Liar(torch.Tensor):
    """A tensor that could answer any comparison as it likes."""


WRONG: Mapping[str, tuple[Any, str]] = {
    "one element is not a number": (poisoned, "not finite"),
    "all zero": (torch.zeros_like, "differs in"),
    "one row short": (lambda output: output[:-1], "expected (70, 96)"),
    "another type": (lambda output: output.double(), "torch.float64"),
    "a list": (lambda output: output.tolist(), "is a list"),
    "a subclass": (lambda output: output.as_subclass(Liar), "is a Liar"),
    "rounded to bfloat16": (lambda output: output.bfloat16().float(), "differs in"),
    "a thousandth too large": (lambda output: output * 1.001, "differs in"),
    "rows in another order": (lambda output: output.flip(0), "differs in"),
    "small values cut": (lambda output: torch.where(output < 0.01, 0.0, output), "differs in"),
}


@pytest.mark.parametrize("how", WRONG)
def test_a_wrong_output_is_refused(how: str, tiny: Subject) -> None:
    spoil, expected = WRONG[how]

    def candidate(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Any:
        return spoil(batched.extract_features(model, sae, hook_name, texts))

    assert expected in reason(judge(candidate, tiny))


def test_an_exception_is_a_refusal(tiny: Subject) -> None:
    def candidate(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Any:
        raise RuntimeError("out of luck")

    answer = judge(candidate, tiny)
    assert isinstance(answer, Refusal) and answer.code == "failed" and "out of luck" in answer.reason


def test_an_exit_is_a_refusal_too(tiny: Subject) -> None:
    def candidate(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Any:
        raise SystemExit(0)

    assert "raised SystemExit" in reason(judge(candidate, tiny))


def test_a_workload_that_the_definition_cannot_run_is_bad_input(tiny: Subject) -> None:
    pair = replace(
        TEXT_BATCHING.pairs[0],
        inputs=lambda *_: {"model": tiny.model, "sae": tiny.sae, "hook_name": "x", "texts": ["a"]},
    )
    with pytest.raises(BadInput, match="the definition itself raised ValueError"):
        certify(TEXT_BATCHING, pair, SMOKE, subject=tiny)


def test_an_output_of_another_build_is_refused(tiny: Subject) -> None:
    finding = find("comparison_table")

    def candidate(model: Any, saes: Any, texts: Any, categories: Any, top_k: int = 5, threshold: float = 5.0) -> Any:
        table = finding.pairs[0].batched(model, saes, texts, categories, top_k, threshold)
        table.columns.update(dict.fromkeys(table.columns, "nothing of the kind"))
        return table

    answer = certify(finding, finding.pairs[0], finding.pairs[0].workload("smoke"), candidate, tiny)
    assert "of type str, expected a Column (dataclass) of" in reason(answer)


def test_a_remembered_answer_is_refused(tiny: Subject) -> None:
    remembered: list[torch.Tensor] = []

    def candidate(model: Any, sae: Any, hook_name: str, texts: list[str]) -> torch.Tensor:
        if not remembered:
            remembered.append(batched.extract_features(model, sae, hook_name, texts))
        return remembered[0]

    assert "memory that an earlier output holds" in reason(judge(candidate, tiny))


def test_changed_inputs_are_refused(tiny: Subject) -> None:
    def candidate(model: Any, sae: Any, hook_name: str, texts: list[str]) -> torch.Tensor:
        texts.sort(key=len)
        return sequential.extract_features(model, sae, hook_name, texts)

    assert "changes its inputs" in reason(judge(candidate, tiny))


def test_a_hook_left_behind_is_refused(tiny: Subject) -> None:
    def candidate(model: Any, sae: Any, hook_name: str, texts: list[str]) -> torch.Tensor:
        model.add_hook(hook_name, lambda value, hook: value)
        return batched.extract_features(model, sae, hook_name, texts)

    said = reason(judge(candidate, tiny))
    tiny.model.reset_hooks()
    assert "hooks changed" in said


def test_a_valid_rewrite_passes(tiny: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    for budget in (1, 7, 64, 100_000):
        monkeypatch.setattr(batched, "TOKEN_BUDGET", budget)
        few = replace(SMOKE, n_items=FEW)
        assert isinstance(answer := judge(batched.extract_features, tiny, few), Certificate), str(answer)


def _the_same(rows: torch.Tensor | Features, inputs: Any, oracle: Oracle) -> torch.Tensor | Features:
    return rows


def test_an_output_that_does_not_depend_on_the_text_makes_the_check_invalid(tiny: Subject) -> None:
    inputs, allowed = {"texts": list("abcde")}, dict.fromkeys(METRICS, 1e-6)
    constant = torch.ones(5, 7, dtype=torch.float64)
    varied = constant * torch.arange(1, 6, dtype=torch.float64)[:, None]
    for reference, is_informative in ((constant, False), (varied, True)):
        equivalence = SameRows(partial(_the_same, reference), why="rounding")
        if is_informative:
            assert settle(equivalence.examine(inputs, Oracle(tiny), reference.float(), allowed)).n_compared == 35
            continue
        with pytest.raises(NotEquivalent, match="the check is invalid"):
            settle(equivalence.examine(inputs, Oracle(tiny), reference.float(), allowed))


def test_a_changed_definition_stops_everything(tiny: Subject) -> None:
    altered = replace(TEXT_BATCHING, definition_digest="0" * 16)
    answer = certify(altered, altered.pairs[0], SMOKE, subject=tiny)
    assert isinstance(answer, Refusal) and answer.code == "definition changed"


def test_a_certificate_cannot_be_made_by_hand(tiny: Subject) -> None:
    answer = judge(batched.extract_features, tiny)
    assert isinstance(answer, Certificate)
    with pytest.raises(Uncertified, match="certify"):
        replace(answer, finding="comparison_table")
    with pytest.raises(Uncertified, match="certify"):
        replace(answer, allowed={"element": 1.0})


def test_a_certificate_covers_only_what_it_was_issued_for(tiny: Subject) -> None:
    pair = TEXT_BATCHING.pairs[0]
    answer = judge(batched.extract_features, tiny)
    assert isinstance(answer, Certificate)
    require_covers(answer, TEXT_BATCHING, pair, SMOKE, pair.batched)
    with pytest.raises(Uncertified, match="workload changed"):
        require_covers(answer, TEXT_BATCHING, pair, replace(SMOKE, seed=1), pair.batched)
    with pytest.raises(Uncertified, match="source changed"):
        require_covers(answer, TEXT_BATCHING, pair, SMOKE, CONTROLS[0].function)


def test_a_row_that_is_silent_is_held_to_its_elements_alone(tiny: Subject) -> None:
    reference = torch.tensor([[0.0, 0.0], [3.0, 4.0]], dtype=torch.float64)
    found = torch.tensor([[1e-9, 0.0], [3.0, 4.0]])
    examined = SameRows(partial(_the_same, reference), "rounding").examine(
        {"texts": ["silent", "other"]}, Oracle(tiny), found, dict.fromkeys(METRICS, 1e-6)
    )
    errors = settle(examined, without=RULES)
    assert errors.worst_errors["length"] == errors.worst_errors["direction"] == 0 < errors.worst_errors["element"]


@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_rows_on_which_little_fires_are_as_exact_as_what_they_were_worked_out_from(share: float, tiny: Subject) -> None:
    pair, oracle, sae = TEXT_BATCHING.pairs[0], Oracle(tiny), copy.deepcopy(tiny.sae)
    inputs = {**pair.inputs(SMOKE, tiny, None), "sae": sae}
    floor = pair.equivalence.floor(tiny)
    plain = pair.equivalence.examine(inputs, oracle, pair.sequential(**inputs), floor)
    allowed = allowed_error(settle(plain), floor)
    third = oracle.features(sae, inputs["texts"]).values.topk(3, dim=1).values[:, 2]
    # On such a share of the texts fewer than three features fire.
    sae.b_enc.data -= third.quantile(share).item()
    exact, found = Oracle(tiny).features(sae, inputs["texts"]), pair.sequential(**inputs)

    def broken(features: Features, output: torch.Tensor) -> set[str]:
        examined = SameRows(partial(_the_same, features), "rounding").examine(inputs, oracle, output, allowed)
        return {objection.rule for objection in examined} & {*METRICS}

    assert not broken(exact, found)
    # Held to what is left of them, right rows are wrong. Held to what they were worked out from, wrong ones still are.
    assert broken(replace(exact, spread=torch.zeros_like(exact.spread)), found)
    assert broken(exact, found.bfloat16().float()) == {*METRICS}


def test_a_few_features_that_never_fire_do_not_loosen_a_row(tiny: Subject) -> None:
    texts, sae = TEXT_BATCHING.pairs[0].inputs(SMOKE, tiny, None)["texts"], copy.deepcopy(tiny.sae)
    before = Oracle(tiny).features(sae, texts).spread
    sae.b_enc.data[::20] -= 1e6
    assert (Oracle(tiny).features(sae, texts).spread < 1.5 * before).all()


@pytest.mark.parametrize(("margin", "is_wrong"), [(1.0, True), (0.0, False)])
def test_firing_on_the_wrong_side_counts_unless_it_is_too_close_to_call(
    margin: float, is_wrong: bool, tiny: Subject
) -> None:
    silent = torch.zeros(1, 2, dtype=torch.float64)
    features = Features(silent, silent, torch.tensor([[1.0, margin]], dtype=torch.float64), silent[:, :1])
    examined = SameRows(partial(_the_same, features), "rounding").examine(
        {"texts": ["one"]}, Oracle(tiny), torch.tensor([[0.0, 1e-12]]), dict.fromkeys(METRICS, 1e-6)
    )
    assert ("firing" in [objection.rule for objection in examined]) is is_wrong


def test_what_a_bad_twin_leaves_changed_is_put_back(tiny: Subject, tmp_path: Path) -> None:
    modules = TEXT_BATCHING.pairs[0].modules(tiny)
    parameter, before = next(tiny.model.parameters()), state.Snapshot(TORCH, modules)
    with state.restored(TORCH, modules):
        parameter.requires_grad_(not parameter.requires_grad)
        tiny.model.train(not tiny.model.training)
        torch.set_num_threads(torch.get_num_threads() + 1)
        os.environ["LEFT_BEHIND"] = "1"
        os.chdir(tmp_path)
        left = {o.rule for o in state.objections(before, before.now())}
    assert {"requires_grad", "training mode", "thread count", "environment variables", "working directory"} <= left
    assert not [o.rule for o in state.objections(before, before.now())]


def touching(place: Path) -> Any:
    """The batched twin, while `place` is made by a program that the gate cannot watch."""

    def extract_features(*args: Any, **kwargs: Any) -> Any:
        subprocess.run(["touch", str(place)], check=True)
        return batched.extract_features(*args, **kwargs)

    return extract_features


def test_a_file_of_another_program_is_not_held_against_the_function(
    tiny: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert isinstance(answer := judge(touching(tmp_path / "of_another_program"), tiny), Certificate), str(answer)
    assert (tmp_path / "of_another_program").exists()


def test_a_file_that_the_function_makes_behind_pythons_back_is(
    tiny: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "files changed" in reason(judge(touching(Path("its_own")), tiny))


@pytest.mark.parametrize("name", ["source_left_open", "hub_beside_the_own_folder"])
def test_a_refusal_names_no_place_of_this_machine(name: str) -> None:
    (control,) = (one for one in CONTROLS if one.name == name)
    answer = control.judge().answer
    assert isinstance(answer, Refusal) and str(ROOT) not in answer.reason and str(CACHE) not in answer.reason
    # The companion: both refusals are about a path, of which the end is told.
    assert "process_leaks.py)" in answer.reason or "blocks.8.hook_resid_pre" in answer.reason


def test_outputs_of_timed_calls_are_held_to_what_was_certified() -> None:
    finding = find("category_lookup")
    pair = finding.pairs[0]
    workload = pair.workload("smoke")
    certificate = certify(finding, pair, workload)
    assert isinstance(certificate, Certificate)
    subject = pair.subject(workload)
    workloads = workload, replace(workload, seed=workload.seed + 1)
    inputs, other = (pair.inputs(one, subject, None) for one in workloads)
    reference = pair.reference(subject)
    right = [(given, pair.batched(**given)) for given in (inputs, other)]
    recheck(certificate, pair, reference, right)
    with pytest.raises(NotEquivalent):
        recheck(certificate, pair, reference, [right[0], (right[1][0], right[0][1])])
    with pytest.raises(NotEquivalent, match="an earlier output holds"):
        recheck(certificate, pair, reference, [right[0], right[0]])
