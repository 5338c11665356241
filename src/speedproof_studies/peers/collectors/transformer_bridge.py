"""TransformerLens 3's `TransformerBridge` over a Transformers model of the same weights."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .gpt2 import gpt2_lm
from .passes import encoded, last_tokens, layer_read, made


def transformer_bridge(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """Features at each text's last token, by the bridge's `run_with_cache` as `saelens_idiom` calls it."""
    layer = layer_read(model, sae, hook_name, texts)
    known = made("transformer_bridge", model, layer, lambda: _bridge(model))

    def run(tokens: Tensor) -> Tensor:
        _, cache = known.library.run_with_cache(tokens, names_filter=[hook_name], stop_at_layer=layer + 1)
        value: Tensor = cache[hook_name]
        return value

    with torch.no_grad():
        return encoded(sae, hook_name, last_tokens(known, texts, run))


def _bridge(model: Any) -> Any:
    from transformer_lens.model_bridge import TransformerBridge

    # Booting draws random numbers, although every weight is given.
    with torch.random.fork_rng(devices=[]):
        return TransformerBridge.boot_transformers(
            "gpt2", hf_model=gpt2_lm(model), tokenizer=model.tokenizer, device="cpu"
        )
