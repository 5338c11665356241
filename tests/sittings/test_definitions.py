"""A definition's answers are kept for the next arm: the same certificates come out, and nobody can spoil them."""

import gc
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch

from bench.findings import find
from bench.findings.grad_mode import FINDING
from speedproof.gate.baseline import Baseline
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.gate.check import certify
from speedproof.gate.gate import GATE
from speedproof.lens.subject import Subject, find_subject
from speedproof.pairs.finding import CAREFUL, Finding
from speedproof.sittings import definitions as kept
from speedproof.sittings.definitions import Definitions

PAIR = FINDING.pairs[0]
FEW = replace(PAIR.workload("smoke"), n_items=8, n_threads=1)
SEED = 7


@pytest.fixture
def subject() -> Subject:
    """One that may be spoiled."""
    return find_subject("tiny")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A definition's name for each time that it was called for its evidence."""
    names: list[str] = []
    ask = Baseline.evidence

    def evidence(baseline: Baseline) -> Any:
        names.append(baseline.pair.name)
        return ask(baseline)

    monkeypatch.setattr(Baseline, "evidence", evidence)
    yield names


def answer(definitions: Definitions, arm: Callable[..., Any], subject: Subject) -> Certificate | Refusal:
    return definitions.check(FINDING, PAIR, FEW, arm, subject, GATE, SEED).answer()


@pytest.mark.parametrize("name", ["text_batching", "comparison_table", "grad_mode"])
def test_the_certificates_are_the_ones_that_each_arm_gets_alone(name: str, tiny: Subject, asked: list[str]) -> None:
    finding: Finding = find(name)
    pair = finding.pairs[0]
    workload = replace(pair.workload("smoke"), n_items=8, n_threads=1)
    arms = [pair.batched, pair.arm(CAREFUL)]
    alone = [certify(finding, pair, workload, arm, tiny, GATE, SEED) for arm in arms]
    asked.clear()
    definitions = Definitions()
    together = [definitions.check(finding, pair, workload, arm, tiny, GATE, SEED).answer() for arm in arms]
    assert all(isinstance(one, Certificate) for one in alone), alone
    assert together == alone
    assert asked == [pair.name]


def test_another_workload_or_other_weights_are_another_question(subject: Subject, asked: list[str]) -> None:
    definitions = Definitions()
    other = replace(FEW, n_items=6)
    for workload in (FEW, other, FEW):
        definitions.check(FINDING, PAIR, workload, PAIR.batched, subject, GATE, SEED).answer()
    assert len(asked) == 3
    with torch.no_grad():
        next(iter(subject.model.parameters())).mul_(2)
    refusal = answer(definitions, PAIR.batched, subject)
    assert len(asked) == 4
    assert isinstance(refusal, Refusal) and refusal.code == "definition wrong"


def test_a_refused_definition_is_asked_each_time(subject: Subject, asked: list[str]) -> None:
    with torch.no_grad():
        next(iter(subject.model.parameters())).mul_(2)
    definitions = Definitions()
    assert all(isinstance(answer(definitions, PAIR.batched, subject), Refusal) for _ in range(2))
    assert len(asked) == 2


def test_who_writes_into_what_is_kept_is_found_out_and_spoils_nobodys_answer(
    subject: Subject, asked: list[str]
) -> None:
    definitions = Definitions()
    sound = answer(definitions, PAIR.batched, subject)

    def writes(**inputs: Any) -> Any:
        """Gives the right answer, and turns what is kept of the definition into something else."""
        for one in [o for o in gc.get_objects() if type(o) is kept._Answered]:
            one.outputs[0].detach().zero_()
        return PAIR.batched(**inputs)

    answer(definitions, writes, subject)
    assert len(asked) == 1
    assert answer(definitions, PAIR.batched, subject) == sound
    assert len(asked) == 2


def test_wrong_arms_are_rejected_by_a_kept_definition_and_right_ones_pass_after_them(subject: Subject) -> None:
    def of_another_token(**inputs: Any) -> Any:
        return PAIR.batched(**(inputs | {"texts": [text[:-2] for text in inputs["texts"]]}))

    def writes_weights(**inputs: Any) -> Any:
        with torch.no_grad():
            inputs["model"].embed.W_E.mul_(2)
        return PAIR.batched(**inputs)

    definitions = Definitions()
    sound = answer(definitions, PAIR.batched, subject)
    assert isinstance(sound, Certificate)
    for wrong in (of_another_token, writes_weights, of_another_token):
        assert isinstance(answer(definitions, wrong, subject), Refusal)
        assert answer(definitions, PAIR.batched, subject) == sound


def test_what_is_handed_out_is_nobody_elses(subject: Subject) -> None:
    definitions = Definitions()
    check = definitions.check(FINDING, PAIR, FEW, PAIR.batched, subject, GATE, SEED)
    evidence = check.definition.evidence()
    evidence.worst_errors.clear()  # type: ignore[attr-defined]
    check.definition.outputs.clear()
    again = definitions.check(FINDING, PAIR, FEW, PAIR.batched, subject, GATE, SEED).definition
    assert again.evidence().worst_errors and again.outputs
