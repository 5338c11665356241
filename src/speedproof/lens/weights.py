"""Every tensor that a module holds: parameters, buffers, and those that hang on it as plain attributes.

`Module.to` and `Module.parameters` know the registered ones alone. TransformerLens's bridge computes with others as
well, such as the weights that it processed.
"""

import contextlib
import hashlib
import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import Tensor

from speedproof.tensors.aspects.walk import in_bytes

_REGISTRIES = ("_parameters", "_buffers", "_modules")
"""Where a module keeps what is registered with it: looked at first, so that a tensor goes by its usual name."""
_ATOMS = (str, bytes, int, float, bool, complex, type(None), torch.dtype, torch.device, type)
_CODE = (ModuleType, FunctionType, BuiltinFunctionType, MethodType)


def tensors_of(module: Any) -> Iterator[tuple[str, Tensor]]:
    """Each tensor of `module` with its name, every storage once.

    Of several names for one memory the first is told, registered ones before others. Where no tensor spans the whole
    of a storage, every part of it is told.
    """
    groups: dict[int, dict[tuple[Any, ...], tuple[str, Tensor]]] = {}
    for name, tensor in all_tensors(module):
        place = (tensor.storage_offset(), tensor.shape, tensor.stride()) if tensor.layout == torch.strided else ()
        groups.setdefault(_memory(tensor), {}).setdefault(place, (name, tensor))
    for group in groups.values():
        whole = [(name, tensor) for name, tensor in group.values() if _spans(tensor)]
        yield from whole[:1] or group.values()


def all_tensors(module: Any) -> Iterator[tuple[str, Tensor]]:
    """Each tensor object that can be reached from `module`, with its first name. Several may share their memory."""
    seen: set[int] = set()
    registered, others = deque([("", module)]), deque[tuple[str, Any]]()
    while registered or others:
        name, value = (registered or others).popleft()
        if isinstance(value, (*_ATOMS, *_CODE)) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Tensor):
            yield name, value
        elif isinstance(value, torch.nn.Module):
            registered.extend(_registered(name, value))
            others.extend(_attributes(name, value))
        else:
            others.extend(_items(name, value))


def cast(module: Any, dtype: torch.dtype) -> None:
    """Brings every floating-point tensor of `module` to `dtype`, in place: what shared memory goes on sharing it."""
    # All are found before any is changed.
    found = [tensor for _, tensor in all_tensors(module) if tensor.is_floating_point() and tensor.dtype != dtype]
    _change(found, lambda tensor: _converted(tensor, dtype), dtype=dtype)


def move(module: Any, device: str) -> None:
    """Brings every tensor of `module` to a device, in place: what shared memory goes on sharing it."""
    found = [tensor for _, tensor in all_tensors(module) if tensor.device.type != device]
    _change(found, lambda tensor: in_bytes(tensor).to(device).untyped_storage(), device=device)


def _change(found: Sequence[Tensor], changed: Callable[[Tensor], torch.UntypedStorage], **to: Any) -> None:
    """Gives each tensor another memory: what becomes of its own one, which is asked once for all that share it."""
    memories: dict[int, torch.UntypedStorage] = {}
    # All are kept: a memory that is freed may be given away again.
    before = {id(tensor): tensor.detach() for tensor in found}
    for tensor in found:
        old = before[id(tensor)]
        if old.layout != torch.strided:
            tensor.data = old.to(**to)
            continue
        if _memory(old) not in memories:
            memories[_memory(old)] = changed(old)
        new = torch.empty(0, **{"dtype": old.dtype, "device": old.device, **to})
        tensor.data = new.set_(memories[_memory(old)], old.storage_offset(), old.shape, old.stride())


def weights_digest(module: Any) -> str:
    """Fingerprint of every tensor's name, type, shape and content."""
    found = hashlib.blake2b()
    for name, tensor in tensors_of(module):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def is_in(module: Any, dtype: torch.dtype) -> bool:
    """Whether every floating-point tensor of `module` is of `dtype`."""
    return all(tensor.dtype == dtype for _, tensor in all_tensors(module) if tensor.is_floating_point())


def in_dtype(module: Any, dtype: str) -> Any:
    """`module` in `dtype`, plain tensors too; untouched where it is so already, since TransformerLens prints at a cast.

    The libraries' own `to` comes last: it notes the type in their configurations.
    """
    wanted = getattr(torch, dtype)
    if is_in(module, wanted):
        return module
    cast(module, wanted)
    with contextlib.redirect_stdout(io.StringIO()):
        return module.to(wanted)


def on_device(module: Any, device: str) -> Any:
    """`module` on a device, plain tensors too; untouched where it is there already.

    The libraries' own `to` comes last: it notes the device in their configurations.
    """
    if all(tensor.device.type == device for _, tensor in all_tensors(module)):
        return module
    move(module, device)
    with contextlib.redirect_stdout(io.StringIO()):
        return module.to(device)


def _registered(name: str, module: torch.nn.Module) -> Iterator[tuple[str, Any]]:
    for registry in _REGISTRIES:
        yield from ((_joined(name, key), part) for key, part in vars(module).get(registry, {}).items())


def _attributes(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    held = getattr(value, "__dict__", {}).items()
    return ((_joined(name, key), part) for key, part in list(held) if key not in _REGISTRIES)


def _items(name: str, value: Any) -> Iterable[tuple[str, Any]]:
    """What a container or any other object holds."""
    if isinstance(value, Mapping):
        return [(f"{name}[{key!r}]", part) for key, part in value.items()]
    if isinstance(value, list | tuple | set | frozenset | deque):
        return [(f"{name}[{i}]", part) for i, part in enumerate(value)]
    return _attributes(name, value)


def _joined(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key


def _memory(tensor: Tensor) -> int:
    """Which storage a tensor lies in; a sparse one, which has none, is its own."""
    return tensor.untyped_storage()._cdata if tensor.layout == torch.strided else id(tensor)


def _spans(tensor: Tensor) -> bool:
    """Whether a tensor reaches every byte of its storage."""
    if tensor.layout != torch.strided:
        return True
    return tensor.numel() * tensor.element_size() == tensor.untyped_storage().nbytes()


def _converted(tensor: Tensor, dtype: torch.dtype) -> torch.UntypedStorage:
    """The whole storage that a tensor lies in, element by element in another type."""
    memory = tensor.untyped_storage()
    whole = torch.empty(0, dtype=tensor.dtype, device=tensor.device).set_(memory)
    return whole.to(dtype).untyped_storage()
