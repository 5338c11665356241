"""Arguments carried from one tree to another: what is of a class that both have becomes one of the other's class.

A commit's functions tell their arguments by that commit's classes. As between two processes, objects go by the name of
their class and by what is in them; all that is of no class of the tree goes as it is.
"""

import importlib
import io
import pickle
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from enum import Enum
from functools import cached_property
from types import FunctionType
from typing import Any

from speedproof.failures import reason

from .apart import Apart, found_meanwhile
from .marks import is_array


def carried(
    values: Mapping[str, Any], of: Apart | None, to: Apart | None, told: Callable[[str], None] = lambda why: None
) -> Mapping[str, Any]:
    """The values as another tree has them; None stands for today's. As they are where nothing in them is of a class of
    the tree, or where they cannot be built of the other's; `told` is then called with the reason."""
    if of is to:
        return values
    names = frozenset().union(*(then.names for then in (of, to) if then))
    out = io.BytesIO()
    taking = _Taking(out, names)
    try:
        with _meanwhile(of):
            taking.dump(dict(values))
        if not taking.classes:
            return values
        with _meanwhile(to):
            found: Mapping[str, Any] = _Building(io.BytesIO(out.getvalue()), taking, names).load()
            return found
    except Exception as error:
        told(reason(error))
        return values


def _meanwhile(then: Apart | None) -> AbstractContextManager[Any]:
    return found_meanwhile(then) if then else nullcontext()


class _Taking(pickle.Pickler):
    """Takes values apart, but for arrays and what has no name, and notes the classes of the tree that it meets."""

    def __init__(self, out: io.BytesIO, names: frozenset[str]) -> None:
        super().__init__(out, pickle.HIGHEST_PROTOCOL)
        self.names = names
        self.as_it_is: list[Any] = []
        self.classes: dict[tuple[str, str], Any] = {}

    def reducer_override(self, value: Any) -> Any:
        """By reference what stays as it is; what is of the tree by name and by what it holds."""
        is_named = isinstance(value, type | FunctionType)
        named = value if is_named else type(value)
        is_of_tree = named.__module__.partition(".")[0] in self.names
        if is_of_tree and _stands_there(named):
            self.classes[named.__module__, named.__qualname__] = named
            return NotImplemented if is_named else self._of_tree(value)
        if value is _as_it_is or value is _member or value is _attribute:
            return NotImplemented
        if not is_named and (place := self._constant(value)):
            self.classes[place] = value
            return _attribute, place
        is_plain = (is_array(value) and value.dtype != object) or hasattr(value, "untyped_storage")
        if is_of_tree or is_plain or isinstance(value, FunctionType) or not _can_be_taken_apart(value):
            self.as_it_is.append(value)
            return _as_it_is, (len(self.as_it_is) - 1,)
        return NotImplemented

    def _of_tree(self, value: Any) -> Any:
        """A member of an enumeration by its name, a constant by its place, all else without what was worked out."""
        if isinstance(value, Enum):
            return _member, (type(value), value.name, value.value)
        if place := self._constant(value):
            return _attribute, place
        worked_out = {name for name in getattr(value, "__dict__", ()) if _is_worked_out(type(value), name)}
        if not worked_out:
            return NotImplemented
        made = list(value.__reduce_ex__(pickle.HIGHEST_PROTOCOL))
        if len(made) > 2 and isinstance(made[2], dict):
            made[2] = {name: one for name, one in made[2].items() if name not in worked_out}
        return tuple(made)

    def _constant(self, value: Any) -> tuple[str, str] | None:
        """Module and name of an object that holds nothing, such as one that says that an argument is missing."""
        if getattr(value, "__dict__", None) or getattr(type(value), "__reduce__", None) is not object.__reduce__:
            return None
        return self._places.get(id(value))

    @cached_property
    def _places(self) -> dict[int, tuple[str, str]]:
        modules = [(name, one) for name, one in sys.modules.items() if name.partition(".")[0] in self.names]
        return {id(held): (name, of) for name, module in modules for of, held in vars(module).items()}


def _is_worked_out(kind: type, name: str) -> bool:
    return any(isinstance(vars(one).get(name), cached_property) for one in kind.__mro__)


def _can_be_taken_apart(value: Any) -> bool:
    """Not an open file, a lock, or a generator that is under way."""
    try:
        value.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
    except Exception:
        return False
    return True


def _member(kind: Any, name: str | None, value: Any) -> Any:
    """The member of that name; one that has none, such as several flags at a time, by its value."""
    return kind[name] if name in kind.__members__ else kind(value)


def _attribute(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def _stands_there(named: Any) -> bool:
    """Whether a class or a function is what is found by its name."""
    found = sys.modules.get(named.__module__)
    for part in named.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is named


def _as_it_is(place: int) -> Any:
    raise NotImplementedError("its place is looked up by what builds the values")


class _Building(pickle.Unpickler):
    """Builds them of the other tree's classes; where it has none of a name, of the one that there is."""

    def __init__(self, out: io.BytesIO, taken: _Taking, names: frozenset[str]) -> None:
        super().__init__(out)
        self.taken, self.names = taken, names

    def find_class(self, module: str, name: str) -> Any:
        """The class or function of that name."""
        if (module, name) == (__name__, _as_it_is.__name__):
            look_up: Callable[[int], Any] = self.taken.as_it_is.__getitem__
            return look_up
        try:
            if module.partition(".")[0] in self.names:
                importlib.import_module(module)
            return super().find_class(module, name)
        except (ImportError, AttributeError):
            return self.taken.classes[module, name]
