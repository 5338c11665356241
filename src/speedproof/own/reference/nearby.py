"""Arguments close to given ones: the same in higher precision, or moved by one unit in the last place."""

import copy
import enum
import math
import random
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import FunctionType, MappingProxyType, ModuleType
from typing import Any

from speedproof.own.draws import Drawn
from speedproof.own.values.leaf import is_library, is_module, is_tensor, package_of, torch
from speedproof.own.values.leaves import attributes, leaves
from speedproof.own.values.of_libraries import is_sparse
from speedproof.own.values.precise import Precise
from speedproof.pairs.marks import is_array, numpy

BLOCK = 2**16
"""Numbers of an array that are moved at a time: what is worked out in between takes several times their memory."""
Change = Callable[[Any], Any]
"""What becomes of one floating-point number, array or tensor."""


def changed(value: Any, change: Change, above: Mapping[int, Any] = MappingProxyType({})) -> Any:
    """The value with every floating-point number, array or tensor in it replaced by what `change` makes of it.

    `above` has what becomes of the containers that it stands in, for one that holds itself.
    """
    if isinstance(value, complex) or (getattr(value, "dtype", None) is not None and _is_complex(value)):
        return _complex(changed(value.real, change), changed(value.imag, change), value)
    top = package_of(value)
    if is_array(value) and (value.dtype.names or value.dtype.kind == "O"):
        return _changed_items(value, change, above)
    if is_array(value) and type(value) is not numpy().ndarray:
        return _changed_array(value, change)
    if is_sparse(value):
        return _changed_sparse(value, change)
    if isinstance(value, float) or is_array(value) or is_tensor(value) or top == "numpy":
        return change(value)
    if top in LIBRARIES:
        return LIBRARIES[top](value, change)
    if is_module(value):
        return _changed_module(value, change)
    if id(value) in above:
        return above[id(value)]
    inside = partial(changed, change=change, above={**above, id(value): value})
    if type(value) in BUILT_FROM_ITEMS:
        return type(value)(map(inside, value))
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(inside, value))
    if type(value) in (dict, Drawn):
        return {key: inside(one) for key, one in value.items()}
    if isinstance(value, array):
        return _changed_numbers(value, change)
    if isinstance(value, dict | list | deque):
        return _changed_container(value, inside)
    if isinstance(value, Iterator) and not hasattr(value, "read"):
        return map(inside, value)
    return _changed_object(value, change, above)


BUILT_FROM_ITEMS = (list, tuple, set, frozenset)


def _changed_container(value: Any, inside: Change) -> Any:
    """A copy of one that can be written into, of whatever class."""
    found = copy.copy(value)
    for key, one in value.items() if isinstance(value, dict) else enumerate(value):
        found[key] = inside(one)
    return found


def _changed_numbers(value: "array[Any]", change: Change) -> Any:
    """An array of the standard library, by way of NumPy's; as it is where it holds nothing of what comes out."""
    if value.typecode not in "fd" or not numpy():
        return value
    numbers = numpy().asarray(value)
    found = change(numbers)
    return array(value.typecode, found.tolist()) if found.dtype == numbers.dtype else value


def _changed_array(value: Any, change: Change) -> Any:
    """An array of a class of its own, such as one with a mask."""
    if isinstance(value, numpy().ma.MaskedArray):
        return numpy().ma.array(change(numpy().asarray(value.data)), mask=value.mask, fill_value=value.fill_value)
    return change(numpy().asarray(value)).view(type(value))


def _changed_sparse(value: Any, change: Change) -> Any:
    """A copy of SciPy's sparse matrix with other numbers in the same places."""
    found = value.tocsr(copy=True)
    found.data = change(found.data)
    return found if found.format == value.format else type(value)(found)


def _changed_items(value: Any, change: Change, above: Mapping[int, Any]) -> Any:
    """An array of objects, item by item; one of records, field by field."""
    found = value.copy()
    if value.dtype.names:
        for name in value.dtype.names:
            found[name] = changed(value[name], change, above)
        return found
    for at, one in enumerate(value.flat):
        found.flat[at] = changed(one, change, above)
    return found


