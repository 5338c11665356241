"""sae-bench's collector of activations over a HookedTransformer."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .passes import encoded, last_tokens, layer_read, made


def sae_bench(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """Features at each text's last token, by `get_llm_activations`."""
    from sae_bench.sae_bench_utils.activation_collection import get_llm_activations

    layer = layer_read(model, sae, hook_name, texts)
    known = made("sae_bench", model, layer, lambda: None)

    def run(tokens: Tensor) -> Tensor:
        value: Tensor = get_llm_activations(tokens, model, len(tokens), layer, hook_name, show_progress=False)
        return value

    with torch.no_grad():
        return encoded(sae, hook_name, last_tokens(known, texts, run))
