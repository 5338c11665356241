"""Whatever the texts, both twins of a finding raise the same, or the gate's trials of them pass the batched twin.

Each property is held by the batched twin, and the same search finds a plausible wrong function. The examples are the
same each time; SPEEDPROOF_EXAMPLES=search draws new ones.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from bench.findings import find
from speedproof.gate.certificate import Refusal
from speedproof.gate.check import certify
from speedproof.gate.gate import Gate
from speedproof.gate.trials import GENERAL, trials_of
from speedproof.lens.subject import Subject
from speedproof.pairs.finding import Finding
from speedproof.pairs.workload import Workload
from tests.search import Twin, raised_by, to_be_broken, to_hold

PARTS = (
    "<|endoftext|>",
    "<|endoftext",
    "word",
    " word",
    " ",
    "\n",
    "\t",
    "e\u0301",
    "o\u0489\u0327",
    "😂",
    "👩‍👩‍👧",
    "مرحبا",
    "\u202e",
    "\u200b",
    "\ufeff",
    "\x00",
    "<b>&amp;",
    "今日",
    "x" * 30,
    "is " * 25,
)
HALF_PAIRS = ("\ud83d", "\ude02")
TEXT = st.lists(st.sampled_from(PARTS), max_size=5).map("".join)
NO_TEXT = st.tuples(TEXT, st.sampled_from(HALF_PAIRS), TEXT).map("".join)
TEXTS = st.lists(TEXT, min_size=2, max_size=5).flatmap(
    # Drawn from few, so that texts repeat.
    lambda pool: st.lists(st.sampled_from(pool), min_size=1, max_size=8)
)
BAD_TEXTS: st.SearchStrategy[list[str]] = st.one_of(
    st.just([]), st.tuples(TEXTS, NO_TEXT, TEXTS).map(lambda t: [*t[0], t[1], *t[2]])
)


@pytest.fixture(autouse=True)
def private_oracle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Thousands of chance texts need not be remembered for good."""
    monkeypatch.setattr("speedproof.lens.oracle.CACHE", tmp_path)


def right_about_texts(finding: Finding, subject: Subject, texts: Sequence[str], candidate: Twin | None) -> None:
    """What the gate says of these texts; without the trials that bring other texts, arguments or weights along."""
    pair = finding.pairs[0]
    asked = Workload("given", subject.name, len(texts), "given", n_threads=1, given=tuple(texts))
    others = {trial.name for trial in trials_of(pair)} - {trial.name for trial in GENERAL}
    answer = certify(finding, pair, asked, candidate, subject, Gate(frozenset(others)))
    if "the check is invalid" in str(answer):
        reject()
    assert not isinstance(answer, Refusal), str(answer)


def alike_about_bad_texts(finding: Finding, subject: Subject, texts: list[str], candidate: Twin | None) -> None:
    for pair in finding.pairs[: 1 if candidate else None]:
        inputs = {**pair.inputs(pair.workload("smoke"), subject, [0]), "texts": texts}
        definitions = raised_by(pair.sequential, dict(inputs))
        assert definitions is not None
        assert raised_by(candidate or pair.batched, dict(inputs)) is definitions


OF_TEXTS = ("text_batching", "comparison_table", "grad_mode")


@pytest.mark.parametrize("name", OF_TEXTS)
def test_any_texts_pass_the_gate(name: str, tiny: Subject) -> None:
    to_hold(12)(given(TEXTS)(lambda texts: right_about_texts(find(name), tiny, texts, None)))()


@pytest.mark.parametrize("name", OF_TEXTS)
@pytest.mark.parametrize("bridge", [False, True])
def test_what_is_no_text_raises_the_same(name: str, bridge: bool, tiny: Subject, tiny_bridge: Subject) -> None:
    subject = tiny_bridge if bridge else tiny
    to_hold(15)(given(BAD_TEXTS)(lambda texts: alike_about_bad_texts(find(name), subject, texts, None)))()


def changed(finding: Finding, change: Callable[[Sequence[str]], Any]) -> Twin:
    """The batched twin with its texts changed first, under the definition's own parameters."""
    batched = finding.pairs[0].batched
    if finding.name == "text_batching":
        return lambda model, sae, hook_name, texts: batched(model, sae, hook_name, change(texts))
    if finding.name == "grad_mode":
        return lambda model, hook_name, texts: batched(model, hook_name, change(texts))
    return lambda model, saes, texts, categories, top_k=5, threshold=5.0: batched(
        model, saes, change(texts), categories, top_k, threshold
    )


CHANGES: dict[str, Callable[[Sequence[str]], Any]] = {
    "space is stripped": lambda texts: [text.strip() for text in texts],
    "special tokens are taken out": lambda texts: [text.replace("<|endoftext|>", "") for text in texts],
}


@pytest.mark.parametrize("name", OF_TEXTS)
@pytest.mark.parametrize("what", CHANGES)
def test_a_function_that_tidies_texts_is_found(what: str, name: str, tiny: Subject) -> None:
    wrong = changed(find(name), CHANGES[what])
    with pytest.raises(AssertionError, match="not equivalent"):
        to_be_broken(60)(given(TEXTS)(lambda texts: right_about_texts(find(name), tiny, texts, wrong)))()


@pytest.mark.parametrize("name", OF_TEXTS)
def test_a_function_that_mends_what_is_no_text_is_found(name: str, tiny: Subject) -> None:
    wrong = changed(find(name), lambda texts: [text.encode("utf-8", "replace").decode() for text in texts])
    with pytest.raises(AssertionError):
        to_be_broken(60)(given(BAD_TEXTS)(lambda texts: alike_about_bad_texts(find(name), tiny, texts, wrong)))()
