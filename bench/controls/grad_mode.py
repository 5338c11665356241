"""Wrong twins of finding 6."""

from typing import Any

import torch
from torch import Tensor

import impl_batched.grad_mode as batched
from bench.findings.grad_mode import FINDING
from speedproof.gate.control import Control


def grad_switched_off_for_good(model: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Turns autograd off for the whole program."""
    torch.set_grad_enabled(False)
    return batched.collect_activations(model, hook_name, texts)


def weights_frozen_for_good(model: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Switches requires_grad off on the user's model and leaves it so."""
    model.requires_grad_(False)
    return batched.collect_activations(model, hook_name, texts)


def training_mode_left_on(model: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Takes the grad mode for the training mode, and leaves the other one behind."""
    model.train()
    return batched.collect_activations(model, hook_name, texts)


def half_precision_for_memory(model: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Keeps the activations in half precision, since memory was the point."""
    return batched.collect_activations(model, hook_name, texts).half().float()


def all_positions_averaged(model: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Averages over positions, to keep one row a text."""
    with torch.no_grad():
        return torch.stack([model.run_with_cache(text)[1][hook_name][0].mean(dim=0) for text in texts])


def random_state_reset(model: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Seeds torch, so that the inference is reproducible."""
    torch.manual_seed(0)
    return batched.collect_activations(model, hook_name, texts)


def _control(function: Any, why: str, expect: str, only: str = "") -> Control:
    return Control(FINDING, function, why, expect, only=only)


CONTROLS = (
    _control(
        grad_switched_off_for_good,
        "the next training step in the same program silently learns nothing",
        "grad mode changed",
        "grad mode",
    ),
    _control(
        weights_frozen_for_good, "the user's model can no longer be trained", "requires_grad changed", "requires_grad"
    ),
    _control(training_mode_left_on, "dropout is on from here on", "training mode changed", "training mode"),
    _control(half_precision_for_memory, "ten bits of mantissa", "differs in"),
    _control(all_positions_averaged, "the mean of the positions is not the last token's activation", "differs in"),
    _control(
        random_state_reset,
        "every sample the user draws afterwards is the same",
        "torch random state changed",
        "torch random state",
    ),
)
