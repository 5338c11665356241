"""Subjects that hardly anybody has: cut below an SAE, of unlike blocks, on two devices, changed between two calls; and
texts longer than a pass. Each is answered rightly or refused in words."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformer_lens import HookedTransformer, HookedTransformerConfig

import impl_batched.comparison_table
import impl_batched.packed_forward as packed
import impl_batched.text_batching
import impl_sequential.comparison_table
import impl_sequential.text_batching
from bench.controls.memories import encoder_packed_once, model_packed_once
from bench.findings.text_batching import FINDING, SMOKE
from speedproof.errors import BadInput
from speedproof.gate.check import certify
from speedproof.lens.embedded.tokenizers import embedded_tokenizer
from speedproof.lens.features import encode
from speedproof.lens.subject import Subject, find_subject
from speedproof.lens.weights import in_dtype
from speedproof.pairs import texts
from speedproof_studies.reduced.arm import extract_features_in_bfloat16
from tests.lens.test_model_files import edited, llama, write

FEATURES = (impl_sequential.text_batching, impl_batched.text_batching)
TABLES = (impl_sequential.comparison_table, impl_batched.comparison_table)
TEXTS = texts.own(9)
ROUNDING = 2e-6
"""Share of the largest feature that float32 may be off by, with sums as short as a small model's."""


def share_off(found: Tensor, model: Any, sae: Any, hook_name: str, given: list[str]) -> float:
    """How far features are from float64, one text at a time, as a share of the largest."""
    exact = in_dtype(copy.deepcopy(model), "float64")
    with torch.no_grad():
        rows = [
            exact.run_with_cache(exact.to_tokens(text), names_filter=hook_name)[1][hook_name][0, -1] for text in given
        ]
    right = encode(in_dtype(copy.deepcopy(sae), "float64"), torch.stack(rows)).values
    assert right.abs().max() > 0
    return float((found.double() - right).abs().max() / right.abs().max())


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """Of two blocks the upper one is gone: the SAE reads in front of it."""
    return find_subject(f"{write(tmp_path_factory.mktemp('llama'), llama())}:cut")


@pytest.mark.parametrize("hook_name", ["blocks.1.hook_resid_post", "blocks.2.hook_resid_pre"])
def test_an_sae_at_a_hook_above_the_cut_is_refused_in_words(hook_name: str, cut: Subject) -> None:
    sae, words = copy.deepcopy(cut.sae), f"expected a hook of the model, got '{hook_name}'"
    sae.cfg.metadata.hook_name = hook_name
    for twin in FEATURES:
        with pytest.raises(ValueError, match=words):
            twin.extract_features(cut.model, sae, hook_name, TEXTS)
        assert twin.extract_features(cut.model, sae, cut.hook_name, TEXTS).abs().max() > 0
    for table in TABLES:
        with pytest.raises(ValueError, match=words):
            table.comparison_table(cut.model, {"one": cut.sae, "above": sae}, TEXTS, {})
        assert table.comparison_table(cut.model, {"one": cut.sae}, TEXTS, {}).columns["one"].strongest


def test_a_model_that_cannot_be_cut_where_its_sae_reads_is_bad_input(tmp_path: Path) -> None:
    folder = write(tmp_path, llama())
    top = llama().config.num_hidden_layers
    edited(folder / "saes/first/cfg.json", metadata={"hook_name": f"blocks.{top}.hook_resid_pre"})
    with pytest.raises(BadInput, match=f"cut at block 1 to {top - 1}, and not at {top}"):
        _ = find_subject(f"{folder}:cut").model


def wider_mlp(model: Any) -> None:
    wide = HookedTransformer(
        HookedTransformerConfig(**{**sizes_of(model), "d_mlp": 200}), model.tokenizer, move_to_device=False
    )
    for name in ("W_in", "b_in", "W_out", "b_out"):
        setattr(model.blocks[1].mlp, name, torch.nn.Parameter(getattr(wide.blocks[1].mlp, name).detach() + 0.01))


def other_eps(model: Any) -> None:
    model.blocks[1].ln1.eps = 0.5


def other_activation(model: Any) -> None:
    model.blocks[1].mlp.act_fn = torch.nn.functional.relu


def more_heads(model: Any) -> None:
    """Twice as many, each half as wide: what attention gives is as wide as in the other block."""
    attn = model.blocks[1].attn
    for name in ("W_Q", "W_K", "W_V"):
        halves = torch.cat(getattr(attn, name).detach().chunk(2, dim=-1))
        setattr(attn, name, torch.nn.Parameter(halves))
    for name, dim in (("b_Q", -1), ("b_K", -1), ("b_V", -1), ("W_O", 1)):
        setattr(attn, name, torch.nn.Parameter(torch.cat(getattr(attn, name).detach().chunk(2, dim=dim))))


def sizes_of(model: Any) -> dict[str, Any]:
    names = ("n_layers", "d_model", "n_heads", "d_head", "d_vocab", "n_ctx", "act_fn", "normalization_type")
    return {**{name: getattr(model.cfg, name) for name in names}, "device": "cpu", "seed": 5}


@pytest.mark.parametrize("unlike", [wider_mlp, other_eps, other_activation, more_heads], ids=lambda one: one.__name__)
def test_a_model_whose_blocks_are_not_alike_is_run_as_each_block_is(
    unlike: Callable[[Any], None], tiny: Subject
) -> None:
    model, hook_name = copy.deepcopy(tiny.model), "blocks.1.hook_resid_post"
    before = impl_batched.text_batching.extract_features(model, tiny.sae, hook_name, TEXTS)
    unlike(model)
    # The change shows: whoever takes all blocks for the first one's like is wrong here.
    assert share_off(before, model, tiny.sae, hook_name, TEXTS) > 100 * ROUNDING
    for twin in FEATURES:
        found = twin.extract_features(model, tiny.sae, hook_name, TEXTS)
        assert share_off(found, model, tiny.sae, hook_name, TEXTS) < ROUNDING


