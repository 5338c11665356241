"""A value, leaf by leaf: what stands at each place of an answer, exact or floating point, and how two of them differ.

Structure, keys and their order, types, shapes and dtypes are exact, and so is whatever is no floating-point number.
"""

import dataclasses
import datetime
import enum
import math
import random
import sys
from array import array
from collections import deque
from collections.abc import Iterator, KeysView, Mapping, ValuesView
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import PurePath
from types import BuiltinFunctionType, CoroutineType, FunctionType, GeneratorType, MappingProxyType, ModuleType
from typing import Any, NamedTuple

from speedproof.errors import BadInput
from speedproof.pairs.marks import Same, is_array, numpy
from speedproof.search_path import INSTALLED

from .precise import Precise

MOST_DRAWN = 1_000_000
"""Items that are taken from an iterator which a function returns."""
SHOWN = 60
"""Characters of a value that are shown."""
ATOMS = (int, str, bytes, bytearray, PurePath, enum.Enum, range, slice, Fraction)
TIMES = (datetime.date, datetime.timedelta, datetime.tzinfo)
OPAQUE = "object that cannot be looked into"
HEAP = 1 << 9
"""The flag of a class that was defined in Python, where everything can be seen."""
IN_WORDS = (Decimal, datetime.datetime, datetime.time)
"""Told by their text, which says what `==` does not: digits and zones, and that there is none."""


class Leaf(NamedTuple):
    """What stands at one place: its kind in words, and its value. Floating-point numbers are a float or an array."""

    kind: str
    value: Any
    is_float: bool = False


Leaves = dict[str, Leaf]


def given(inputs: Mapping[str, Any]) -> Leaves:
    """Arguments, leaf by leaf. What cannot be looked into is taken for the same in every call."""
    found = leaves(dict(inputs))
    return {place: leaf._replace(value="") if leaf.kind == OPAQUE else leaf for place, leaf in found.items()}


def opaque(found: Leaves) -> str:
    """The first place that cannot be looked into, in words; nothing where there is none."""
    return next(
        (f"{place or 'the answer'} is {shown(leaf)}" for place, leaf in found.items() if leaf.kind == OPAQUE), ""
    )


class Difference(NamedTuple):
    """Where two values differ first: the gate's rule, the place, and words that follow it."""

    rule: str
    place: str
    words: str
    excess: float | None = None

    def __str__(self) -> str:
        return f"{self.place or 'the answer'} {self.words}"


def leaves(value: Any) -> Leaves:
    """Every place of the value, in order. A place is written as in Python: `['a'][3].name`.

    Raises:
        BadInput: it is nested too deeply.
    """
    found: Leaves = {}
    try:
        walked = [*_walk(value, "", set()), *_shared(value)]
    except RecursionError as error:
        raise BadInput("A value is nested too deeply to be looked through. Expected fewer levels.") from error
    for place, leaf in walked:
        # Long keys that begin alike, columns of one name, and keys that print alike.
        found[place if place not in found else f"{place} (place {len(found)})"] = leaf
    return found


def _shared(value: Any) -> Iterator[tuple[str, Leaf]]:
    """Lists, dictionaries and sets that stand at several places: who writes into one writes into all."""
    at: dict[int, str] = {}
    waiting = [("", value)]
    while waiting:
        place, one = waiting.pop()
        if type(one) not in (list, dict, set, tuple):
            continue
        if type(one) is not tuple:
            if id(one) in at:
                yield f"{place} (again)", Leaf("the object that also stands at another place", at[id(one)])
                continue
            at[id(one)] = place or "the top"
        inside = one.items() if type(one) is dict else () if type(one) is set else enumerate(one)
        waiting += [(f"{place}[{key!r:.{SHOWN}}]", part) for key, part in reversed([*inside])]


