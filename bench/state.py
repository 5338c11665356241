"""What a call must leave as it found it, aspect by aspect: each is a rule of the gate by itself."""

import hashlib
import os
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from . import patches
from .errors import NotEquivalent
from .subject import Subject

Modules = Mapping[str, Any]
"""The subject's model and SAEs by name; empty for a finding that uses none."""


def _hooks(modules: Modules) -> Any:
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")
    points = [(name, point, m) for name, module in modules.items() for point, m in module.named_modules()]
    seen = [(name, point, *(tuple(getattr(m, kind)) for kind in kinds)) for name, point, m in points]
    return [entry for entry in seen if any(entry[2:])]


def _padding_side(modules: Modules) -> Any:
    return [getattr(getattr(module, "tokenizer", None), "padding_side", None) for module in modules.values()]


def _random_state() -> str:
    states = [torch.get_rng_state()]
    if torch.cuda.is_available():
        states += torch.cuda.get_rng_state_all()
    return hashlib.sha256(b"".join(s.numpy().tobytes() for s in states)).hexdigest()


def _attributes(modules: Modules) -> Any:
    """Callables that hang on the instances themselves; one of them may hide a method."""
    return {name: sorted(k for k, v in vars(module).items() if callable(v)) for name, module in modules.items()}


def _precision() -> Any:
    backends = (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32, torch.backends.mkldnn.enabled)
    return torch.get_float32_matmul_precision(), *backends


def _parameters(modules: Modules) -> Iterator[torch.nn.Parameter]:
    return (p for module in modules.values() for p in module.parameters())


ASPECTS: dict[str, Callable[[Modules], Any]] = {
    "hooks": _hooks,
    "requires_grad": lambda modules: [p.requires_grad for p in _parameters(modules)],
    "weights": lambda modules: [(p.data_ptr(), p._version) for p in _parameters(modules)],
    "training mode": lambda modules: [m.training for module in modules.values() for m in module.modules()],
    "padding side": _padding_side,
    "grad mode": lambda _: (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
    "default dtype": lambda _: torch.get_default_dtype(),
    "thread count": lambda _: torch.get_num_threads(),
    "deterministic algorithms": lambda _: torch.are_deterministic_algorithms_enabled(),
    "matrix multiply precision": lambda _: _precision(),
    "torch random state": lambda _: _random_state(),
    "python random state": lambda _: random.getstate(),
    "environment variables": lambda _: dict(os.environ),
    "working directory": lambda _: os.getcwd(),
    "running threads": lambda _: sorted(thread.name for thread in threading.enumerate()),
    "files": lambda _: patches.files(),
    "attributes": _attributes,
    "functions": lambda _: patches.functions(),
}
"""Aspect -> what can be seen of it. A refusal names the aspect as its rule."""


def snapshot(modules: Modules) -> dict[str, Any]:
    """Every aspect as it is now."""
    return {name: look(modules) for name, look in ASPECTS.items()}


def objections(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[NotEquivalent]:
    """One for each aspect that a call left changed."""
    for name, value in before.items():
        seen, shown = after[name], ""
        if name == "functions":
            # A library may load more of itself; only what was there before counts.
            seen = {place: seen.get(place) for place in value}
            shown = f" ({', '.join([place for place in value if seen[place] != value[place]][:3])})"
        if name == "files" and before["working directory"] != after["working directory"]:
            # The names in another folder say nothing of what was written.
            value, seen = value.written, seen.written
        if seen != value:
            told = f"leaves state behind: {name} changed{shown}. Expected everything as before the call."
            yield NotEquivalent(name, told)


def modules_of(subject: Subject, uses_model: bool) -> dict[str, Any]:
    """The modules whose state counts."""
    return {"model": subject.model, **subject.saes} if uses_model else {}


@contextmanager
def restored(modules: Modules) -> Iterator[None]:
    """Puts back what a bad twin is known to leave changed, so that it spoils its own check and no later one."""
    flags = [(p, p.requires_grad) for p in _parameters(modules)]
    modes = [(m, m.training) for module in modules.values() for m in module.modules()]
    hooks = [(m, dict(m._forward_hooks)) for module in modules.values() for m in module.modules()]
    sides = [(t, t.padding_side) for m in modules.values() if (t := getattr(m, "tokenizer", None)) is not None]
    threads, dtype, precision = torch.get_num_threads(), torch.get_default_dtype(), torch.get_float32_matmul_precision()
    rng, python_rng, deterministic = (
        torch.get_rng_state(),
        random.getstate(),
        torch.are_deterministic_algorithms_enabled(),
    )
    environment, folder, functions = dict(os.environ), os.getcwd(), patches.functions()
    attributes, running = _attributes(modules), set(threading.enumerate())
    tf32 = torch.backends.cudnn.allow_tf32
    try:
        with torch.set_grad_enabled(torch.is_grad_enabled()):
            yield
    finally:
        for parameter, flag in flags:
            parameter.requires_grad_(flag)
        for module, training in modes:
            module.training = training
        for module, points in hooks:
            for handle in set(module._forward_hooks) - set(points):
                del module._forward_hooks[handle]
        for tokenizer, side in sides:
            tokenizer.padding_side = side
        torch.set_num_threads(threads)
        torch.set_default_dtype(dtype)
        torch.set_float32_matmul_precision(precision)
        torch.backends.cudnn.allow_tf32 = tf32
        torch.use_deterministic_algorithms(deterministic)
        torch.set_rng_state(rng)
        random.setstate(python_rng)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        patches.put_back(functions)
        for name, names in attributes.items():
            for added in set(_attributes(modules)[name]) - set(names):
                delattr(modules[name], added)
        # Of threads, only a timer can be ended from outside.
        for thread in set(threading.enumerate()) - running:
            if isinstance(thread, threading.Timer):
                thread.cancel()
                thread.join()
