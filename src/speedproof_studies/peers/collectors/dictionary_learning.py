"""dictionary-learning's collector: a hook on the block before, which ends the pass."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .gpt2 import gpt2_model
from .passes import encoded, last_tokens, layer_read, made


def dictionary_learning(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """Features at each text's last token, by `collect_activations` of the library's PyTorch buffer."""
    from dictionary_learning.pytorch_buffer import collect_activations

    layer = layer_read(model, sae, hook_name, texts)
    known = made("dictionary_learning", model, layer, lambda: gpt2_model(model, model.cfg.n_layers))
    read = known.library.h[layer - 1] if layer else known.library.drop

    def run(tokens: Tensor) -> Tensor:
        value: Tensor = collect_activations(known.library, read, {"input_ids": tokens, "use_cache": False})
        return value

    with torch.no_grad():
        return encoded(sae, hook_name, last_tokens(known, texts, run))
