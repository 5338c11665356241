"""Everything that hangs on the subject's modules, by name, and what it takes to hang it there again."""

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any

import torch
from torch import Tensor

from speedproof.pairs.aspect import Key, Scene
from speedproof.pairs.marks import Same, mark

from .content import Memory, content

MANY = 1000
"""Items from which on a container is marked as one value, since it is data and no setting."""
OF_TORCH = vars(torch.nn.Module())
HOOKS = {*(name for name in OF_TORCH if "hook" in name and isinstance(OF_TORCH[name], dict)), "fwd_hooks", "bwd_hooks"}
"""Attributes that hold hooks: torch's by kind, and TransformerLens's lists of its own."""
TENSORS = ("_parameters", "_buffers")


@dataclass
class Kept:
    """A tensor, and what puts it back: its memory, a copy of what that held, its version, its flag and its gradient."""

    tensor: Tensor
    data: Tensor
    held: Tensor
    version: int | None
    requires_grad: bool
    grad: Tensor | None


class Walk:
    """All that is found from some modules on, by aspect. With `keep` tensors are copied, so that they can be put back.

    Modules and containers are looked into, and configurations: dataclasses, pydantic models, and classes that are
    called so. Every other object is known by its identity, or by its value where it has one.
    """

    def __init__(self, modules: Mapping[str, Any], keep: bool = False) -> None:
        self.keep = keep
        self.leaves: defaultdict[str, dict[Key, Any]] = defaultdict(dict)
        self.holders: defaultdict[str, list[tuple[Any, Any]]] = defaultdict(list)
        """Aspect -> containers, each with a shallow copy of what it holds."""
        self.modules: list[tuple[str, torch.nn.Module]] = []
        self.owners: dict[str, Any] = {}
        """Modules and configurations by name."""
        self.tensors: list[Kept] = []
        self._met: set[int] = set()
        self._contents: Memory = {}
        self._copies: dict[int, Any] = {}
        # The modules that are registered come first, so that each has one name whatever else points at it.
        named = [(f"{name}.{n}".rstrip("."), m) for name, top in modules.items() for n, m in top.named_modules()]
        self._met |= {id(module) for _, module in named}
        for path, module in named:
            self._module(path, module)

    def _module(self, path: str, module: torch.nn.Module) -> None:
        self.modules.append((path, module))
        self.owners[path] = module
        self._hold("attributes", vars(module))
        for name, value in list(vars(module).items()):
            if name in TENSORS:
                self._hold("weights", value)
                for key, tensor in value.items():
                    self._weight(Key(path, key), tensor)
            elif name == "training":
                self.leaves["training mode"][Key(path, name)] = value
            elif is_note(module, name):
                continue
            elif name not in HOOKS:
                self.look("attributes", Key(path, name), value)
            elif value or id(value) in self._met:
                self.look("hooks", Key(path, name), value)
            else:
                # Nearly all are empty, and there are thousands.
                self.holders["hooks"].append((value, ()))

    def _weight(self, key: Key, tensor: Tensor | None) -> None:
        if tensor is None:
            self.leaves["weights"][key] = None
            return
        self._keep(tensor)
        place = (tensor.data_ptr(), version(tensor)) if tensor.device.type != "meta" else ()
        form = (tensor.dtype, tuple(tensor.shape), tensor.stride(), tensor.storage_offset())
        self.leaves["weights"][key] = (Same(tensor), *place, *form, content(tensor, self._contents))
        self.leaves["requires_grad"][key] = tensor.requires_grad
        grad = tensor.grad if tensor.is_leaf else None
        self.leaves["gradients"][key] = None if grad is None else (Same(grad), content(grad, self._contents))

    def _keep(self, tensor: Tensor) -> None:
        if self.keep:
            place = tensor.untyped_storage().data_ptr()
            if place not in self._copies:
                self._copies[place] = in_bytes(tensor.data).clone()
            grad = tensor.grad if tensor.is_leaf else None
            held = self._copies[place]
            self.tensors.append(Kept(tensor, tensor.data, held, version(tensor), tensor.requires_grad, grad))

    def _hold(self, aspect: str, container: Any) -> None:
        copied = dict if isinstance(container, dict) else set if isinstance(container, set) else list
        self.holders[aspect].append((container, copied(container)))

    def look(self, aspect: str, key: Key, value: Any) -> None:
        """Notes what stands there, and all that is in it."""
        leaves = self.leaves[aspect]
        if isinstance(value, Tensor):
            self._keep(value)
            # By identity too: who writes the same again has written, as a forward pass writes notes of its input.
            leaves[key] = (Same(value), value.dtype, tuple(value.shape), content(value, self._contents))
        elif isinstance(value, torch.nn.Module):
            leaves[key] = Same(value)
            if self._is_new(value):
                self._module(str(key), value)
        elif is_tokenizer(value):
            leaves[key] = Same(value)
        elif isinstance(value, dict | list | tuple | set | frozenset | deque):
            self._container(aspect, key, value)
        elif is_configuration(value):
            leaves[key] = Same(value)
            if self._is_new(value):
                self._settings("hooks" if aspect == "hooks" else "configuration", str(key), value)
        else:
            leaves[key] = mark(value)

    def _settings(self, aspect: str, path: str, value: Any) -> None:
        self._hold(aspect, vars(value))
        self.owners[path] = value
        for name, one in list(vars(value).items()):
            self.look(aspect, Key(path, name), one)

    def _container(self, aspect: str, key: Key, value: Any) -> None:
        leaves, (owner, name, inside) = self.leaves[aspect], key
        # The order of hooks is the order in which they act.
        leaves[key] = tuple(value) if aspect == "hooks" and isinstance(value, dict) else type(value).__name__
        if not self._is_new(value):
            return
        if isinstance(value, dict | list | set | deque):
            self._hold(aspect, value)
        if isinstance(value, set | frozenset) or len(value) > MANY:
            leaves[key] = type(value).__name__, len(value), _as_one(value)
            return
        for place, one in list(value.items() if isinstance(value, dict) else enumerate(value)):
            shown = place if isinstance(place, str | int) else type(place).__name__ + str(id(place))
            self.look(aspect, Key(owner, name, f"{inside}[{shown}]"), one)

    def _is_new(self, value: Any) -> bool:
        is_new = id(value) not in self._met
        self._met.add(id(value))
        return is_new


