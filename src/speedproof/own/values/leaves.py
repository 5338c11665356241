"""A value, leaf by leaf: what stands at each place of an answer, exact or floating point."""

import dataclasses
import datetime
import enum
import math
import random
from array import array
from collections import defaultdict, deque
from collections.abc import Iterator, KeysView, Mapping, ValuesView
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, partial
from pathlib import PurePath
from types import BuiltinFunctionType, CoroutineType, FunctionType, GeneratorType, MappingProxyType, ModuleType
from typing import Any

from speedproof.errors import BadInput
from speedproof.pairs.marks import Same, is_array

from .leaf import OPAQUE, SHOWN, Leaf, Leaves, class_name, is_library, is_scalar_of_numpy, package_of
from .of_libraries import of_library
from .precise import Precise

MOST_DRAWN = 1_000_000
"""Items that are taken from an iterator which a function returns."""
ATOMS = (int, str, bytes, bytearray, PurePath, enum.Enum, range, slice, Fraction)
TIMES = (datetime.date, datetime.timedelta, datetime.tzinfo)
HEAP = 1 << 9
"""The flag of a class that was defined in Python, where everything can be seen."""
IN_WORDS = (Decimal, datetime.datetime, datetime.time)
"""Told by their text, which says what `==` does not: digits and zones, and that there is none."""


def given(inputs: Mapping[str, Any]) -> Leaves:
    """Arguments, leaf by leaf. What cannot be looked into is taken for the same in every call."""
    found = leaves(dict(inputs))
    return {place: leaf._replace(value="") if leaf.kind == OPAQUE else leaf for place, leaf in found.items()}


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
    """What can be written into and stands at several places: who writes into one writes into all."""
    at: dict[int, str] = {}
    waiting = [("", value)]
    while waiting:
        place, one = waiting.pop()
        is_built_in = type(one) in (list, dict, set, tuple)
        if not is_built_in and not is_users(one):
            continue
        if type(one) is not tuple:
            if id(one) in at:
                yield f"{place} (again)", Leaf("the object that also stands at another place", at[id(one)])
                continue
            at[id(one)] = place or "the top"
        if not is_built_in:
            waiting += [(f"{place}.{name}", part) for name, part in reversed(attributes(one).items())]
            continue
        inside = one.items() if type(one) is dict else () if type(one) is set else enumerate(one)
        waiting += [(f"{place}[{key!r:.{SHOWN}}]", part) for key, part in reversed([*inside])]


def is_users(value: Any) -> bool:
    """Whether it is an object of a user's class, which holds something by name."""
    if isinstance(value, type | ModuleType | FunctionType | enum.Enum) or is_library(package_of(value)):
        return False
    return bool(attributes(value))


def _walk(value: Any, place: str, above: set[int]) -> Iterator[tuple[str, Leaf]]:
    kind = type(value)
    if value is None or kind in (bool, int, str, bytes):
        yield place, Leaf(kind.__name__, value)
    elif kind in (float, Precise):
        yield place, Leaf("float", value, True)
    elif isinstance(value, float) and not is_scalar_of_numpy(value):
        # A user's own: by what it holds, whatever it says of itself.
        yield place, Leaf(f"{class_name(kind)}, a kind of float", float.__pos__(value), True)
    elif isinstance(value, int) and kind is not int and not isinstance(value, enum.Enum):
        yield place, Leaf(f"{class_name(kind)}, a kind of int", int.__pos__(value))
    elif isinstance(value, str) and kind is not str and not isinstance(value, enum.Enum):
        yield place, Leaf(f"{class_name(kind)}, a kind of str", str.__getitem__(value, slice(None)))
    elif kind is complex:
        yield f"{place}.real", Leaf(kind.__name__, value.real, True)
        yield f"{place}.imag", Leaf(kind.__name__, value.imag, True)
    elif isinstance(value, enum.Enum):
        yield place, Leaf(class_name(kind), value.name)
    elif isinstance(value, IN_WORDS):
        yield place, Leaf(class_name(kind), str(value) if isinstance(value, Decimal) else _moment(value))
    elif isinstance(value, ATOMS) or isinstance(value, TIMES):
        yield place, Leaf(class_name(kind), bytes(value) if isinstance(value, bytearray) else value)
    elif id(value) in above:
        yield place, Leaf(class_name(kind), "itself again")
    else:
        above.add(id(value))
        yield from _parts(value, place, above)
        above.discard(id(value))


def _moment(value: "datetime.datetime | datetime.time") -> str:
    """With the time zone by its rules: two of one offset today may differ by an hour tomorrow."""
    zone = value.tzinfo
    return value.isoformat() if zone is None or str(zone) == "UTC" else f"{value.isoformat()} {zone}"