def _walk(value: Any, place: str, above: set[int]) -> Iterator[tuple[str, Leaf]]:
    kind = type(value)
    if value is None or isinstance(value, bool):
        yield place, Leaf(kind.__name__, value)
    elif kind in (float, Precise):
        yield place, Leaf("float", value, True)
    elif isinstance(value, float) and not _is_scalar_of_numpy(value):
        # A user's own: by what it holds, whatever it says of itself.
        yield place, Leaf(f"{_name(kind)}, a kind of float", float.__pos__(value), True)
    elif isinstance(value, int) and kind is not int and not isinstance(value, enum.Enum):
        yield place, Leaf(f"{_name(kind)}, a kind of int", int.__pos__(value))
    elif isinstance(value, str) and kind is not str and not isinstance(value, enum.Enum):
        yield place, Leaf(f"{_name(kind)}, a kind of str", str.__getitem__(value, slice(None)))
    elif kind is complex:
        yield f"{place}.real", Leaf("float", value.real, True)
        yield f"{place}.imag", Leaf("float", value.imag, True)
    elif isinstance(value, enum.Enum):
        yield place, Leaf(_name(kind), value.name)
    elif isinstance(value, IN_WORDS):
        yield place, Leaf(_name(kind), str(value) if isinstance(value, Decimal) else value.isoformat())
    elif isinstance(value, ATOMS) or isinstance(value, TIMES):
        yield place, Leaf(_name(kind), bytes(value) if isinstance(value, bytearray) else value)
    elif id(value) in above:
        yield place, Leaf(_name(kind), "itself again")
    else:
        above.add(id(value))
        yield from _parts(value, place, above)
        above.discard(id(value))


def _parts(value: Any, place: str, above: set[int]) -> Iterator[tuple[str, Leaf]]:
    kind = type(value)
    if (found := _of_library(value, place, above)) is not None:
        yield from found
    elif isinstance(value, dict | MappingProxyType):
        yield f"{place}", Leaf(_name(kind), _keys(value))
        for key, one in value.items():
            yield from _walk(one, f"{place}[{key!r:.{SHOWN}}]", above)
        yield from _beside(value, place, above)
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        yield place, Leaf("named tuple " + kind.__name__, f"{', '.join(value._fields)}")
        for name, one in zip(value._fields, value, strict=True):
            yield from _walk(one, f"{place}.{name}", above)
    elif isinstance(value, list | tuple | deque | array | KeysView | ValuesView):
        of = f" of {value.typecode!r}" if isinstance(value, array) else ""
        yield place, Leaf(f"{_name(kind)}{of}", f"{len(value)} items")
        for i, one in enumerate(value):
            yield from _walk(one, f"{place}[{i}]", above)
        yield from _beside(value, place, above)
    elif isinstance(value, set | frozenset):
        yield place, Leaf(_name(kind), frozenset(map(_member, value)))
        yield from _beside(value, place, above)
    elif isinstance(value, random.Random):
        yield place, Leaf(_name(kind), value.getstate())
    elif _hangs_on_more_than_its_name(value):
        yield place, Leaf(OPAQUE, Same(value))
    elif isinstance(value, FunctionType | BuiltinFunctionType | type):
        yield place, Leaf(kind.__name__, f"{getattr(value, '__module__', '')}.{value.__qualname__}")
    elif isinstance(value, CoroutineType):
        value.close()
        yield place, Leaf(OPAQUE, Same(value))
    elif isinstance(value, GeneratorType) or (isinstance(value, Iterator) and not hasattr(value, "read")):
        yield place, Leaf("iterator", "one item after another")
        yield from _drawn(value, place, above)
    else:
        yield from _object(value, place, above)


def _hangs_on_more_than_its_name(value: Any) -> bool:
    """Whether it is a function that was made with values of its own, or a method of some object."""
    if isinstance(value, FunctionType):
        return bool(value.__closure__) or "<" in value.__qualname__
    return isinstance(value, BuiltinFunctionType) and not isinstance(value.__self__, type | ModuleType | None)


def _drawn(value: Iterator[Any], place: str, above: set[int]) -> Iterator[tuple[str, Leaf]]:
    """The items of an iterator, and how it ends where that is by raising."""
    for i in range(MOST_DRAWN):
        try:
            one = next(value)
        except StopIteration:
            return
        except Exception as error:
            yield f"{place}[{i}]", Leaf("raises", type(error).__qualname__)
            return
        yield from _walk(one, f"{place}[{i}]", above)


