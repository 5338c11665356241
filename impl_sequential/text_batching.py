"""Texts are run one at a time. Efficiency report, finding 1, as written there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

if TYPE_CHECKING:
    from sae_lens import SAE
    from transformer_lens import HookedTransformer
    from transformer_lens.model_bridge import TransformerBridge

    HookedModel: TypeAlias = HookedTransformer | TransformerBridge


class TextActivation(NamedTuple):
    """How strongly one feature fires at a text's last token."""

    text: str
    activation: float


class ConceptFeature(NamedTuple):
    """A feature that fires strongly on a concept's texts."""

    feature_idx: int
    strong_count: int
    mean_strength: float


def extract_features(
    model: HookedModel, sae: SAE[Any], hook_name: str, texts: Sequence[str]
) -> Float[Tensor, "text d_sae"]:
    """SAE features at each text's last token, one text at a time.

    Raises:
        ValueError: no texts, a hook that the model lacks, or an SAE of another width than the hook's.
        TypeError: `texts` is one string.
    """
    _check(model, hook_name, texts)
    features = []
    for text in texts:
        logits, cache = model.run_with_cache(text)
        acts = cache[hook_name][0, -1, :]
        _check_width(sae, hook_name, acts)
        with torch.no_grad():
            features.append(sae.encode(acts.unsqueeze(0)))
    return torch.cat(features)


def explore_feature(
    model: HookedModel, sae: SAE[Any], hook_name: str, texts: Sequence[str], feature_idx: int
) -> list[TextActivation]:
    """Texts ranked by one feature's activation at their last token, strongest first, ties in the texts' order.

    Raises:
        ValueError: as `extract_features`.
        IndexError: the SAE has no feature `feature_idx`.
    """
    _check(model, hook_name, texts)
    _check_feature(sae, feature_idx)
    activations = []
    for text in texts:
        logits, cache = model.run_with_cache(text)
        acts = cache[hook_name][0, -1, :]
        _check_width(sae, hook_name, acts)
        with torch.no_grad():
            features = sae.encode(acts.unsqueeze(0))
        activations.append(TextActivation(text, features[0, feature_idx].item()))
    return sorted(activations, key=lambda row: -row.activation)


def find_features_for_concept(
    model: HookedModel,
    sae: SAE[Any],
    hook_name: str,
    texts: Sequence[str],
    top_k: int = 10,
    activation_threshold: float = 5.0,
) -> list[ConceptFeature]:
    """Features above the threshold on most of a concept's texts, by (-strong count, index), at most `top_k`.

    The mean strength is over the texts on which the feature is above the threshold. Features that are above it
    nowhere are left out.

    Raises:
        ValueError: as `extract_features`.
    """
    _check(model, hook_name, texts)
    counts: dict[int, int] = {}
    sums: dict[int, float] = {}
    for text in texts:
        logits, cache = model.run_with_cache(text)
        acts = cache[hook_name][0, -1, :]
        _check_width(sae, hook_name, acts)
        with torch.no_grad():
            features = sae.encode(acts.unsqueeze(0))[0]
        for feature_idx in (features > activation_threshold).nonzero().flatten().tolist():
            counts[feature_idx] = counts.get(feature_idx, 0) + 1
            sums[feature_idx] = sums.get(feature_idx, 0.0) + features[feature_idx].item()
    ranked = sorted(counts, key=lambda feature_idx: (-counts[feature_idx], feature_idx))[:top_k]
    return [ConceptFeature(i, counts[i], sums[i] / counts[i]) for i in ranked]


def _check(model: HookedModel, hook_name: str, texts: Sequence[str]) -> None:
    if isinstance(texts, str):
        raise TypeError(f"texts: expected a sequence of strings, got one string {texts!r}")
    if not texts:
        raise ValueError("texts: expected at least one text, got none")
    if hook_name not in model.hook_dict:
        raise ValueError(f"hook_name: expected a hook of the model, got {hook_name!r}")


def _check_width(sae: SAE[Any], hook_name: str, acts: Tensor) -> None:
    if acts.shape[-1] != sae.cfg.d_in and acts.numel() != sae.cfg.d_in:
        raise ValueError(f"sae: expected d_in {acts.shape[-1]}, the width of {hook_name}, got {sae.cfg.d_in}")


def _check_feature(sae: SAE[Any], feature_idx: int) -> None:
    if not 0 <= feature_idx < sae.cfg.d_sae:
        raise IndexError(f"feature_idx: expected 0 to {sae.cfg.d_sae - 1}, got {feature_idx}")