def _changed_object(value: Any, change: Change, above: Mapping[int, Any]) -> Any:
    """A copy of a user's object where it holds such numbers, however deep."""
    if isinstance(value, type | ModuleType | FunctionType | enum.Enum) or is_library(package_of(value)):
        return value
    n_changed = 0

    def noted(one: Any) -> Any:
        nonlocal n_changed
        n_changed += 1
        return change(one)

    held = attributes(value)
    if not held:
        return value
    found = copy.copy(value)
    inside = {**above, id(value): found}
    held = {name: changed(one, noted, inside) for name, one in held.items()}
    if not n_changed:
        return value
    for name, one in held.items():
        object.__setattr__(found, name, one)
    return found


def _is_complex(value: Any) -> bool:
    return bool(value.is_complex()) if is_tensor(value) else getattr(value.dtype, "kind", "") == "c"


def _complex(real: Any, imag: Any, like: Any) -> Any:
    """A complex number, array or tensor of its two parts."""
    if is_tensor(like):
        return torch().complex(real, imag)
    if isinstance(like, complex) and not hasattr(like, "dtype"):
        return complex(real, imag)
    return real + imag * numpy().asarray(1j, dtype=numpy().result_type(real.dtype, numpy().complex64))


def _changed_frame(value: Any, change: Change) -> Any:
    """A frame or series of pandas with its floating-point columns changed."""
    if not hasattr(value, "to_numpy"):
        return value
    found = value.copy()
    if hasattr(value, "index"):
        found.index = _changed_frame(value.index, change)
    if hasattr(value, "columns"):
        for i, dtype in enumerate(value.dtypes):
            if _may_hold_floats(dtype):
                found.isetitem(i, _changed_entries(value.iloc[:, i], change))
        return found
    if not _may_hold_floats(getattr(value, "dtype", None)) or hasattr(value, "levels"):
        return value if not hasattr(value, "index") else found
    numbers = _changed_entries(value, change)
    if hasattr(value, "index"):
        return type(value)(numbers, index=found.index, name=value.name)
    return type(value)(numbers, name=value.name)


def _changed_entries(column: Any, change: Change) -> Any:
    """The entries of a column, of its own type where pandas has one for numbers that may be missing."""
    found = changed(column.to_numpy(), change)
    if column.dtype.kind == "O" or isinstance(column.dtype, numpy().dtype) or found.dtype.itemsize > 8:
        return found
    return type(column)(found).astype(column.dtype).array


def _may_hold_floats(dtype: Any) -> bool:
    return getattr(dtype, "kind", "") in ("f", "c", "O")


def _changed_columns(value: Any, change: Change) -> Any:
    """A frame or series of polars with its floating-point columns changed, where their type holds what comes out."""
    kind = type(value).__name__
    if kind == "LazyFrame":
        return _changed_columns(value.collect(), change).lazy()
    if kind == "DataFrame":
        return value.with_columns([_changed_columns(value[name], change) for name in value.columns])
    if kind != "Series" or not value.dtype.is_float() or ((is_short := "32" in str(value.dtype)) and not numpy()):
        return value
    type_ = numpy().float32 if is_short else float
    moved = [one if one is None else change(type_(one)) for one in value.to_list()]
    if any(type(one) not in (type_, type(None)) for one in moved):
        return value
    return type(value)(value.name, moved, dtype=value.dtype)


LIBRARIES: dict[str, Callable[[Any, Change], Any]] = {"pandas": _changed_frame, "polars": _changed_columns}


def _changed_module(module: Any, change: Change) -> Any:
    """A copy of torch's module whose weights were changed."""
    found = copy.deepcopy(module)
    if change is wider:
        return found.to(torch().float64)
    with torch().no_grad():
        for weight in (*found.parameters(), *found.buffers()):
            if weight.is_floating_point():
                weight.copy_(change(weight))
    return found


