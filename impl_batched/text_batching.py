"""Texts are run together: packed without padding, no further than the hook, and encoded once.

A model that `packed_forward` does not know is run as it is, on padded batches of texts of like length, or text by text
where one may change another's answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from .packed_forward import (
    encode,
    encodes_each_alone,
    has_each_block_once,
    last_token_values,
    padded_batches,
    tokenise,
)

if TYPE_CHECKING:
    from sae_lens import SAE
    from transformer_lens import HookedTransformer
    from transformer_lens.model_bridge import TransformerBridge

    HookedModel: TypeAlias = HookedTransformer | TransformerBridge

TOKEN_BUDGET = 512
"""Tokens in one padded pass. Large enough to keep two cores busy, small enough for their caches."""
APART = ("StandardSAE", "JumpReLUSAE", "GatedSAE")
"""SAELens's kinds whose features can be computed apart: a feature is its own sum, whatever the others are."""


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
    """SAE features at each text's last token, all texts together.

    Raises:
        ValueError: no texts, a text without tokens, a hook that the model lacks, or an SAE of another width.
        TypeError: `texts` is one string.
    """
    _check(model, hook_name, texts)
    with torch.no_grad():
        acts = _last_token_activations(model, hook_name, texts)
        _check_width(sae, hook_name, acts)
        return encode(sae, acts)


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
    with torch.no_grad():
        acts = _last_token_activations(model, hook_name, texts)
        _check_width(sae, hook_name, acts)
        activations = _encode_one_feature(sae, acts, feature_idx).tolist()
    return sorted(map(TextActivation, texts, activations), key=lambda row: -row.activation)


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
    features = extract_features(model, sae, hook_name, texts)
    strong = features > activation_threshold
    counts = strong.sum(dim=0)
    sums = torch.where(strong, features, 0).sum(dim=0, dtype=torch.float64)
    candidates = counts.nonzero().flatten()
    by_count = counts[candidates].sort(descending=True, stable=True).indices[:top_k]
    return [ConceptFeature(i, int(counts[i]), (sums[i] / counts[i]).item()) for i in candidates[by_count].tolist()]


def _last_token_activations(model: HookedModel, hook_name: str, texts: Sequence[str]) -> Float[Tensor, "text ..."]:
    """The hook's value at each text's last token, in the texts' order."""
    tokens = tokenise(model, texts)
    found = last_token_values(model, [hook_name], tokens)
    return _run_padded(model, hook_name, tokens) if found is None else found[hook_name]


def _run_padded(model: HookedModel, hook_name: str, tokens: Sequence[Tensor]) -> Float[Tensor, "text ..."]:
    """The same from the model itself. Padding is on the right, so under causal attention it changes no real position
    and needs no mask; elsewhere texts are run one at a time."""
    rows: dict[int, Tensor] = {}
    batches = [*padded_batches(model, tokens, TOKEN_BUDGET)]
    for batch in batches:
        padded = pad_sequence([tokens[i] for i in batch], batch_first=True)
        acts = _run_to_hook(model, hook_name, padded)
        last = torch.tensor([len(tokens[i]) - 1 for i in batch], device=acts.device)
        rows.update(zip(batch, acts[torch.arange(len(batch), device=acts.device), last], strict=True))
        # A NaN behind a text reaches it, since zero times NaN is NaN. Such a text is run again, alone.
        batches += [[i] for i in batch if len(batch) > 1 and not rows[i].isfinite().all()]
    return torch.stack([rows[i] for i in range(len(tokens))])


class _Reached(Exception):
    """Ends a forward pass at the hook; whatever lies above it is not computed."""


def _run_to_hook(
    model: HookedModel, hook_name: str, tokens: Float[Tensor, "batch pos"]
) -> Float[Tensor, "batch pos ..."]:
    """The hook's value. Stopping by an exception works for every hook and needs no layer arithmetic."""
    reached = []

    def stop(value: Tensor, hook: Any) -> None:
        reached.append(value)
        if has_each_block_once(model):
            raise _Reached

    try:
        model.run_with_hooks(tokens, return_type=None, fwd_hooks=[(hook_name, stop)], padding_side="right")
    except _Reached:
        pass
    return reached[-1]


def _encode_one_feature(sae: SAE[Any], acts: Float[Tensor, "text d_in"], feature_idx: int) -> Float[Tensor, "text ..."]:
    """One column of the features. It can be computed apart where no feature asks what the others are, as under top-k,
    and where nobody watches all of them or has put something of their own into the SAE."""
    kind = type(sae).__name__ if type(sae).__module__.startswith("sae_lens.") else "of another library"
    if kind not in APART or not encodes_each_alone(sae) or type(sae.activation_fn) is not torch.nn.ReLU:
        return encode(sae, acts)[:, feature_idx]
    inputs, weight = sae.process_sae_in(acts), sae.W_enc[:, feature_idx]
    if kind == "GatedSAE":
        is_on = inputs @ weight + sae.b_gate[feature_idx] > 0
        return is_on.to(sae.dtype) * sae.activation_fn(
            inputs @ (weight * sae.r_mag[feature_idx].exp()) + sae.b_mag[feature_idx]
        )
    before = inputs @ weight + sae.b_enc[feature_idx]
    feature = sae.activation_fn(before)
    return feature * (before > sae.threshold[feature_idx]) if kind == "JumpReLUSAE" else feature


def _check(model: HookedModel, hook_name: str, texts: Sequence[str]) -> None:
    if isinstance(texts, str):
        raise TypeError(f"texts: expected a sequence of strings, got one string {texts!r}")
    if not texts:
        raise ValueError("texts: expected at least one text, got none")
    if hook_name not in model.hook_dict:
        raise ValueError(f"hook_name: expected a hook of the model, got {hook_name!r}")


def _check_width(sae: SAE[Any], hook_name: str, acts: Tensor) -> None:
    if acts.shape[-1] != sae.cfg.d_in and acts[0].numel() != sae.cfg.d_in:
        raise ValueError(f"sae: expected d_in {acts.shape[-1]}, the width of {hook_name}, got {sae.cfg.d_in}")


def _check_feature(sae: SAE[Any], feature_idx: int) -> None:
    if not 0 <= feature_idx < sae.cfg.d_sae:
        raise IndexError(f"feature_idx: expected 0 to {sae.cfg.d_sae - 1}, got {feature_idx}")
