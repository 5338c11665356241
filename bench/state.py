"""What a twin must leave as it found it: hooks, grad mode, flags, random state, global settings."""

import hashlib
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from .errors import NotEquivalent
from .subject import Subject


def snapshot(subject: Subject, with_model: bool) -> dict[str, Any]:
    """The state outside a call that a call could change, by the name a user would give it."""
    seen: dict[str, Any] = {
        "grad mode": torch.is_grad_enabled(),
        "inference mode": torch.is_inference_mode_enabled(),
        "default dtype": torch.get_default_dtype(),
        "thread count": torch.get_num_threads(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "matrix multiply precision": torch.get_float32_matmul_precision(),
        "torch random state": hashlib.sha256(torch.get_rng_state().numpy().tobytes()).hexdigest(),
        "python random state": hash(random.getstate()),
        "environment variables": hash(frozenset(os.environ.items())),
        "working directory": os.getcwd(),
    }
    if with_model:
        for name, module in {"model": subject.model, **subject.saes}.items():
            seen |= _module_state(name, module)
    return seen


def _module_state(name: str, module: Any) -> dict[str, Any]:
    return {
        f"hooks on {name}": [
            (point, len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks))
            for point, m in module.named_modules()
            if m._forward_hooks or m._forward_pre_hooks or m._backward_hooks
        ],
        f"requires_grad of {name}": [p.requires_grad for p in module.parameters()],
        f"weights of {name}": [(p.data_ptr(), p._version) for p in module.parameters()],
        f"training mode of {name}": [m.training for m in module.modules()],
        f"padding side of {name}": getattr(getattr(module, "tokenizer", None), "padding_side", None),
    }


@contextmanager
def restored(subject: Subject, with_model: bool) -> Iterator[None]:
    """Puts back what a bad twin is known to leave changed, so that it spoils its own check and no later one."""
    modules = [subject.model, *subject.saes.values()] if with_model else []
    flags = [(p, p.requires_grad) for module in modules for p in module.parameters()]
    modes = [(m, m.training) for module in modules for m in module.modules()]
    n_threads, dtype, rng, python_rng = (
        torch.get_num_threads(),
        torch.get_default_dtype(),
        torch.get_rng_state(),
        random.getstate(),
    )
    try:
        with torch.set_grad_enabled(torch.is_grad_enabled()):
            yield
    finally:
        for parameter, flag in flags:
            parameter.requires_grad_(flag)
        for module, training in modes:
            module.training = training
        torch.set_num_threads(n_threads)
        torch.set_default_dtype(dtype)
        torch.set_rng_state(rng)
        random.setstate(python_rng)


def require_unchanged(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Raises NotEquivalent naming everything that the call left changed."""
    changed = [name for name, value in before.items() if after[name] != value]
    if changed:
        raise NotEquivalent(
            f"leaves state behind: {', '.join(changed)} changed. Expected everything as before the call."
        )
