"""Transformers alone: `GPT2Model` with the blocks up to the layer, and PyTorch's own attention."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .gpt2 import gpt2_model
from .passes import encoded, last_tokens, layer_read, made


def transformers_cut(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """Features at each text's last token, by a Transformers model that ends at the hook.

    Texts are padded behind, where causal attention sees nothing of it, so no mask is needed, which is faster.
    """
    layer = layer_read(model, sae, hook_name, texts)
    known = made("transformers_cut", model, layer, lambda: gpt2_model(model, layer))
    with torch.no_grad():
        acts = last_tokens(known, texts, lambda tokens: known.library(tokens, use_cache=False).last_hidden_state)
        return encoded(sae, hook_name, acts)
