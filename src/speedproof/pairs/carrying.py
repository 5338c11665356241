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
from types import FunctionType
from typing import Any

from .apart import Apart, found_meanwhile
from .marks import is_array


def carried(values: Mapping[str, Any], of: Apart | None, to: Apart | None) -> Mapping[str, Any]:
    """The values as another tree has them; None stands for today's. As they are where nothing in them is of a class of
    the tree, or where they cannot be taken apart."""
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
    except Exception:
        # An open file, a lock, a function without a name: there is no such object in another process either.
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
        """By reference what stays as it is; all else by its own means."""
        named = value if isinstance(value, type | FunctionType) else type(value)
        is_of_tree = named.__module__.partition(".")[0] in self.names
        if is_of_tree and _stands_there(named):
            self.classes[named.__module__, named.__qualname__] = named
            return NotImplemented
        is_plain = (is_array(value) and value.dtype != object) or hasattr(value, "untyped_storage")
        if is_of_tree or is_plain or (isinstance(value, FunctionType) and value is not _as_it_is):
            self.as_it_is.append(value)
            return _as_it_is, (len(self.as_it_is) - 1,)
        return NotImplemented


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
