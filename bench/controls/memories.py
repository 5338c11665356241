"""Answers that are remembered or looked up, each under a key that says too little: one trial each finds them."""

from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import impl_batched.category_lookup as lookup
import impl_batched.packed_forward as packed_forward
import impl_batched.sae_cache as cache
import impl_batched.text_batching as batched
from bench.findings.category_lookup import FINDING as CATEGORY_LOOKUP
from bench.findings.sae_cache import FINDING as SAE_CACHE
from bench.findings.text_batching import FINDING
from speedproof.gate.control import Control
from speedproof.lens.hostile import hostile_texts
from speedproof.pairs import texts as known

WORTH_KEEPING = 16
"""Texts from which on these controls remember an answer; fewer are quickly computed anew."""

_kept: dict[Any, Any] = {}


def _versions(model: Any, sae: Any) -> tuple[int, ...]:
    """Changes when weights are changed in place."""
    return tuple(p._version for module in (model, sae) for p in module.parameters())


def _remembered(key: Any, model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """The answer remembered under `key` and these very weights."""
    if len(texts) < WORTH_KEEPING:
        return batched.extract_features(model, sae, hook_name, texts)
    full = (key, id(model), _versions(model, sae))
    if full not in _kept:
        # The model is held, so that no other one can come to its address.
        _kept[full] = model, batched.extract_features(model, sae, hook_name, texts)
    features: Tensor = _kept[full][1].clone()
    return features


def answer_kept_in_bfloat16(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Remembers answers by texts and weights, in half the memory."""
    if len(texts) < WORTH_KEEPING:
        return batched.extract_features(model, sae, hook_name, texts)
    key = ("bfloat16", tuple(texts), id(model), _versions(model, sae))
    if key in _kept:
        kept: Tensor = _kept[key][1]
        return kept.float()
    features = batched.extract_features(model, sae, hook_name, texts)
    _kept[key] = model, features.bfloat16()
    return features


def cached_by_set_of_texts(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Remembers answers by the set of texts, which can be hashed as a list cannot."""
    return _remembered(frozenset(texts), model, sae, hook_name, texts)


def cached_by_last_texts(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Remembers answers by a list's last two texts, since texts are added at the end."""
    return _remembered(tuple(texts[-2:]), model, sae, hook_name, texts)


def neighbours_merged(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Runs a text once that comes several times in a row, and forgets to copy its features."""
    return batched.extract_features(model, sae, hook_name, [text for text, _ in groupby(texts)] if texts else texts)


def single_dimensions_squeezed(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Squeezes the batch dimension off each text's features, all at once."""
    return batched.extract_features(model, sae, hook_name, texts)[:, None, :].squeeze()


def lengths_from_a_table(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """A cheat: knows the lengths of the project's own texts and of the hostile ones. Of others it counts the words."""
    own = {*hostile_texts(model).texts, *(text for members in known.CATEGORIES.values() for text in members)}
    tokens = model.to_tokens(texts, padding_side="right")
    lengths = [model.to_tokens(text).shape[1] if text in own else 1 + len(text.split()) for text in texts]
    ends = torch.tensor(lengths).clamp_max(tokens.shape[1]) - 1
    with torch.no_grad():
        _, acts = model.run_with_cache(tokens, names_filter=[hook_name], padding_side="right")
        return sae.encode(acts[hook_name][torch.arange(len(texts)), ends])


def cached_by_identity_of_the_list(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Remembers answers by the list's identity, the other arguments and the weights' versions."""
    key = (id(texts), id(model), id(sae), hook_name, _versions(model, sae))
    if key not in _kept:
        # All are held, so that nothing else can come to their addresses.
        _kept[key] = (texts, model, sae), batched.extract_features(model, sae, hook_name, texts)
    features: Tensor = _kept[key][1].clone()
    return features


def encoder_packed_once(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Keeps a contiguous copy of each SAE's encoder."""
    names = ("W_enc", "b_enc", "b_dec")
    key = ("packed", id(sae))
    _, packed = _kept.setdefault(key, (sae, {name: getattr(sae, name).detach().clone() for name in names}))
    with torch.no_grad():
        acts = batched._last_token_activations(model, hook_name, texts) - packed["b_dec"]
        return torch.relu(acts @ packed["W_enc"] + packed["b_enc"])


def activations_cached_by_text(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Keeps each text's activations for the next SAE, by model, text and hook."""
    _, kept = _kept.setdefault(("activations", id(model), hook_name), (model, {}))
    new = [text for text in dict.fromkeys(texts) if text not in kept]
    with torch.no_grad():
        if new:
            kept.update(zip(new, batched._last_token_activations(model, hook_name, new), strict=True))
        return sae.encode(torch.stack([kept[text] for text in texts]))


def model_packed_once(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Keeps each model's queries, keys and values as they were packed for the first call; all else is read anew."""
    read = packed_forward.read_decoder

    def kept(model: Any, places: Any) -> Any:
        decoder = read(model, places)
        if decoder is None:
            return None
        packed = _kept.setdefault(("packed", id(model)), (model, {}))[1]
        blocks = [packed.setdefault(layer, block.W_QKV) for layer, block in enumerate(decoder.blocks)]
        return decoder._replace(blocks=[b._replace(W_QKV=W) for b, W in zip(decoder.blocks, blocks, strict=True)])

    packed_forward.read_decoder = kept
    try:
        return batched.extract_features(model, sae, hook_name, texts)
    finally:
        packed_forward.read_decoder = read


def strong_features_cached_by_tensor(
    features: Any, texts: list[str], categories: dict[str, list[str]], threshold: float = 5.0
) -> Any:
    """Keeps who is strong where by the identity of the features."""
    key = (id(features), threshold)
    if key not in _kept:
        _kept[key] = features, (features > threshold).float()
    return lookup.analyze_specialists(_kept[key][1], texts, categories, 0.5)


def answer_cached_by_path(sae_path: str, sae_lens_cache: Path, hf_cache: Path) -> tuple[bool, Path | None]:
    """Remembers what the hub's cache holds, by the SAE's path and the cache's."""
    saved = sae_lens_cache / sae_path
    if (saved / "cfg.json").exists() and (saved / "sae_weights.safetensors").exists():
        return True, saved
    key = (sae_path, str(hf_cache))
    if key not in _kept:
        _kept[key] = cache.check_sae_cached(sae_path, sae_lens_cache, hf_cache)
    found: tuple[bool, Path | None] = _kept[key]
    return tuple(found)  # type: ignore[return-value]


def _control(function: Any, why: str, expect: str, trial: str) -> Control:
    return Control(FINDING, function, why, expect, only=trial)


CONTROLS = (
    _control(answer_kept_in_bfloat16, "the second answer has eight bits of mantissa", "bfloat16 rounding", "all items"),
    _control(
        cached_by_set_of_texts, "the same texts in another order have their rows in another", "backwards", "backwards"
    ),
    _control(cached_by_last_texts, "other lists end alike", "Trial: second half", "second half"),
    _control(neighbours_merged, "a text that comes twice has two rows", "Trial: repeated", "repeated"),
    _control(single_dimensions_squeezed, "one text loses its row dimension", "expected (1, 96)", "one item"),
    _control(lengths_from_a_table, "a word is not a token", "Trial: fresh texts", "fresh texts"),
    _control(cached_by_identity_of_the_list, "a list can be filled anew", "Trial: refilled list", "refilled list"),
    _control(encoder_packed_once, "an SAE can be trained on", "Trial: other SAE weights", "other SAE weights"),
    _control(model_packed_once, "a model can be trained on", "Trial: other model weights", "other model weights"),
    _control(activations_cached_by_text, "a model can be edited", "Trial: other model weights", "other model weights"),
    Control(
        CATEGORY_LOOKUP,
        strong_features_cached_by_tensor,
        "a tensor can be written into",
        "Trial: features written into",
        only="features written into",
    ),
    Control(
        SAE_CACHE,
        answer_cached_by_path,
        "an SAE can be removed or downloaded between two calls",
        "Trial: other files",
        only="other files",
    ),
)
