"""Wrong twins of finding 6."""

from typing import Any

import torch
from torch import Tensor

import impl_batched.grad_mode as batched

from ..findings.grad_mode import FINDING
from .control import Control


def grad_switched_off_for_good(model: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Turns autograd off for the whole program."""
    torch.set_grad_enabled(False)
    return batched.collect_activations(model, hook_name, texts)


def weights_frozen_for_good(model: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Switches requires_grad off on the user's model and leaves it so."""
    model.requires_grad_(False)
    return batched.collect_activations(model, hook_name, texts)


CONTROLS = (
    Control(
        FINDING,
        grad_switched_off_for_good,
        why="the next training step in the same program silently learns nothing",
        expect="grad mode",
    ),
    Control(
        FINDING,
        weights_frozen_for_good,
        why="the user's model can no longer be trained",
        expect="requires_grad of model",
    ),
)