def _parts(value: Any, place: str, above: set[int]) -> Iterator[tuple[str, Leaf]]:
    kind = type(value)
    if (found := of_library(value, place, partial(_walk, above=above))) is not None:
        yield from found
    elif isinstance(value, dict | MappingProxyType):
        yield f"{place}", Leaf(class_name(kind), _keys(value))
        if isinstance(value, defaultdict):
            factory = value.default_factory
            yield f"{place}.default_factory", Leaf("factory", getattr(factory, "__qualname__", repr(factory)))
        for key, one in value.items():
            yield from _walk(one, f"{place}[{key!r:.{SHOWN}}]", above)
        yield from _beside(value, place, above)
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        yield place, Leaf("named tuple " + kind.__name__, f"{', '.join(value._fields)}")
        for name, one in zip(value._fields, value, strict=True):
            yield from _walk(one, f"{place}.{name}", above)
    elif isinstance(value, list | tuple | deque | array | KeysView | ValuesView):
        of = f" of {value.typecode!r}" if isinstance(value, array) else ""
        of += f" of at most {value.maxlen}" if isinstance(value, deque) and value.maxlen is not None else ""
        yield place, Leaf(f"{class_name(kind)}{of}", f"{len(value)} items")
        for i, one in enumerate(value):
            yield from _walk(one, f"{place}[{i}]", above)
        yield from _beside(value, place, above)
    elif isinstance(value, set | frozenset):
        yield place, Leaf(class_name(kind), frozenset(_member(one) for one in value if not _is_number(one)))
        yield from _in_order([one for one in value if _is_number(one)], place)
        yield from _beside(value, place, above)
    elif isinstance(value, random.Random):
        yield place, Leaf(class_name(kind), value.getstate())
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
    held = attributes(value)
    held |= {"args": value.args} if isinstance(value, BaseException) else {}
    held = held or _pickled(value)
    if not held and not _is_by_identity(kind):
        yield place, Leaf(class_name(kind), value)
        return
    if not held and _may_hold_more(kind):
        yield place, Leaf(OPAQUE, Same(value))
        return
    inside = [found for name, one in held.items() for found in _walk(one, f"{place}.{name}", above)]
    if not _is_by_identity(kind) and any(leaf.kind == OPAQUE for _, leaf in inside):
        # It says itself when two are equal, where what it holds does not.
        yield place, Leaf(class_name(kind), value)
        return
    yield place, Leaf(f"object {kind.__qualname__}", tuple(held))
    yield from inside


def attributes(value: Any) -> dict[str, Any]:
    """What an object holds by name: in its dictionary, in slots, and as fields of a dataclass.

    What a cached property keeps is no part of it: whoever asks for that changes nothing.
    """
    kinds = type(value).__mro__
    kept = {name for kind in kinds for name, one in vars(kind).items() if type(one) is cached_property}
    held = {name: one for name, one in getattr(value, "__dict__", {}).items() if name not in kept}
    slots = (name for kind in kinds for name in _slots(kind))
    held |= {name: getattr(value, name) for name in slots if hasattr(value, name)}
    if dataclasses.is_dataclass(value):
        held |= {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return held


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


def _is_number(value: Any) -> bool:
    return type(value) in (float, Precise)


def _in_order(numbers: list[float], place: str) -> Iterator[tuple[str, Leaf]]:
    """The floating-point numbers of a set, the smallest first: rounding moves each by as much, and no two change."""
    if numbers:
        yield f"sorted({place})", Leaf("set of numbers", f"{len(numbers)} items")
        ordered = sorted(numbers, key=lambda one: (math.isnan(one), one))
        yield from ((f"sorted({place})[{i}]", Leaf("float", one, True)) for i, one in enumerate(ordered))


def _beside(value: Any, place: str, above: set[int]) -> Iterator[tuple[str, Leaf]]:
    """What a container of a user's class holds beside its items."""
    for name, one in getattr(value, "__dict__", {}).items():
        yield from _walk(one, f"{place}.{name}", above)


def _member(value: Any) -> Any:
    """An item of a set, such that 1 and True are two, and all NaN are one."""
    if isinstance(value, bool | float):
        return class_name(type(value)), repr(value if isinstance(value, bool) else value + 0.0)
    return (type(value), tuple(map(_member, value))) if type(value) in (tuple, frozenset) else value


def _slots(kind: type) -> tuple[str, ...]:
    slots = vars(kind).get("__slots__", ())
    named = (slots,) if isinstance(slots, str) else tuple(slots)
    # A private name is stored under the class's.
    own = kind.__name__.lstrip("_")
    return tuple(f"_{own}{name}" if name.startswith("__") and not name.endswith("__") else name for name in named)


def _may_hold_more(kind: type) -> bool:
    """Whether objects of this class may hold something that Python cannot see, such as a file or a lock."""
    return any(not parent.__flags__ & HEAP for parent in kind.__mro__[:-1]) or is_library(kind.__module__)


def _keys(value: Mapping[Any, Any]) -> tuple[Any, ...]:
    """With their types, since 1, 1.0 and True are one key."""
    return tuple((class_name(type(key)), key) for key in value)


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
