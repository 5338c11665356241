"""Finding 1's ladder: from one text at a time to all texts together. Each rung is the one above it and one change."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

import impl_sequential.text_batching as sequential

BATCH_SIZE = 32
"""Texts in one forward pass: about what the next rung's token budget holds of the report's texts."""
TOKEN_BUDGET = 512
"""Tokens in one forward pass, padding included, as in the batched twin."""


def no_graph(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """The definition's loop under no_grad."""
    sequential._check(model, hook_name, texts)
    features = []
    with torch.no_grad():
        for text in texts:
            _, cache = model.run_with_cache(text)
            acts = cache[hook_name][0, -1, :]
            features.append(_encode(sae, hook_name, acts))
    return torch.cat(features)


def one_hook(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """The loop caches the one hook that is read, not all."""
    sequential._check(model, hook_name, texts)
    features = []
    with torch.no_grad():
        for text in texts:
            _, cache = model.run_with_cache(text, names_filter=[hook_name])
            acts = cache[hook_name][0, -1, :]
            features.append(_encode(sae, hook_name, acts))
    return torch.cat(features)


def no_logits(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """The loop asks for no logits, so that the product with the vocabulary is not taken."""
    sequential._check(model, hook_name, texts)
    features = []
    with torch.no_grad():
        for text in texts:
            _, cache = model.run_with_cache(text, names_filter=[hook_name], return_type=None)
            acts = cache[hook_name][0, -1, :]
            features.append(_encode(sae, hook_name, acts))
    return torch.cat(features)


def careful(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """The loop ends each pass at the hook: a loop with no_grad, the one hook and an early stop."""
    sequential._check(model, hook_name, texts)
    features = []
    with torch.no_grad():
        for text in texts:
            acts = _run_to_hook(model, hook_name, model.to_tokens(text))[0, -1, :]
            features.append(_encode(sae, hook_name, acts))
    return torch.cat(features)


def batch(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """Texts go through the model in batches of a fixed size, in the given order, padded on the right."""
    sequential._check(model, hook_name, texts)
    tokens = [model.to_tokens(text)[0] for text in texts]
    features = []
    with torch.no_grad():
        for start in range(0, len(texts), BATCH_SIZE):
            chosen = tokens[start : start + BATCH_SIZE]
            value = _run_to_hook(model, hook_name, pad_sequence(chosen, batch_first=True))
            for row, text_tokens in zip(value, chosen, strict=True):
                features.append(_encode(sae, hook_name, row[len(text_tokens) - 1]))
    return torch.cat(features)


def sort_and_budget(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """Batches hold texts of like length, as many as a token budget allows."""
    sequential._check(model, hook_name, texts)
    tokens = [model.to_tokens(text)[0] for text in texts]
    features: dict[int, Tensor] = {}
    with torch.no_grad():
        for chosen in _batches([len(t) for t in tokens]):
            value = _run_to_hook(model, hook_name, pad_sequence([tokens[i] for i in chosen], batch_first=True))
            for row, i in zip(value, chosen, strict=True):
                features[i] = _encode(sae, hook_name, row[len(tokens[i]) - 1])
    return torch.cat([features[i] for i in range(len(texts))])


def _encode(sae: Any, hook_name: str, acts: Tensor) -> Tensor:
    sequential._check_width(sae, hook_name, acts)
    return sae.encode(acts.unsqueeze(0))


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Texts in order of length, in runs within the token budget once padded; at least one text each."""
    chosen: list[int] = []
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        if chosen and (len(chosen) + 1) * lengths[i] > TOKEN_BUDGET:
            yield chosen
            chosen = []
        chosen.append(i)
    yield chosen


class _Reached(Exception):
    """Ends a forward pass at the hook."""


def _run_to_hook(model: Any, hook_name: str, tokens: Tensor) -> Tensor:
    """The hook's value, of shape [text, token, ...]; nothing above the hook is computed."""
    reached = []

    def stop(value: Tensor, hook: Any) -> None:
        reached.append(value)
        raise _Reached

    try:
        model.run_with_hooks(tokens, return_type=None, fwd_hooks=[(hook_name, stop)], padding_side="right")
    except _Reached:
        pass
    return reached[0]