@pytest.fixture(scope="module")
def of_long_texts() -> Any:
    """A model whose context is longer than a pass."""
    like = find_subject("tiny").model
    made = HookedTransformerConfig(**{**sizes_of(like), "n_ctx": 2 * packed.TOKEN_BUDGET})
    return HookedTransformer(made, embedded_tokenizer(), move_to_device=False).eval()


@contextmanager
def hooked(model: Any, name: str) -> Iterator[None]:
    """A hook of the user's that changes nothing: the packed pass leaves such a model to itself."""
    model.add_hook(name, lambda value, hook: None)
    try:
        yield
    finally:
        model.reset_hooks()


@pytest.mark.parametrize("is_padded", [False, True], ids=["packed", "padded"])
def test_a_text_longer_than_a_pass_is_answered_whole(is_padded: bool, of_long_texts: Any, tiny: Subject) -> None:
    model, hook_name = of_long_texts, "blocks.1.hook_resid_pre"
    given = ["short", "word " * (packed.TOKEN_BUDGET // 3 + 100), "a short one behind it"]
    longest = model.to_tokens(given[1]).shape[1]
    assert packed.TOKEN_BUDGET < longest < model.cfg.n_ctx
    right = impl_sequential.text_batching.extract_features(model, tiny.sae, hook_name, given)
    if is_padded:
        with hooked(model, "blocks.0.hook_resid_pre"):
            found = impl_batched.text_batching.extract_features(model, tiny.sae, hook_name, given)
    else:
        found = impl_batched.text_batching.extract_features(model, tiny.sae, hook_name, given)
    torch.testing.assert_close(found, right, rtol=1e-4, atol=1e-4)
    # The companion: a text that was cut at the budget has another answer.
    short = model.tokenizer.decode(model.to_tokens(given[1])[0, 1 : packed.TOKEN_BUDGET - 1])
    cut = impl_sequential.text_batching.extract_features(model, tiny.sae, hook_name, [short])
    assert (cut - right[1]).abs().max() > 1e-3


Arm = Callable[[Any, Any, str, list[str]], Tensor]
FOLLOWING: dict[str, Arm] = {
    "the batched twin": impl_batched.text_batching.extract_features,
    "the definition": impl_sequential.text_batching.extract_features,
    "in bfloat16": extract_features_in_bfloat16,
}
PREPACKED: dict[str, tuple[str, Arm]] = {
    "a packed model": ("model", model_packed_once),
    "a packed encoder": ("SAE", encoder_packed_once),
}


def off_after_a_change(arm: Arm, what: str, tiny: Subject) -> float:
    """How far an arm is from what is right once the weights of the model or of the SAE changed in place."""
    model, sae, hook_name = copy.deepcopy(tiny.model), copy.deepcopy(tiny.sae), "blocks.1.hook_resid_post"
    arm(model, sae, hook_name, TEXTS)
    with torch.no_grad():
        for weight in (model if what == "model" else sae).parameters():
            weight *= 1.5
    return share_off(arm(model, sae, hook_name, TEXTS), model, sae, hook_name, TEXTS)


@pytest.mark.parametrize("what", ["model", "SAE"])
@pytest.mark.parametrize("name", FOLLOWING)
def test_weights_that_changed_between_two_calls_show(name: str, what: str, tiny: Subject) -> None:
    assert off_after_a_change(FOLLOWING[name], what, tiny) < (0.05 if name == "in bfloat16" else ROUNDING)


@pytest.mark.parametrize("name", PREPACKED)
def test_what_was_packed_once_and_went_stale_would_be_seen(name: str, tiny: Subject) -> None:
    what, arm = PREPACKED[name]
    assert off_after_a_change(arm, what, tiny) > 0.05


ELSEWHERE = "meta"
"""A device that every torch has, and that is not the model's."""


def test_an_sae_on_another_device_is_refused_and_both_devices_are_named(tiny: Subject) -> None:
    sae = copy.deepcopy(tiny.sae).to(ELSEWHERE)
    given: tuple[Any, ...] = (tiny.model, sae, tiny.hook_name, TEXTS)
    said = set()
    for twin in FEATURES:
        for function, more in ((twin.extract_features, ()), (twin.explore_feature, (3,))):
            with pytest.raises(RuntimeError, match=r"meta.*cpu") as raised:
                function(*given, *more)
            said.add(str(raised.value))
    for table in TABLES:
        with pytest.raises(RuntimeError, match=r"meta.*cpu") as raised:
            table.comparison_table(tiny.model, {"elsewhere": sae}, TEXTS, {})
        said.add(str(raised.value))
    assert len(said) == 1
    assert not any(point.fwd_hooks for point in tiny.model.hook_points())


def test_a_subject_on_another_device_than_its_sae_is_bad_input_of_a_check() -> None:
    subject = find_subject("tiny")
    for sae in subject.saes.values():
        sae.to(ELSEWHERE)
    with pytest.raises(BadInput, match=r"the definition itself raised RuntimeError: .*meta.*cpu.*Expected a workload"):
        certify(FINDING, FINDING.pairs[0], SMOKE, subject=subject)


def test_a_folders_sae_that_names_another_device_is_loaded_to_its_models(tmp_path: Path) -> None:
    folder = write(tmp_path, llama())
    edited(folder / "saes/first/cfg.json", device="cuda")
    subject = find_subject(str(folder))
    assert {weight.device.type for module in (subject.model, subject.sae) for weight in module.parameters()} == {"cpu"}
