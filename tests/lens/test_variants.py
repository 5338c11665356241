"""Findings about models hold on every variant of the embedded subject: tokenizers, SAEs, hooks, bridge, bfloat16."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from sae_lens import GatedSAE, JumpReLUSAE, StandardSAE, TopKSAE

import impl_batched.text_batching as batched
from bench.findings import find
from speedproof.errors import BadInput
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.gate.check import certify
from speedproof.lens.embedded.variants import ARCHITECTURES, BRIDGE, HOOKS, TOKENIZERS, VARIANTS
from speedproof.lens.subject import Subject, find_subject
from speedproof.pairs import texts
from speedproof.pairs.finding import Finding, Pair
from speedproof.pairs.workload import Workload
from tests.pairwise import pairwise_cases, uncovered

SINGLE = [f"tiny:{variant}" for variant in VARIANTS]
COMBINED = [f"tiny:{BRIDGE}:{variant}" for variant in VARIANTS if variant != BRIDGE]
MIXED = ["tiny:distinct-pad:left-padding:topk:hook_mlp_out", "tiny:bridge:distinct-pad:no-bos:gated:hook_resid_post"]
NAMES = [*SINGLE, *COMBINED, *MIXED]
FINDINGS = [find(name) for name in ("text_batching", "comparison_table", "grad_mode")]
BOS = "<|endoftext|>"
N_SMOKE = 12
"""Texts of a quick check; enough for every category and for features that fire."""


@cache
def subject(name: str, dtype: str = "float32") -> Subject:
    return find_subject(name, dtype)


def ask(
    finding: Finding, pair: Pair, name: str, given: Iterable[str], dtype: str = "float32", candidate: Any = None
) -> Certificate | Refusal:
    chosen = tuple(given)
    # One thread: on models this small a second one only waits.
    workload = Workload("given", name, len(chosen), "given", dtype=dtype, n_threads=1, given=chosen)
    return certify(finding, pair, workload, candidate, subject(name, dtype))


def hostile(name: str) -> list[str]:
    """The hostile texts for which the definition has an answer.

    A model that prepends no bos has none for an empty text. One that pads on the left takes a leading bos for padding.
    """
    no_bos, left = "no-bos" in name, "left-padding" in name
    return [t for t in texts.HOSTILE if not (no_bos and not t) and not (left and t.startswith(BOS))]


FACTORS: dict[str, tuple[Any, ...]] = {
    "pair": tuple((finding, pair) for finding in FINDINGS for pair in finding.pairs),
    "hook": ("", *HOOKS),
    "architecture": ("", *ARCHITECTURES),
    "model": ("", BRIDGE),
    **{tokenizer: ("", tokenizer) for tokenizer in TOKENIZERS},
    "dtype": ("float32", "bfloat16"),
    "texts": ("own", "hostile"),
}
"""What a subject and a question about it may differ in; empty is how `tiny` has it. Each is tried with each other."""
OF_SUBJECT = ("model", *TOKENIZERS, "architecture", "hook")
CASES = pairwise_cases(FACTORS)


def subject_of(case: dict[str, Any]) -> str:
    return ":".join(["tiny", *(case[factor] for factor in OF_SUBJECT if case[factor])])


def cases() -> Iterator[Any]:
    for case in CASES:
        (finding, pair), name = case["pair"], subject_of(case)
        said = f"{name}-{finding.name}-{pair.name}-{case['dtype']}-{case['texts']}"
        yield pytest.param(finding, pair, name, case["dtype"], case["texts"], id=said)


@pytest.mark.parametrize(("finding", "pair", "name", "dtype", "form"), [*cases()])
def test_twins_are_equivalent_on_every_variant_with_every_other(
    finding: Finding, pair: Pair, name: str, dtype: str, form: str
) -> None:
    given = [*hostile(name), *texts.own(7)] if form == "hostile" else texts.own(N_SMOKE)
    answer = ask(finding, pair, name, given, dtype)
    assert isinstance(answer, Certificate), str(answer)


def test_every_variant_is_tried_with_every_other_pair_type_and_kind_of_texts() -> None:
    assert uncovered(FACTORS, CASES) == []
    assert {word for case in CASES for word in subject_of(case).split(":")[1:]} == set(VARIANTS)
    # The companion: without one case, some two are never tried together.
    assert all(uncovered(FACTORS, [*CASES[:i], *CASES[i + 1 :]]) for i in range(len(CASES)))


@pytest.mark.parametrize("name", [*SINGLE, *MIXED])
def test_a_wrong_function_is_refused_on_every_variant(name: str) -> None:
    """The companion: a hundredth too large."""

    def candidate(model: Any, sae: Any, hook_name: str, texts: list[str]) -> torch.Tensor:
        return batched.extract_features(model, sae, hook_name, texts) * 1.01

    answer = ask(FINDINGS[0], FINDINGS[0].pairs[0], name, texts.own(6), candidate=candidate)
    assert isinstance(answer, Refusal) and answer.code == "not equivalent"


@pytest.mark.parametrize("name", ["text_batching", "grad_mode"])
def test_a_leading_bos_under_left_padding_is_a_baseline_defect_that_is_refused(name: str) -> None:
    answer = ask(find(name), find(name).pairs[0], "tiny:left-padding", [f"{BOS}begins so", *texts.own(5)])
    assert isinstance(answer, Refusal) and answer.code == "definition wrong", str(answer)


def test_the_table_is_right_about_a_leading_bos_under_left_padding() -> None:
    """Its definition says on which side it pads."""
    answer = ask(FINDINGS[1], FINDINGS[1].pairs[0], "tiny:left-padding", [f"{BOS}begins so", *texts.own(5)])
    assert isinstance(answer, Certificate), str(answer)


@pytest.mark.parametrize("name", ["tiny:no-bos", "tiny:bridge:no-bos"])
@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.name)
def test_without_bos_an_empty_text_is_told_to_be_bad_input(finding: Finding, name: str) -> None:
    with pytest.raises(BadInput, match=r"the definition itself raised|has no tokens"):
        ask(finding, finding.pairs[0], name, ["", "a text"])


def test_every_variant_is_what_its_name_says() -> None:
    plain = subject("tiny").model.tokenizer
    assert plain.pad_token_id == plain.bos_token_id and plain.padding_side == "right"
    for front in ("tiny:", "tiny:bridge:"):
        pad = subject(front + "distinct-pad").model.tokenizer
        assert pad.pad_token_id not in (pad.bos_token_id, pad.eos_token_id)
        assert subject(front + "left-padding").model.tokenizer.padding_side == "left"
        without = subject(front + "no-bos").model.to_tokens("a text")[0].tolist()
        assert [plain.bos_token_id, *without] == subject("tiny").model.to_tokens("a text")[0].tolist()
        for hook in HOOKS:
            place = "attn.hook_z" if hook == "hook_z" else hook
            assert subject(front + hook).hook_names == (f"blocks.0.{place}", f"blocks.1.{place}")
        for kind, cls in zip(ARCHITECTURES, (JumpReLUSAE, TopKSAE, GatedSAE), strict=True):
            assert {type(sae) for sae in subject(front + kind).saes.values()} == {cls}
        assert {type(sae) for sae in subject(front + TOKENIZERS[0]).saes.values()} == {StandardSAE}


@pytest.mark.parametrize("name", NAMES)
def test_a_reasonable_share_of_features_fires_and_some_strongly(name: str) -> None:
    it = subject(name)
    for sae in it.saes.values():
        features = batched.extract_features(it.model, sae, sae.cfg.metadata.hook_name, texts.own(N_SMOKE))
        assert 0.05 < (features > 0).double().mean() < 0.6
        assert (features > 5).any()


@pytest.mark.parametrize("name", NAMES)
def test_every_variant_is_the_same_each_time_and_in_the_type_asked_for(name: str) -> None:
    before = torch.get_rng_state()
    for one, two in zip(_parameters(subject(name)), _parameters(find_subject(name)), strict=True):
        assert torch.equal(one, two)
    assert torch.equal(torch.get_rng_state(), before)
    assert {parameter.dtype for parameter in _parameters(subject(name, "bfloat16"))} == {torch.bfloat16}


def _parameters(it: Subject) -> list[torch.Tensor]:
    return [parameter for module in (it.model, *it.saes.values()) for parameter in module.parameters()]


def test_a_subject_has_one_name_whatever_order_its_variants_are_asked_in() -> None:
    assert find_subject("tiny:topk:bridge").name == find_subject("tiny:bridge:topk").name == "tiny:bridge:topk"
    assert all(find_subject(name).name == name for name in SINGLE)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tiny:nonsense", "Unknown variant of tiny 'nonsense'. Expected one of: bridge, distinct-pad"),
        ("tiny:", "Unknown variant of tiny ''. Expected one of: bridge"),
        ("nonsense:bridge", "Unknown subject 'nonsense:bridge'. Expected one of: tiny"),
        ("tiny:topk:gated", "asks for topk and gated. Expected one SAE architecture of: jumprelu"),
        ("tiny:hook_z:hook_mlp_out", "asks for hook_z and hook_mlp_out. Expected one hook of"),
        ("tiny:topk:topk", "names a variant twice"),
        ("solved:topk", "'solved' has no variants"),
    ],
)
def test_nonsense_is_one_clear_error(name: str, words: str) -> None:
    with pytest.raises(BadInput) as raised:
        find_subject(name)
    assert words in str(raised.value)


def test_rounding_is_counted_through_the_block_that_a_hook_stands_behind() -> None:
    assert subject("tiny").depth == 1
    assert {replace(subject(f"tiny:{hook}")).depth for hook in HOOKS} == {2}


@pytest.mark.parametrize("name", ["tiny:no-bos", "tiny:bridge:no-bos"])
def test_without_bos_no_twin_answers_for_an_empty_text_among_others(name: str) -> None:
    it, pair = subject(name), FINDINGS[0].pairs[0]
    with pytest.raises((IndexError, RuntimeError)):
        pair.sequential(it.model, it.sae, it.hook_name, ["", "a text"])
    with pytest.raises(ValueError, match="expected at least one token in each text, got none in ''"):
        pair.batched(it.model, it.sae, it.hook_name, ["", "a text"])


@pytest.mark.parametrize("name", ["tiny:no-bos", "tiny:bridge:no-bos"])
def test_without_bos_the_tables_definition_answers_for_an_empty_text_from_padding(name: str) -> None:
    it, pair = subject(name), FINDINGS[1].pairs[0]
    inputs = {**pair.inputs(pair.workload("smoke"), it, [0]), "texts": ["", "a text"]}
    pair.sequential(**inputs)
    with pytest.raises(ValueError, match="expected at least one token in each text, got none in ''"):
        pair.batched(**inputs)
