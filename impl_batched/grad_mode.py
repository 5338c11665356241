"""The same loop without the autograd graph, and nothing else changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

if TYPE_CHECKING:
    from transformer_lens import HookedTransformer
    from transformer_lens.model_bridge import TransformerBridge

    HookedModel: TypeAlias = HookedTransformer | TransformerBridge


def collect_activations(model: HookedModel, hook_name: str, texts: Sequence[str]) -> Float[Tensor, "text d_model"]:
    """The hook's value at each text's last token, with autograd recording nothing.

    Raises:
        ValueError: no texts, or a hook that the model lacks.
        TypeError: `texts` is one string.
    """
    _check(model, hook_name, texts)
    activations = []
    with torch.no_grad():
        for text in texts:
            logits, cache = model.run_with_cache(text)
            acts = cache[hook_name][0, -1, :]
            activations.append(acts)
    return torch.stack(activations)


def _check(model: HookedModel, hook_name: str, texts: Sequence[str]) -> None:
    if isinstance(texts, str):
        raise TypeError(f"texts: expected a sequence of strings, got one string {texts!r}")
    if not texts:
        raise ValueError("texts: expected at least one text, got none")
    if hook_name not in model.hook_dict:
        raise ValueError(f"hook_name: expected a hook of the model, got {hook_name!r}")
