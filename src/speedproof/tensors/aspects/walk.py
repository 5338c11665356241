"""Everything that hangs on the subject's modules, by name, and what it takes to hang it there again."""

import copy
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass, replace
from typing import Any
from weakref import WeakValueDictionary

import torch
from torch import Tensor

from speedproof.gate.aspects.identity import Held, are_same
from speedproof.pairs.aspect import Key, Scene
from speedproof.pairs.marks import Same, is_array, mark

from .content import Memory, content

MANY = 1000
"""Items from which on a container is marked as one value, since it is data and no setting."""
OF_TORCH = vars(torch.nn.Module())
HOOKS = {*(name for name in OF_TORCH if "hook" in name and isinstance(OF_TORCH[name], dict)), "fwd_hooks", "bwd_hooks"}
"""Attributes that hold hooks: torch's by kind, and TransformerLens's lists of its own."""
TENSORS = ("_parameters", "_buffers")
CONTAINERS = (dict, list, tuple, set, frozenset, deque)
GONE = object()
"""In place of a value where there is none."""


@dataclass
class Kept:
    """A tensor, and what puts it back: its memory, a copy of what that held, its version, its flag and its gradient."""

    tensor: Tensor
    data: Tensor
    held: Tensor
    version: int | None
    requires_grad: bool
    grad: Tensor | None


@dataclass(frozen=True)
class Space:
    """What hangs on a module or on a configuration, and what that was."""

    path: str
    owner: Any
    kind: type
    names: dict[str, Any]
    then: dict[str, Any]

    def moved(self) -> list[str]:
        """Names under which another object hangs now, or none, or none did."""
        if are_same([*self.names.values()], [*self.then.values()]) and [*self.names] == [*self.then]:
            return []
        return [
            name for name in {**self.then, **self.names} if self.names.get(name, GONE) is not self.then.get(name, GONE)
        ]