def walk_of(scene: Scene) -> Walk:
    """What hangs on the scene's modules; walked once, for all aspects that ask."""
    return scene.once("walk", lambda: Walk(scene.modules, scene.keep))


def _as_one(value: Any) -> int:
    """One number for a set or for a large container."""
    try:
        return hash(frozenset(value)) if isinstance(value, set | frozenset) else hash(tuple(_items(value)))
    except TypeError:
        return hash(tuple(map(id, _items(value))))


def _items(value: Any) -> Any:
    return value.items() if isinstance(value, dict) else value


def in_bytes(data: Tensor) -> Tensor:
    """All the memory that a tensor's own is a part of."""
    return torch.empty(0, dtype=torch.uint8, device=data.device).set_(data.untyped_storage())


def version(tensor: Tensor) -> int | None:
    """How often autograd saw the tensor changed; inference tensors do not count."""
    return None if tensor.is_inference() else tensor._version


def is_tokenizer(value: Any) -> bool:
    """Whether it is a tokenizer, by what its class has: an object may answer any question about itself."""
    return hasattr(type(value), "convert_tokens_to_ids")


def is_note(module: torch.nn.Module, name: str) -> bool:
    """Whether it is a private flag that the class itself declares with its default.

    A bridge's parts note by such that a hook has fired in this pass; a pass that stops early notes otherwise.
    """
    return name.startswith("_") and type(getattr(type(module), name, None)) is bool


def is_configuration(value: Any) -> bool:
    """Whether it is an object of settings: a dataclass, a pydantic model, or of a class that is called so."""
    kind = type(value)
    called_so = kind.__name__.endswith(("Config", "Metadata"))
    return (
        hasattr(value, "__dict__")
        and not isinstance(value, type)
        and (is_dataclass(kind) or hasattr(kind, "model_fields") or called_so)
    )


def refill(holders: list[tuple[Any, Any]]) -> None:
    """Gives each container what it held."""
    for container, held in holders:
        if _differs(container, held):
            container.clear()
            (container.extend if isinstance(container, list | deque) else container.update)(held)


def _differs(container: Any, held: Any) -> bool:
    if isinstance(held, set):
        return container != held
    now, then = [list(_items(one)) for one in (container, held)]
    if isinstance(held, dict):
        now, then = [[part for item in one for part in item] for one in (now, then)]
    return len(now) != len(then) or any(a is not b for a, b in zip(now, then, strict=True))
