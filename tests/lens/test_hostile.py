"""Hostile workloads are what they claim to be, what is no text is refused alike, and changed texts are a new series."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from bench.findings import find
from speedproof.errors import BadInput, NotEquivalent
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.gate.check import certify
from speedproof.lens.subject import Subject
from speedproof.pairs import texts, workload
from speedproof.pairs.contract import Evidence, Inputs, settle
from speedproof.pairs.finding import Finding
from speedproof.pairs.workload import Workload

FINDINGS = [find(name) for name in ("text_batching", "comparison_table", "grad_mode")]
EXTRACT = FINDINGS[0].pairs[0]
BOS = "<|endoftext|>"
LONE_SURROGATE = "half of a pair \ud83d here"
"""A string that is no text: UTF-8 cannot say it."""


def ask(finding: Finding, asked: Workload, subject: Subject, candidate: Any = None) -> Certificate | Refusal:
    return certify(finding, finding.pairs[0], asked, candidate, subject)


def test_two_hostile_texts_fill_and_overrun_the_context(tiny: Subject) -> None:
    assert tiny.model.cfg.n_ctx == texts.N_CTX
    for text, n_tokens in ((texts.FILLS_CONTEXT, texts.N_CTX), (texts.OVER_CONTEXT, texts.N_CTX + 1)):
        assert text in texts.HOSTILE
        assert tiny.model.to_tokens(text, truncate=False).shape[1] == n_tokens
        assert tiny.model.to_tokens(text).shape[1] == texts.N_CTX


def test_hostile_texts_hold_every_kind_that_is_named() -> None:
    kinds = {
        "empty": lambda text: not text,
        "one character": lambda text: len(text) == 1 and text.isalpha(),
        "special token at the start": lambda text: text.startswith(BOS),
        "special token in the middle": lambda text: BOS in text[1:-1] and not text.endswith(BOS),
        "special token at the end": lambda text: text.endswith(BOS),
        "nothing but space": lambda text: bool(text) and text.isspace(),
        "combining": lambda text: "\u0301" in text,
        "HTML": lambda text: "<script>" in text,
        "zero width": lambda text: "\u200b" in text,
        "right to left": lambda text: "\u05e9" in text,
        "twice": lambda text: texts.HOSTILE.count(text) > 1,
    }
    assert [kind for kind, is_one in kinds.items() if not any(map(is_one, texts.HOSTILE))] == []


def test_hostile_workloads_take_every_hostile_text() -> None:
    for finding in FINDINGS:
        for pair in finding.pairs:
            assert pair.workload("hostile").texts() == list(texts.HOSTILE)


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.name)
def test_equal_lengths_leave_nothing_to_pad_and_change_nothing(finding: Finding, tiny: Subject) -> None:
    words = ["is"] * 5, ["in"] * 5, ["a"] * 5, ["x"] * 5
    given = tuple(" ".join(text) for text in words)
    assert {tiny.model.to_tokens(text).shape[1] for text in given} == {6}
    for asked in (
        Workload("given", "tiny", 4, "given", n_threads=1, given=given),
        Workload("equal", "tiny", 12, "equal", n_threads=1),
    ):
        assert isinstance(answer := ask(finding, asked, tiny), Certificate), str(answer)


@pytest.mark.parametrize("same_object", [True, False])
def test_equal_texts_keep_a_row_each_whether_or_not_they_are_one_object(same_object: bool, tiny: Subject) -> None:
    text = "twice the same"
    other = text if same_object else workload.fresh(text)
    assert (other is text) == same_object
    for twin in (EXTRACT.sequential, EXTRACT.batched):
        rows = twin(tiny.model, tiny.sae, tiny.hook_name, [text, "between", other])
        assert rows.shape[0] == 3
        torch.testing.assert_close(rows[0], rows[2])


@pytest.mark.parametrize("given", [[LONE_SURROGATE], ["a text", LONE_SURROGATE]], ids=["alone", "second"])
@pytest.mark.parametrize("bridge", [False, True])
@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.name)
def test_both_twins_raise_the_same_of_a_lone_surrogate(
    finding: Finding, bridge: bool, given: list[str], tiny: Subject, tiny_bridge: Subject
) -> None:
    subject = tiny_bridge if bridge else tiny
    for pair in finding.pairs:
        inputs = {**pair.inputs(pair.workload("smoke"), subject, [0]), "texts": given}
        said = []
        for twin in (pair.sequential, pair.batched):
            with pytest.raises(TypeError) as raised:
                twin(**inputs)
            said.append(str(raised.value))
        assert said[0] == said[1]


def test_a_lone_surrogate_is_bad_input_to_the_gate(tiny: Subject) -> None:
    asked = Workload("given", "tiny", 2, "given", n_threads=1, given=("a text", LONE_SURROGATE))
    with pytest.raises(BadInput, match="the definition itself raised TypeError"):
        ask(FINDINGS[0], asked, tiny)


def test_changed_texts_are_a_new_series(monkeypatch: pytest.MonkeyPatch) -> None:
    hostile, own, plain = (Workload("w", "tiny", 9, form) for form in ("hostile", "own", "none"))
    before = [one.digest for one in (hostile, own, plain)]
    monkeypatch.setattr(texts, "HOSTILE", ("another", *texts.HOSTILE[1:]))
    workload._texts_digest.cache_clear()
    try:
        after = [one.digest for one in (hostile, own, plain)]
    finally:
        workload._texts_digest.cache_clear()
    assert [one == two for one, two in zip(before, after, strict=True)] == [False, True, True]


def test_a_workload_with_nothing_in_it_still_has_a_digest() -> None:
    assert Workload("w", "tiny", 0).digest != Workload("w", "tiny", 1).digest


MANY = Workload("many", "tiny", 10_000, "many", n_threads=1)


@pytest.fixture(scope="module")
def answered(tiny: Subject) -> tuple[Inputs, torch.Tensor]:
    """Ten thousand short texts, and the batched twin's rows for them."""
    inputs = EXTRACT.inputs(MANY, tiny, None)
    return inputs, EXTRACT.batched(**inputs)


def held(subject: Subject, inputs: Inputs, rows: torch.Tensor) -> Evidence:
    """What the gate's equivalence sees in these rows, by the rounding that is allowed without a definition's error."""
    floor = EXTRACT.equivalence.floor(subject)
    return settle(EXTRACT.equivalence.examine(inputs, EXTRACT.reference(subject), rows, floor))


def test_ten_thousand_short_texts_keep_their_answers(tiny: Subject, answered: tuple[Inputs, torch.Tensor]) -> None:
    assert len(set(MANY.texts())) == len(set(texts.MANY_POOL)) == 150
    assert held(tiny, *answered).n_compared >= 10_000 * tiny.d_sae * 0.99
    # All else that the gate asks does not hang on how many there are.
    few = replace(MANY, n_items=300)
    assert isinstance(answer := ask(FINDINGS[0], few, tiny), Certificate), str(answer)


def test_one_wrong_row_among_ten_thousand_is_seen(tiny: Subject, answered: tuple[Inputs, torch.Tensor]) -> None:
    """The companion, on the batched twin's own answer."""
    inputs, rows = answered
    wrong = rows.clone()
    wrong[len(rows) // 2] = rows[0]
    with pytest.raises(NotEquivalent, match="1 of 10000 rows"):
        held(tiny, inputs, wrong)
