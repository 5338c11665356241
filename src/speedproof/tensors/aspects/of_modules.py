"""The subject's modules: hooks, tensors, gradients, modes, attributes, configurations."""

from functools import cached_property, partial
from typing import Any

import torch

from speedproof.pairs.aspect import Aspect, Key, Scene

from .content import content
from .walk import Kept, Walk, in_bytes, refill, version, walk_of


def _leaves(name: str, scene: Scene) -> dict[Key, Any]:
    return walk_of(scene).leaves[name]


def _refill(scene: Scene, _: Any) -> None:
    """Everything that hangs there as it was, and the tensors that it holds.

    All at once, since one hangs on another: TransformerLens makes new lists when it takes its hooks away, and who puts
    the old lists back must empty them.
    """
    for holders in walk_of(scene).holders.values():
        refill(holders)
    _refill_tensors(walk_of(scene))


def _refill_tensors(walk: Walk) -> None:
    with torch.no_grad():
        for kept in walk.tensors:
            _put_tensor_back(kept)


def _put_tensor_back(kept: Kept) -> None:
    tensor, data, storage = kept.tensor, kept.data, kept.data.untyped_storage()
    form = (data.data_ptr(), data.shape, data.stride())
    if (tensor.data_ptr(), tensor.shape, tensor.stride()) != form:
        tensor.data = data
    if storage.nbytes() != kept.held.nbytes:
        storage.resize_(kept.held.nbytes)
    if content(data) != content(kept.held):
        in_bytes(data).copy_(kept.held)
    if kept.version is not None and version(tensor) != kept.version:
        torch._C._autograd._unsafe_set_version_counter((tensor,), (kept.version,))


def _flag_back(scene: Scene, _: Any) -> None:
    for kept in walk_of(scene).tensors:
        if kept.tensor.is_leaf and kept.tensor.requires_grad != kept.requires_grad:
            kept.tensor.requires_grad_(kept.requires_grad)


def _gradients_back(scene: Scene, _: Any) -> None:
    for kept in walk_of(scene).tensors:
        if kept.tensor.is_leaf and kept.tensor.grad is not kept.grad:
            kept.tensor.grad = kept.grad


def _modes_back(scene: Scene, _: Any) -> None:
    for path, module in walk_of(scene).modules:
        module.training = walk_of(scene).leaves["training mode"][Key(path, "training")]


def _is_no_declared_cache(key: Key, scene: Scene) -> bool:
    """A property that its class declares to be cached is made when it is first asked for."""
    owner = walk_of(scene).owners.get(key.owner)
    return not isinstance(getattr(type(owner), key.name, None), cached_property)


def _aspect(name: str, may_be_usual: bool = False) -> Aspect:
    return Aspect(
        name,
        partial(_leaves, name),
        _refill,
        counts=_is_no_declared_cache,
        may_be_usual=may_be_usual,
        of_subject=True,
    )


MODULES = (
    _aspect("hooks"),
    Aspect("requires_grad", partial(_leaves, "requires_grad"), _flag_back, of_subject=True),
    _aspect("weights", may_be_usual=True),
    Aspect("gradients", partial(_leaves, "gradients"), _gradients_back, of_subject=True),
    Aspect("training mode", partial(_leaves, "training mode"), _modes_back, of_subject=True),
    _aspect("attributes", may_be_usual=True),
    _aspect("configuration", may_be_usual=True),
)
