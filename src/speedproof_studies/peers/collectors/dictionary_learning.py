"""dictionary-learning's collector: its buffer of activations, which reads through nnsight and stops."""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .gpt2 import gpt2_lm
from .passes import Made, encoded, layer_read, made, passes, tokenised, with_bos


def dictionary_learning(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """Features at each text's last token, by `ActivationBuffer.refresh`, a pass at a time.

    The buffer holds the activations of all tokens, text after text; what it does besides is to draw of them at random.
    """
    layer = layer_read(model, sae, hook_name, texts)
    known = made("dictionary_learning", model, layer, lambda: _wrapped(model))
    tokens = tokenised(known, texts)
    rows: dict[int, Tensor] = {}
    with torch.no_grad():
        for chosen in passes([len(one) for one in tokens]):
            ends = torch.tensor([len(tokens[i]) for i in chosen]).cumsum(0)
            acts = _collected(known, layer, [texts[i] for i in chosen], int(ends[-1]))
            rows.update(zip(chosen, acts[ends - 1], strict=True))
        return encoded(sae, hook_name, torch.stack([rows[i] for i in range(len(texts))]))


def _collected(known: Made, layer: int, texts: Sequence[str], n_tokens: int) -> Tensor:
    """The block's input at all tokens of these texts, one after another. The buffer tokenises the texts itself."""
    from dictionary_learning.buffer import ActivationBuffer

    cfg, wrapped = known.model.cfg, known.library
    buffer = ActivationBuffer(
        iter(with_bos(known, texts)),
        wrapped,
        wrapped.transformer.h[layer - 1] if layer else wrapped.transformer.drop,
        d_submodule=cfg.d_model,
        n_ctxs=1,
        ctx_len=cfg.n_ctx,
        refresh_batch_size=len(texts),
    )
    # It counts in contexts of one length, which texts do not fill.
    buffer.activation_buffer_size = n_tokens
    buffer.refresh()
    found: Tensor = buffer.activations
    return found


def _wrapped(model: Any) -> Any:
    from nnsight import LanguageModel

    return LanguageModel(gpt2_lm(model), tokenizer=copy.deepcopy(model.tokenizer))
