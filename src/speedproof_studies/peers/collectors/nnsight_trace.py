"""nnsight: a trace that reads the block's input and stops there."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .gpt2 import gpt2_model
from .passes import encoded, last_tokens, layer_read, made


def nnsight_trace(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """Features at each text's last token, by nnsight over Transformers' model, with an early stop at the hook."""
    layer = layer_read(model, sae, hook_name, texts)
    known = made("nnsight_trace", model, layer, lambda: _wrapped(model))
    wrapped = known.library

    def run(tokens: Tensor) -> Tensor:
        with wrapped.trace(tokens, use_cache=False) as tracer:
            hidden = wrapped.h[layer].input.save()
            tracer.stop()
        value: Tensor = hidden
        return value

    with torch.no_grad():
        return encoded(sae, hook_name, last_tokens(known, texts, run))


def _wrapped(model: Any) -> Any:
    from nnsight import NNsight

    return NNsight(gpt2_model(model, model.cfg.n_layers))
