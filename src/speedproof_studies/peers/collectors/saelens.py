"""SAELens's own ways: `run_with_cache` as its documentation shows it, and its store of activations."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .passes import encoded, last_tokens, layer_read, made

WINDOW = 2
"""Tokens of the only context of the store's data, which is never read: tokens are handed to the store."""


def saelens_idiom(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """Features at each text's last token, by `run_with_cache` with one hook's name and the layer to stop at."""
    layer = layer_read(model, sae, hook_name, texts)
    known = made("saelens_idiom", model, layer, lambda: None)

    def run(tokens: Tensor) -> Tensor:
        _, cache = model.run_with_cache(tokens, names_filter=[hook_name], stop_at_layer=layer + 1, prepend_bos=False)
        value: Tensor = cache[hook_name]
        return value

    with torch.no_grad():
        return encoded(sae, hook_name, last_tokens(known, texts, run))


def saelens_store(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """Features at each text's last token, by `ActivationsStore.get_activations`.

    What the store does besides, joining texts into contexts of one length and shuffling, loses which text is which.
    """
    layer = layer_read(model, sae, hook_name, texts)
    known = made("saelens_store", model, layer, lambda: _store(model, sae, hook_name))
    with torch.no_grad():
        acts = last_tokens(known, texts, known.library.get_activations)
        return encoded(sae, hook_name, acts.reshape(len(texts), -1))


def _store(model: Any, sae: Any, hook_name: str) -> Any:
    from datasets import Dataset
    from sae_lens.training.activations_store import ActivationsStore

    return ActivationsStore(
        model=model,
        dataset=Dataset.from_dict({"tokens": [[0] * WINDOW]}),
        streaming=False,
        hook_name=hook_name,
        hook_head_index=None,
        context_size=WINDOW,
        d_in=sae.cfg.d_in,
        n_batches_in_buffer=2,
        total_training_tokens=1,
        store_batch_size_prompts=1,
        train_batch_size_tokens=WINDOW,
        prepend_bos=True,
        normalize_activations="none",
        device=torch.device("cpu"),
        dtype="float32",
    )
