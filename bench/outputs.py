"""What can be said of an output without knowing the answer: whose memory it is in, and whether autograd can use it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor

from .aspects.content import content
from .aspects.walk import version
from .digest import digest
from .errors import NotEquivalent


def objections(
    output: Any, earlier: Sequence[Any], foreign: set[int], usual: tuple[bool, bool]
) -> Iterator[NotEquivalent]:
    """One for each rule that the output breaks by what it is.

    `earlier` are outputs of other calls, still alive; `foreign` is other memory that no output may share; `usual` is
    how autograd sees the definition's output.
    """
    held = {place for other in earlier for place in memory(other)}
    if memory(output) & (held | foreign):
        whose = "an earlier output" if memory(output) & held else "an input or a weight"
        yield NotEquivalent(
            "own memory", f"returns memory that {whose} holds, so one changes with the other. Expected a new output."
        )
    graph, inference = autograd(output)
    if graph != usual[0]:
        yield NotEquivalent(
            "autograd", f"output {'carries' if graph else 'lacks'} an autograd graph, unlike the definition's."
        )
    if inference and not usual[1]:
        yield NotEquivalent(
            "autograd", "output is an inference tensor, which raises when it later meets autograd. Clone it outside."
        )


def autograd(output: Any) -> tuple[bool, bool]:
    """Whether any tensor in the output requires grad, and whether any is an inference tensor."""
    tensors = list(_tensors(output))
    return any(t.requires_grad for t in tensors), any(t.is_inference() for t in tensors)


def memory(value: Any) -> set[int]:
    """Addresses of what a later call could write into: tensors' storage, lists, dictionaries."""
    found = {tensor.untyped_storage().data_ptr() for tensor in _tensors(value)}
    found |= {id(container) for container in _containers(value) if isinstance(container, list | dict)}
    return found - {0}


def fingerprint(inputs: Mapping[str, Any]) -> str:
    """Changes when a call changes its inputs: plain data by content, tensors by version and by content, since who
    writes through `.data` raises no version, other objects by identity."""
    return digest({name: _mark(value) for name, value in inputs.items()})


def _mark(value: Any) -> Any:
    if isinstance(value, Tensor):
        return version(value), value.data_ptr(), tuple(value.shape), value.stride(), content(value)
    if isinstance(value, dict):
        return [(repr(k), _mark(v)) for k, v in value.items()]
    if isinstance(value, list | tuple):
        return [_mark(v) for v in value]
    return value if isinstance(value, str | int | float | None) else id(value)


def _containers(value: Any) -> Iterator[Any]:
    yield value
    if is_dataclass(value) and not isinstance(value, type):
        parts = [getattr(value, field.name) for field in fields(value)]
    else:
        is_tree = isinstance(value, list | tuple | dict)
        parts = list(value.values() if isinstance(value, dict) else value) if is_tree else []
    for part in parts:
        yield from _containers(part)


def _tensors(value: Any) -> Iterator[Tensor]:
    return (part for part in _containers(value) if isinstance(part, torch.Tensor))
