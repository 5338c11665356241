"""Every argument of every pair is asked about: whoever freezes, ignores or builds one in is refused."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bench.findings import FINDINGS, find
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.gate.check import certify
from speedproof.gate.gate import GATE, Gate
from speedproof.gate.trials import trials_of
from speedproof.lens.subject import Subject
from speedproof.pairs.finding import Finding, Pair

pytestmark = pytest.mark.usefixtures("known_definitions")
PAIRS = [(finding, pair) for finding in FINDINGS for pair in finding.pairs]
FEW = 14
"""Items: more than the trials of arguments ask about, and it is not their number that counts."""
CASES = [(finding, pair, variation.argument) for finding, pair in PAIRS for variation in pair.variations]


def named(value: Any) -> str:
    return value if isinstance(value, str) else value.name


def judge(finding: Finding, pair: Pair, candidate: Callable[..., Any], subject: Subject, gate: Gate = GATE) -> Any:
    first = pair.workloads[0]
    workload = replace(first, n_items=min(FEW, first.n_items), n_threads=1)
    return certify(finding, pair, workload, candidate, subject, gate, seed=7)


def untold(pair: Pair) -> list[str]:
    """Arguments of which nothing says how they may vary."""
    told = {*pair.items, *(variation.argument for variation in pair.variations)}
    return [name for name in inspect.signature(pair.sequential).parameters if name not in told]


@pytest.mark.parametrize(("finding", "pair"), PAIRS, ids=named)
def test_a_pair_says_of_each_argument_how_it_may_vary(finding: Finding, pair: Pair) -> None:
    assert untold(pair) == []


def test_an_argument_of_which_nothing_is_said_is_seen() -> None:
    pair = find("comparison_table").pairs[0]
    assert untold(replace(pair, variations=pair.variations[:-1])) == ["threshold"]


@pytest.mark.parametrize(("finding", "pair", "argument"), CASES, ids=named)
def test_an_argument_that_is_frozen_at_its_first_value_is_refused(
    finding: Finding, pair: Pair, argument: str, tiny: Subject
) -> None:
    signature, first = inspect.signature(pair.batched), dict[Any, Any]()

    @functools.wraps(pair.batched)
    def frozen(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        value = given.arguments[argument]
        # Folders of a trial's own are no other value: the frozen one would be refused for those alone.
        key = getattr(value, "parent", None) if argument in ("sae_lens_cache", "hf_cache") else ""
        given.arguments[argument] = first.setdefault(key, value)
        return pair.batched(*given.args, **given.kwargs)

    answer = judge(finding, pair, frozen, tiny)
    if argument in ("sae_lens_cache", "hf_cache"):
        # Frozen a folder, it follows another one; the control that does not is in `bench/controls/arguments.py`.
        assert isinstance(answer, Certificate)
        return
    assert isinstance(answer, Refusal)
    # Other texts come in other categories, so that frozen ones are found before.
    assert answer.trial == f"other {argument}" or argument == "categories", answer


@pytest.mark.parametrize(("finding", "pair"), PAIRS, ids=named)
def test_the_batched_twin_follows_every_argument_and_all_of_them_tell(
    finding: Finding, pair: Pair, tiny: Subject
) -> None:
    answer = judge(finding, pair, pair.batched, tiny)
    assert isinstance(answer, Certificate), str(answer)
    assert not [words for words in answer.untried if words.startswith("another ")]


def test_a_variation_that_changes_no_answer_is_told_as_not_tried(tiny: Subject) -> None:
    finding = find("comparison_table")
    pair = finding.pairs[0]
    (top_k,) = (v for v in pair.variations if v.argument == "top_k")
    same = replace(top_k, values=lambda inputs, subject, oracle: iter([({"top_k": inputs["top_k"]}, oracle)]))
    answer = judge(finding, replace(pair, variations=(same,)), pair.batched, tiny)
    assert isinstance(answer, Certificate) and answer.untried[0].startswith("another top_k, since none")


def test_a_trial_that_is_left_out_is_not_made_together_with_others_either(tiny: Subject) -> None:
    finding = find("text_batching")
    pair = finding.pair("find_features_for_concept")

    def fixed(
        model: Any, sae: Any, hook_name: str, texts: Any, top_k: int = 10, activation_threshold: float = 5
    ) -> Any:
        return pair.batched(model, sae, hook_name, texts, 10, activation_threshold)

    assert isinstance(judge(finding, pair, fixed, tiny), Refusal)
    assert isinstance(judge(finding, pair, fixed, tiny, Gate(frozenset({"other top_k"}))), Certificate)


def test_weights_are_as_before_after_a_refusal_in_a_trial_that_altered_them(tiny: Subject) -> None:
    finding = find("text_batching")
    pair, kept = finding.pairs[0], {}

    def remembers(model: Any, sae: Any, hook_name: str, texts: Any) -> Any:
        if tuple(texts) not in kept or len(texts) > 4:
            kept[tuple(texts)] = pair.batched(model, sae, hook_name, texts)
        return kept[tuple(texts)].clone()

    before = tiny.sae.W_enc.detach().clone()
    answer = judge(finding, pair, remembers, tiny)
    assert isinstance(answer, Refusal) and answer.trial == "other SAE weights"
    assert tiny.sae.W_enc.equal(before)


def test_trials_have_one_name_each() -> None:
    for _, pair in PAIRS:
        names = [trial.name for trial in trials_of(pair)]
        assert len(set(names)) == len(names)