def n_moved(value: Any) -> int:
    """How many floating-point numbers of a value `changed` reaches."""
    n = 0

    def count(one: Any) -> Any:
        nonlocal n
        if _is_floating(one):
            n += one.size if is_array(one) else one.numel() if is_tensor(one) else 1
        return one

    # Looked through, since an iterator gives its items only then.
    leaves(changed(value, count))
    return n


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


def mover(n: int, which: int, units: int = 1) -> Callable[[Any], Any]:
    """Moves one floating-point number, the `which`-th that is met, by so many units in the last place."""
    met = -1

    def move(value: Any) -> Any:
        nonlocal met
        if not _is_floating(value):
            return value
        size = value.size if is_array(value) else value.numel() if is_tensor(value) else 1
        first, met = met + 1, met + size
        if not first <= which <= met:
            return value
        steps = [units * int(i == which - first) for i in range(size)]
        return _moved(value, steps)

    return move


def mixer(seed: int, units: int = 1) -> Callable[[Any], Any]:
    """Moves every floating-point number up, down or not at all, by so many units in the last place."""
    rng = random.Random(seed)

    def move(value: Any) -> Any:
        if not _is_floating(value):
            return value
        if is_array(value) or is_tensor(value):
            size = value.size if is_array(value) else value.numel()
            steps = numpy().random.default_rng(rng.getrandbits(32)).integers(-1, 2, size, dtype=numpy().int16)
            steps *= units
            return _moved(value, steps)
        return _moved(value, [units * rng.choice((-1, 0, 1))])

    return move


def _is_floating(value: Any) -> bool:
    if is_tensor(value):
        return bool(value.is_floating_point())
    dtype = getattr(value, "dtype", None)
    return dtype.kind == "f" if dtype is not None else isinstance(value, float)


def _moved(value: Any, steps: Any) -> Any:
    if is_tensor(value):
        flat, found = value.detach().reshape(-1).cpu(), torch().empty(value.numel(), dtype=value.dtype)
        for start in range(0, len(flat), BLOCK):
            part = slice(start, start + BLOCK)
            found[part] = _stepped_tensor(flat[part], torch().as_tensor(steps[part]))
        return found.reshape(value.shape).to(value.device).requires_grad_(value.requires_grad)
    if is_array(value):
        np = numpy()
        found = np.empty_like(value)
        # In whatever order they lie in memory.
        ways = [["readonly"], ["readonly"], ["writeonly"]]
        each = [value, np.reshape(steps, value.shape), found]
        with np.nditer(each, ["external_loop", "buffered", "zerosize_ok"], ways, buffersize=BLOCK) as parts:
            for part, by, into in parts:
                into[...] = _stepped(part, by)
        return found
    if not steps[0] or not math.isfinite(value):
        return value
    to = math.copysign(math.inf, steps[0])
    if type(value) is float:
        return value + (math.nextafter(value, to) - value) * abs(steps[0])
    with numpy().errstate(all="ignore"):
        return type(value)(value + (numpy().nextafter(value, type(value)(to)) - value) * abs(steps[0]))


def _stepped(part: Any, steps: Any) -> Any:
    """Each of an array's numbers so many neighbours on. An infinity has none, and stays."""
    np = numpy()
    by = np.where(np.isfinite(part), steps, 0)
    to = np.where(by > 0, np.inf, -np.inf).astype(part.dtype)
    with np.errstate(all="ignore"):
        unit = np.nextafter(part, to) - part
        return np.where(by == 0, part, part + unit * np.abs(by))


def _stepped_tensor(part: Any, steps: Any) -> Any:
    """The same where torch knows the neighbours of every type."""
    by = torch().where(part.isfinite(), steps, 0)
    to = torch().where(by > 0, math.inf, -math.inf).to(part.dtype)
    unit = torch().nextafter(part, to) - part
    return torch().where(by == 0, part, part + unit * by.abs()).to(part.dtype)
