"""Finding 6's ladder: its batched twin changes the grad mode alone; the rungs above it show what else a loop wastes."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

import impl_sequential.grad_mode as sequential


def one_hook(model: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """The loop caches the one hook that is read, not all."""
    sequential._check(model, hook_name, texts)
    activations = []
    with torch.no_grad():
        for text in texts:
            _, cache = model.run_with_cache(text, names_filter=[hook_name])
            activations.append(cache[hook_name][0, -1, :])
    return torch.stack(activations)


def no_logits(model: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """The loop asks for no logits, so that the product with the vocabulary is not taken."""
    sequential._check(model, hook_name, texts)
    activations = []
    with torch.no_grad():
        for text in texts:
            _, cache = model.run_with_cache(text, names_filter=[hook_name], return_type=None)
            activations.append(cache[hook_name][0, -1, :])
    return torch.stack(activations)


def careful(model: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """The loop ends each pass at the hook: a loop with no_grad, the one hook and an early stop."""
    sequential._check(model, hook_name, texts)
    with torch.no_grad():
        return torch.stack([_run_to_hook(model, hook_name, text)[0, -1, :] for text in texts])


class _Reached(Exception):
    """Ends a forward pass at the hook."""


def _run_to_hook(model: Any, hook_name: str, text: str) -> Tensor:
    """The hook's value, of shape [1, token, ...]; nothing above the hook is computed."""
    reached = []

    def stop(value: Tensor, hook: Any) -> None:
        reached.append(value)
        raise _Reached

    try:
        model.run_with_hooks(text, return_type=None, fwd_hooks=[(hook_name, stop)])
    except _Reached:
        pass
    return reached[0]
