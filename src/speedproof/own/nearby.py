"""Arguments close to given ones: the same in higher precision, or moved by one unit in the last place."""

import copy
import dataclasses
import math
import random
from collections import deque
from collections.abc import Callable
from typing import Any

from speedproof.pairs.marks import is_array, numpy

from .draws import Drawn
from .values.leaf import is_module, is_tensor, torch
from .values.precise import Precise


def changed(value: Any, change: Callable[[Any], Any]) -> Any:
    """The value with every floating-point number, array or tensor in it replaced by what `change` makes of it."""
    if isinstance(value, complex) or (getattr(value, "dtype", None) is not None and _is_complex(value)):
        return _complex(changed(value.real, change), changed(value.imag, change), value)
    if isinstance(value, float) or is_array(value) or is_tensor(value) or type(value).__module__ == "numpy":
        return change(value)
    if type(value).__module__.partition(".")[0] == "pandas":
        return _changed_frame(value, change)
    if type(value) is deque:
        return deque((changed(one, change) for one in value), value.maxlen)
    if is_module(value):
        return _changed_module(value, change)
    if type(value) in (list, tuple):
        return type(value)(changed(one, change) for one in value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(changed(one, change) for one in value))
    if type(value) in (dict, Drawn):
        return {key: changed(one, change) for key, one in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        moved = copy.copy(value)
        for field in dataclasses.fields(value):
            object.__setattr__(moved, field.name, changed(getattr(value, field.name), change))
        return moved
    return value


def _is_complex(value: Any) -> bool:
    return bool(value.is_complex()) if is_tensor(value) else getattr(value.dtype, "kind", "") == "c"


def _complex(real: Any, imag: Any, like: Any) -> Any:
    """A complex number, array or tensor of its two parts."""
    if is_tensor(like):
        return torch().complex(real, imag)
    if isinstance(like, complex) and not hasattr(like, "dtype"):
        return complex(real, imag)
    return real + imag * numpy().asarray(1j, dtype=numpy().result_type(real.dtype, numpy().complex64))


def _changed_frame(value: Any, change: Callable[[Any], Any]) -> Any:
    """A frame or series of pandas with its floating-point columns changed."""
    found = value.copy() if hasattr(value, "copy") else value
    if hasattr(value, "columns"):
        for i, dtype in enumerate(value.dtypes):
            if getattr(dtype, "kind", "") == "f":
                found.isetitem(i, change(value.iloc[:, i].to_numpy()))
        return found
    if getattr(getattr(value, "dtype", None), "kind", "") == "f" and hasattr(value, "index"):
        return type(value)(change(value.to_numpy()), index=value.index, name=value.name)
    return value


def _changed_module(module: Any, change: Callable[[Any], Any]) -> Any:
    """A copy of torch's module whose weights were changed."""
    found = copy.deepcopy(module)
    if change is wider:
        return found.to(torch().float64)
    with torch().no_grad():
        for weight in (*found.parameters(), *found.buffers()):
            if weight.is_floating_point():
                weight.copy_(change(weight))
    return found


def longest_sum(value: Any) -> int:
    """The most numbers that any way of working out one number of an answer adds up, as far as the inputs tell."""
    if is_module(value):
        return max((max(weight.shape, default=1) for weight in value.parameters()), default=1)
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return max(map(longest_sum, parts), default=1)


def wider(value: Any) -> Any:
    np = numpy()
    if is_tensor(value):
        if not value.is_floating_point() or value.dtype == torch().float64:
            return value
        return value.detach().double().requires_grad_(value.requires_grad)
    if np is not None and isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind not in "fc":
            return value
        wide = np.longdouble if value.dtype.itemsize >= 8 else np.float64
        if value.dtype.kind == "c":
            wide = np.clongdouble if value.dtype.itemsize >= 16 else np.complex128
        return value.astype(wide)
    return Precise(value) if type(value) is float else value


def mover(n: int, which: int) -> Callable[[Any], Any]:
    """Moves one floating-point number, the `which`-th that is met, by one unit in the last place."""
    met = -1

    def move(value: Any) -> Any:
        nonlocal met
        if not _is_floating(value):
            return value
        size = value.size if is_array(value) else value.numel() if is_tensor(value) else 1
        first, met = met + 1, met + size
        if not first <= which <= met:
            return value
        steps = [int(i == which - first) for i in range(size)]
        return _moved(value, steps)

    return move


def mixer(seed: int) -> Callable[[Any], Any]:
    """Moves every floating-point number by -1, 0 or +1 unit in the last place."""
    rng = random.Random(seed)

    def move(value: Any) -> Any:
        if not _is_floating(value):
            return value
        if is_array(value) or is_tensor(value):
            size = value.size if is_array(value) else value.numel()
            return _moved(value, numpy().random.default_rng(rng.getrandbits(32)).integers(-1, 2, size))
        return _moved(value, [rng.choice((-1, 0, 1))])

    return move


def _is_floating(value: Any) -> bool:
    if is_tensor(value):
        return bool(value.is_floating_point())
    dtype = getattr(value, "dtype", None)
    return dtype.kind == "f" if dtype is not None else isinstance(value, float)


def _moved(value: Any, steps: Any) -> Any:
    if is_tensor(value):
        flat = value.detach().reshape(-1)
        by = torch().as_tensor(steps)
        to = torch().where(by > 0, math.inf, -math.inf).to(flat.dtype)
        moved = torch().where(by == 0, flat, torch().nextafter(flat, to)).reshape(value.shape)
        return moved.requires_grad_(value.requires_grad)
    if is_array(value):
        np = numpy()
        by = np.asarray(steps).reshape(value.shape)
        to = np.where(by > 0, np.inf, -np.inf).astype(value.dtype)
        return np.where(by == 0, value, np.nextafter(value, to)).astype(value.dtype)
    if not steps[0]:
        return value
    if type(value) is float:
        return math.nextafter(value, math.copysign(math.inf, steps[0]))
    return numpy().nextafter(value, type(value)(math.copysign(math.inf, steps[0])))