def _object(value: Any, place: str, above: set[int]) -> Iterator[tuple[str, Leaf]]:
    """Classes by qualified name, so that two commits' are one; then what an object holds."""
    kind = type(value)
    held = dict(getattr(value, "__dict__", {}))
    slots = (name for parent in kind.__mro__ for name in _slots(parent))
    held |= {name: getattr(value, name) for name in slots if hasattr(value, name)}
    if dataclasses.is_dataclass(value):
        held |= {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    held |= {"args": value.args} if isinstance(value, BaseException) else {}
    held = held or _pickled(value)
    if not held and not _is_by_identity(kind):
        yield place, Leaf(_name(kind), value)
        return
    if not held and _may_hold_more(kind):
        yield place, Leaf(OPAQUE, Same(value))
        return
    inside = [found for name, one in held.items() for found in _walk(one, f"{place}.{name}", above)]
    if not _is_by_identity(kind) and any(leaf.kind == OPAQUE for _, leaf in inside):
        # It says itself when two are equal, where what it holds does not.
        yield place, Leaf(_name(kind), value)
        return
    yield place, Leaf(f"object {kind.__qualname__}", tuple(held))
    yield from inside


def _is_by_identity(kind: Any) -> bool:
    return bool(kind.__eq__ is object.__eq__)


def _pickled(value: Any) -> dict[str, Any]:
    """What one that equals itself alone is made of, as pickle has it; nothing where that says nothing."""
    if not _is_by_identity(type(value)):
        return {}
    try:
        made = value.__reduce_ex__(2)
    except Exception:
        return {}
    if isinstance(made, str):
        return {"name": made}
    arguments, state = made[1], made[2] if len(made) > 2 else None
    return {"made": arguments, "state": state} if len(arguments) > 1 or state is not None else {}


def _beside(value: Any, place: str, above: set[int]) -> Iterator[tuple[str, Leaf]]:
    """What a container of a user's class holds beside its items."""
    for name, one in getattr(value, "__dict__", {}).items():
        yield from _walk(one, f"{place}.{name}", above)


def _member(value: Any) -> Any:
    """An item of a set, such that 1 and True are two, and all NaN are one."""
    if isinstance(value, bool | float):
        return _name(type(value)), repr(value if isinstance(value, bool) else value + 0.0)
    return (type(value), tuple(map(_member, value))) if type(value) in (tuple, frozenset) else value


def _slots(kind: type) -> tuple[str, ...]:
    slots = vars(kind).get("__slots__", ())
    named = (slots,) if isinstance(slots, str) else tuple(slots)
    # A private name is stored under the class's.
    own = kind.__name__.lstrip("_")
    return tuple(f"_{own}{name}" if name.startswith("__") and not name.endswith("__") else name for name in named)


def _may_hold_more(kind: type) -> bool:
    """Whether objects of this class may hold something that Python cannot see, such as a file or a lock."""
    return any(not parent.__flags__ & HEAP for parent in kind.__mro__[:-1]) or _is_library(kind.__module__)


def _keys(value: Mapping[Any, Any]) -> tuple[Any, ...]:
    """With their types, since 1, 1.0 and True are one key."""
    return tuple((_name(type(key)), key) for key in value)


def _name(kind: type) -> str:
    """With its module where that is a library's; a user's class may lie in another file, or another commit."""
    if kind.__module__ == "builtins":
        return kind.__name__
    is_library = _is_library(kind.__module__.partition(".")[0])
    return f"{kind.__module__}.{kind.__qualname__}" if is_library else kind.__qualname__


@cache
def _is_library(package: str) -> bool:
    where = str(getattr(sys.modules.get(package), "__file__", None) or "")
    return package in sys.stdlib_module_names or any(folder in where for folder in INSTALLED)


def _is_scalar_of_numpy(value: Any) -> bool:
    np = numpy()
    return np is not None and isinstance(value, np.generic)


def torch() -> Any:
    """torch where somebody has imported it, or None."""
    return sys.modules.get("torch")


def is_tensor(value: Any) -> bool:
    """Whether it is one of torch's tensors."""
    found = torch()
    return found is not None and isinstance(value, found.Tensor)


def is_module(value: Any) -> bool:
    """Whether it is a module of torch's, such as a model."""
    found = torch()
    return found is not None and isinstance(value, found.nn.Module)


def _module(value: Any, place: str) -> Iterator[tuple[str, Leaf]]:
    """As one: its class, and the content of its weights. What else hangs on it is state, which has rules of its own."""
    from speedproof.tensors.aspects.content import content

    weights = tuple((name, content(weight)) for name, weight in value.state_dict().items())
    yield place, Leaf(f"module {_name(type(value))}", weights)


def _of_library(value: Any, place: str, above: set[int]) -> Iterator[tuple[str, Leaf]] | None:
    """The leaves of what NumPy, torch, pandas or polars made; None for anything else."""
    top = type(value).__module__.partition(".")[0]
    if is_array(value) or _is_scalar_of_numpy(value):
        return _array(value, place, above)
    if is_tensor(value):
        return _tensor(value, place, above)
    if is_module(value):
        return _module(value, place)
    if top == "numpy" and hasattr(value, "bit_generator"):
        return _walk(value.bit_generator.state, place, above)
    if top == "torch" and hasattr(value, "get_state"):
        return _walk(value.get_state(), place, above)
    if top == "pandas" and hasattr(value, "to_numpy"):
        return _pandas(value, place, above)
    if top == "polars" and hasattr(value, "to_dict" if hasattr(value, "columns") else "to_list"):
        return _polars(value, place, above)
    return None


def _array(value: Any, place: str, above: set[int]) -> Iterator[tuple[str, Leaf]]:
    np, kind = numpy(), _name(type(value))
    if isinstance(value, np.ma.MaskedArray):
        yield from _array(np.ma.getmaskarray(value), f"{place}.mask", above)
        value = value.filled()
    form = f"{kind} of {value.dtype}" + (f" {value.shape}" if value.shape else "")
    if value.dtype.kind == "f":
        yield place, Leaf(form, np.asarray(value), True)
    elif value.dtype.kind == "c":
        yield f"{place}.real", Leaf(form, np.asarray(value.real), True)
        yield f"{place}.imag", Leaf(form, np.asarray(value.imag), True)
    elif value.dtype.kind == "O" and value.shape:
        yield place, Leaf(form, "")
        for i, one in enumerate(value.ravel().tolist()):
            yield from _walk(one, f"{place}.flat[{i}]", above)
    elif value.dtype.names and value.shape is not None:
        yield place, Leaf(form, "")
        for name in value.dtype.names:
            yield from _walk(value[name], f"{place}[{name!r}]", above)
    else:
        yield place, Leaf(form, np.array(value))


def _tensor(value: Any, place: str, above: set[int]) -> Iterator[tuple[str, Leaf]]:
    form = f"{_name(type(value))} of {value.dtype} {tuple(value.shape)} on {value.device}"
    form += ", requires_grad" if value.requires_grad else ""
    held = value.detach().cpu()
    if held.layout is not torch().strided:
        form += f", {str(held.layout).removeprefix('torch.')}"
        held = held.to_dense()
    held = held.resolve_conj().resolve_neg()
    if held.is_complex():
        held = torch().view_as_real(held)
    if held.is_floating_point():
        # NumPy has no bfloat16; a wider type holds the same values.
        wide = held if held.dtype in (torch().float16, torch().float32, torch().float64) else held.float()
        yield place, Leaf(form, wide.numpy().copy(), True)
    else:
        yield place, Leaf(form, held.numpy().copy())


def _pandas(value: Any, place: str, above: set[int]) -> Iterator[tuple[str, Leaf]]:
    kind = _name(type(value))
    if hasattr(value, "columns"):
        yield place, Leaf(kind, f"{len(value)} rows of {list(value.columns)!r}")
        yield from _pandas(value.index, f"{place}.index", above)
        for i, name in enumerate(value.columns):
            yield from _column(value.iloc[:, i], f"{place}[{name!r}]", above)
    elif hasattr(value, "index"):
        yield from _pandas(value.index, f"{place}.index", above)
        yield from _column(value, place, above)
    else:
        names = list(getattr(value, "names", [getattr(value, "name", None)]))
        yield place, Leaf(f"{kind} of {getattr(value, 'dtype', '')}", f"{len(value)} entries, names {names!r}")
        yield from _entries(list(value), place, above)


def _column(series: Any, place: str, above: set[int]) -> Iterator[tuple[str, Leaf]]:
    yield place, Leaf(f"column of {series.dtype}", f"{len(series)} entries, name {series.name!r}")
    if hasattr(series.dtype, "categories"):
        ordered = "in order" if series.dtype.ordered else "in no order"
        yield f"{place}.categories", Leaf(f"categories {ordered}", list(series.dtype.categories))
    if getattr(series.dtype, "kind", "") in "iufb":
        yield from _array(series.to_numpy(), f"{place}.values", above)
    else:
        yield from _entries(series.tolist(), place, above)


def _entries(values: list[Any], place: str, above: set[int]) -> Iterator[tuple[str, Leaf]]:
    for i, one in enumerate(values):
        # A missing value is no number and equals nothing, itself included.
        missing = type(one).__name__ in ("NAType", "NaTType")
        yield from [(f"{place}.{i}", Leaf("missing", ""))] if missing else _walk(one, f"{place}.{i}", above)


def _polars(value: Any, place: str, above: set[int]) -> Iterator[tuple[str, Leaf]]:
    kind = _name(type(value))
    if hasattr(value, "columns"):
        yield place, Leaf(kind, f"{value.height} rows of {dict(value.schema)!r}")
        for name in value.columns:
            yield from _entries(value[name].to_list(), f"{place}[{name!r}]", above)
    else:
        yield place, Leaf(f"{kind} of {value.dtype}", f"{len(value)} entries, name {value.name!r}")
        yield from _entries(value.to_list(), place, above)


def exact_difference(expected: Leaves, found: Leaves) -> Difference | None:
    """The first place where kinds, or values that are no floating-point numbers, differ."""
    for place, leaf in expected.items():
        if place not in found:
            return Difference("shape", place, f"is missing; expected {shown(leaf)}.")
        other = found[place]
        if leaf.kind != other.kind:
            rule = "shape" if _without_shape(leaf.kind) == _without_shape(other.kind) else "type"
            return Difference(rule, place, f"is {shown(other)}, expected {shown(leaf)}.")
        if not leaf.is_float and not _equal(leaf.value, other.value):
            return Difference(*_told(leaf, other, place))
    for place, leaf in found.items():
        if place not in expected:
            return Difference("shape", place, f"is {shown(leaf)}, where nothing is expected.")
    return None


def _without_shape(kind: str) -> str:
    return kind.partition(" (")[0]


def _told(leaf: Leaf, other: Leaf, place: str) -> tuple[str, str, str]:
    if is_array(leaf.value) and leaf.value.shape:
        at = tuple(int(i) for i in numpy().argwhere(_apart(leaf.value, other.value))[0])
        n, where = int(_apart(leaf.value, other.value).sum()), ", ".join(map(str, at))
        more = f" ({n} of {leaf.value.size} differ)" if leaf.value.size > 1 else ""
        return "exact", f"{place}[{where}]", f"is {other.value[at]!r}, expected {leaf.value[at]!r}{more}."
    if isinstance(leaf.value, frozenset) and isinstance(other.value, frozenset):
        lost, new = leaf.value - other.value, other.value - leaf.value
        words = [f"lacks {sorted(map(repr, lost))[:3]}"] if lost else []
        words += [f"has {sorted(map(repr, new))[:3]}, which are not expected"] if new else []
        return "exact", place, f"{' and '.join(words)}."
    rule = "shape" if str(leaf.value).endswith((" items", " entries")) else "exact"
    return rule, place, f"is {shown(other)}, expected {shown(leaf)}."


def _apart(one: Any, other: Any) -> Any:
    if one.dtype.kind in "mM":
        return ~((one == other) | (numpy().isnat(one) & numpy().isnat(other)))
    return one != other


def _equal(one: Any, other: Any) -> bool:
    if is_array(one):
        return bool(not _apart(one, other).any())
    try:
        # The expected one is asked, as its class says; what a candidate made may say anything of itself.
        kind: Any = type(one)
        said = kind.__eq__(one, other)
        return bool(one == other if said is NotImplemented else said)
    except Exception:
        return one is other


def shown(leaf: Leaf) -> str:
    """A leaf in words."""
    if is_array(leaf.value) and leaf.value.shape:
        return f"{leaf.kind}"
    value = leaf.value
    if isinstance(value, str) and leaf.kind != "str":
        return f"a {leaf.kind} of {value}" if value else f"a {leaf.kind}"
    if leaf.kind == OPAQUE:
        return f"an {OPAQUE}, {in_repr(value)}"
    return f"{_float(value) if leaf.is_float else in_repr(value):.{SHOWN}} ({leaf.kind})"


def in_repr(value: Any) -> str:
    """The value as Python writes it; words where it will not be written."""
    try:
        return repr(value)
    except Exception as error:
        return f"<{type(value).__name__}, whose repr raises {type(error).__name__}>"


def _float(value: Any) -> str:
    return repr(float(value)) if math.isfinite(float(value)) else str(float(value))


def is_identical(one: Leaves, other: Leaves) -> bool:
    """Whether both are the same to the last bit; zeros of both signs are one, and so is every NaN."""
    if exact_difference(one, other):
        return False
    return all(_same_floats(leaf.value, other[place].value) for place, leaf in one.items() if leaf.is_float)


def _same_floats(one: Any, other: Any) -> bool:
    if is_array(one):
        return bool(numpy().array_equal(one, other, equal_nan=True))
    return one == other or (math.isnan(one) and math.isnan(other))


def n_values(found: Leaves) -> int:
    """How many numbers, letters and other values there are: a bound for the longest sum over them."""
    return sum(_n_values(leaf.value) for leaf in found.values())


def _n_values(value: Any) -> int:
    if is_array(value):
        return int(value.size)
    return len(value) if isinstance(value, str | bytes | frozenset) else 1


def n_floats(found: Leaves) -> int:
    """How many floating-point numbers there are."""
    return sum(leaf.value.size if is_array(leaf.value) else 1 for leaf in found.values() if leaf.is_float)