class Walk:
    """All that is found from some modules on, by aspect. With `keep` tensors are copied, so that they can be put back.

    Modules and containers are looked into, and configurations: dataclasses, pydantic models, and classes that are
    called so. Every other object is known by its identity, or by its value where it has one.
    """

    def __init__(self, modules: Mapping[str, Any], keep: bool = False) -> None:
        self._tops, self.keep = dict(modules), keep
        self.leaves: defaultdict[str, dict[Key, Any]] = defaultdict(dict)
        self.holders: defaultdict[str, list[tuple[Any, Any]]] = defaultdict(list)
        """Aspect -> containers, each with a shallow copy of what it holds."""
        self.modules: list[tuple[str, torch.nn.Module]] = []
        self.owners: dict[str, Any] = {}
        """Modules and configurations by name."""
        self.tensors: list[Kept] = []
        self._spaces: list[Space] = []
        self._inner: list[Any] = []
        """Every container but those, and but empty ones of hooks."""
        self._written: dict[tuple[str, Key], Any] = {}
        """Tensors and arrays by aspect and place: they remain the same objects when they are written."""
        self._without_hooks: dict[Key, Any] = {}
        """Empty containers of hooks."""
        self._met: set[int] = set()
        self._contents: Memory = {}
        self._copies: dict[int, Any] = {}
        # The modules that are registered come first, so that each has one name whatever else points at it.
        named = [(f"{name}.{n}".rstrip("."), m) for name, top in modules.items() for n, m in top.named_modules()]
        self._met |= {id(module) for _, module in named}
        for path, module in named:
            self._module(path, module)
        self._held = Held(self._inner)

    def again(self, modules: Mapping[str, Any]) -> "Walk | None":
        """The same walk now. None where that takes a new one: where it would find others to look into.

        What nobody wrote and nobody moved is not looked at again: an aspect's leaves are then the same dictionary.
        Nothing is kept.
        """
        if [*modules] != [*self._tops] or not are_same([*modules.values()], [*self._tops.values()]):
            return None
        if not self._held.stands():
            return None
        walk = copy.copy(self)
        walk.keep, walk.tensors, walk.holders, walk._contents = False, [], defaultdict(list), {}
        walk._written, walk._without_hooks = {**self._written}, {**self._without_hooks}
        changed: defaultdict[str, dict[Key, Any]] = defaultdict(dict)
        walk._spaces = [*self._spaces]
        for place, space in enumerate(self._spaces):
            if type(space.owner) is not space.kind or vars(space.owner) is not space.names:
                return None
            if moved := space.moved():
                if not all(walk._moves(space, name, changed["attributes"]) for name in moved):
                    return None
                walk._spaces[place] = replace(space, then={**space.names})
        if any(walk._without_hooks.values()):
            return None
        for (aspect, key), value in walk._written.items():
            for of, leaf in walk._leaves_of(aspect, value):
                if self.leaves[of].get(key, GONE) != leaf:
                    changed[of][key] = leaf
        walk.leaves = defaultdict(dict, self.leaves)
        for aspect, leaves in changed.items():
            both = self.leaves[aspect] | leaves
            walk.leaves[aspect] = {key: leaf for key, leaf in both.items() if leaf is not GONE}
        return walk

    def _moves(self, space: Space, name: str, changed: dict[Key, Any]) -> bool:
        """Notes what hangs there now. Not where it is, or was, more than a value."""
        key, now = Key(space.path, name), space.names.get(name, GONE)
        if not isinstance(space.owner, torch.nn.Module) or name == "training":
            return False
        if is_note(space.owner, name):
            return key not in self.leaves["attributes"]
        if name in HOOKS:
            # TransformerLens makes new lists whenever it takes its hooks away.
            stays_empty = key in self._without_hooks and isinstance(now, list | dict) and id(now) not in self._met
            self._without_hooks[key] = now
            return stays_empty
        self._written.pop(("attributes", key), None)
        if is_written(now):
            self._written["attributes", key] = now
        else:
            changed[key] = GONE if now is GONE else mark(now)
        return is_value(now) and is_value(space.then.get(name))

    def _module(self, path: str, module: torch.nn.Module) -> None:
        self.modules.append((path, module))
        self._own("attributes", path, module)
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
                self._without_hooks[Key(path, name)] = value

    def _own(self, aspect: str, path: str, owner: Any) -> None:
        self.owners[path] = owner
        then = dict(vars(owner))
        self.holders[aspect].append((vars(owner), then))
        self._spaces.append(Space(path, owner, type(owner), vars(owner), then))

    def _weight(self, key: Key, tensor: Tensor | None) -> None:
        if tensor is None:
            self.leaves["weights"][key] = None
            return
        self._keep(tensor)
        self._write("weights", key, tensor)

    def _write(self, aspect: str, key: Key, value: Any) -> None:
        self._written[aspect, key] = value
        for of, leaf in self._leaves_of(aspect, value):
            self.leaves[of][key] = leaf

    def _leaves_of(self, aspect: str, value: Any) -> Iterator[tuple[str, Any]]:
        """What can be seen of a tensor or an array; of a weight, in three aspects."""
        if not isinstance(value, Tensor):
            yield aspect, mark(value)
        elif aspect != "weights":
            # By identity too: who writes the same again has written, as a forward pass writes notes of its input.
            yield aspect, (Same(value), value.dtype, tuple(value.shape), content(value, self._contents))
        else:
            place = (value.data_ptr(), version(value)) if value.device.type != "meta" else ()
            form = (value.dtype, tuple(value.shape), value.stride(), value.storage_offset())
            yield aspect, (Same(value), *place, *form, content(value, self._contents))
            yield "requires_grad", value.requires_grad
            grad = value.grad if value.is_leaf else None
            yield "gradients", None if grad is None else (Same(grad), content(grad, self._contents))

    def _keep(self, tensor: Tensor) -> None:
        if self.keep:
            place = tensor.untyped_storage().data_ptr()
            if place not in self._copies:
                self._copies[place] = in_bytes(tensor.data).clone()
            grad = tensor.grad if tensor.is_leaf else None
            held = self._copies[place]
            self.tensors.append(Kept(tensor, tensor.data, held, version(tensor), tensor.requires_grad, grad))

    def _hold(self, aspect: str, container: Any) -> None:
        self._inner.append(container)
        copied = dict if isinstance(container, dict) else set if isinstance(container, set) else list
        self.holders[aspect].append((container, copied(container)))

    def look(self, aspect: str, key: Key, value: Any) -> None:
        """Notes what stands there, and all that is in it."""
        leaves = self.leaves[aspect]
        if isinstance(value, Tensor):
            self._keep(value)
        if is_written(value):
            self._write(aspect, key, value)
        elif isinstance(value, torch.nn.Module):
            leaves[key] = Same(value)
            if self._is_new(value):
                self._module(str(key), value)
        elif is_tokenizer(value):
            leaves[key] = Same(value)
        elif isinstance(value, CONTAINERS):
            self._container(aspect, key, value)
        elif is_configuration(value):
            leaves[key] = Same(value)
            if self._is_new(value):
                self._settings("hooks" if aspect == "hooks" else "configuration", str(key), value)
        else:
            leaves[key] = mark(value)

    def _settings(self, aspect: str, path: str, value: Any) -> None:
        self._own(aspect, path, value)
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


_last: "WeakValueDictionary[tuple[str, ...], Walk]" = WeakValueDictionary()
"""The last walk of modules of these names, while somebody has it: the next one finds nearly all in its place."""


def walk_of(scene: Scene) -> Walk:
    """What hangs on the scene's modules; walked once, for all aspects that ask."""
    return scene.once("walk", lambda: _walked(scene))


def _walked(scene: Scene) -> Walk:
    names = tuple(scene.modules)
    last = None if scene.keep else _last.get(names)
    walk = _last[names] = (last and last.again(scene.modules)) or Walk(scene.modules, scene.keep)
    return walk


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


def is_written(value: Any) -> bool:
    """Whether it can be written in place and then says nothing of it: a tensor or an array."""
    return isinstance(value, Tensor) or is_array(value)


def is_value(value: Any) -> bool:
    """Whether it is nothing to look into."""
    return not (isinstance(value, (torch.nn.Module, *CONTAINERS)) or is_tokenizer(value) or is_configuration(value))


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
