"""Functions that were replaced and files that were written behind one's back."""

import builtins
import inspect
import os
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple

from speedproof.pairs.kit import Kit


class _Seen(NamedTuple):
    """A function where it was found; its code too, since that can be exchanged inside it."""

    owner: Any
    name: str
    value: Any
    code: Any


OWN = ("speedproof", "bench", "impl_sequential", "impl_batched")


def functions(kit: Kit, modules: Mapping[str, Any]) -> dict[str, _Seen]:
    """Every function that the gate, definitions, the clock, the kit's library and these classes rest on, by full name.

    Entries hold the objects themselves, so that a new one cannot be taken for an old one at the same address.
    """
    owners: dict[str, Any] = {
        "builtins": builtins,
        # By name, since only the clock's module imports it.
        "time": sys.modules["time"],
        **kit.namespaces(),
    }
    owners |= {f"{kind.__module__}.{kind.__qualname__}": kind for kind in kit.classes(modules)}
    for name in _own_modules(len(sys.modules)):
        if name in sys.modules:
            owners[name] = sys.modules[name]
            owners |= {f"{name}.{k}": v for k, v in _namespace(name, sys.modules[name]).classes.items()}
    parts = [_namespace(place, owner).functions for place, owner in owners.items()]
    key = tuple(map(id, parts))
    if key not in _joined:
        _joined.clear()
        seen = {place: one for part in parts for place, one in part.items() if place not in kit.aliases}
        _joined[key] = parts, seen
    return _joined[key][1]


_joined: dict[tuple[int, ...], tuple[list[dict[str, _Seen]], dict[str, _Seen]]] = {}
"""The last answer, which is the next one too where nothing changed."""


@lru_cache(maxsize=1)
def _own_modules(n_modules: int) -> list[str]:
    """Names of our modules; looked for anew once there are more modules, or fewer."""
    return [name for name in sys.modules if name.split(".")[0] in OWN and not name.startswith("bench.controls.")]


class _Namespace(NamedTuple):
    """What a module or class held when it was last looked at; held, so that no address is used anew."""

    ids: tuple[int, ...]
    codes: list[Any]
    functions: dict[str, _Seen]
    classes: dict[str, type]


_namespaces: dict[tuple[str, int], _Namespace] = {}


def _namespace(place: str, owner: Any) -> _Namespace:
    """Looked at anew only where something in it is another object, or has other code: there are thousands."""
    held, key = vars(owner), (place, id(owner))
    ids, known = tuple(map(id, held.values())), _namespaces.get(key)
    if (
        known
        and known.ids == ids
        and [getattr(s.value, "__code__", None) for s in known.functions.values()] == known.codes
    ):
        return known
    functions = {
        f"{place}.{name}": _Seen(owner, name, value, getattr(value, "__code__", None))
        for name, value in list(held.items())
        if callable(value) and not inspect.ismodule(value)
    }
    classes = {k: v for k, v in list(held.items()) if inspect.isclass(v) and v.__module__ == place}
    _namespaces[key] = _Namespace(ids, [seen.code for seen in functions.values()], functions, classes)
    return _namespaces[key]


def is_of_a_class(kit: Kit, place: str, modules: Mapping[str, Any]) -> bool:
    """Whether a function hangs on one of the modules' classes, where none may be added either."""
    return functions(kit, modules)[place].owner in kit.classes(modules)


def put_back(kit: Kit, before: dict[str, _Seen], modules: Mapping[str, Any]) -> None:
    """Undoes what was replaced since, and takes off the modules' classes what was added."""
    for seen in before.values():
        if isinstance(seen.value, FunctionType) and seen.value.__code__ is not seen.code:
            seen.value.__code__ = seen.code
        if vars(seen.owner).get(seen.name) is not seen.value:
            setattr(seen.owner, seen.name, seen.value)
    for place, seen in functions(kit, modules).items():
        if place not in before and is_of_a_class(kit, place, modules):
            delattr(seen.owner, seen.name)


_written: list[str] = []
_watching: list[tuple[str, ...]] = []
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
CHANGES = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod")
HARMLESS = (tempfile.gettempdir() + os.sep + "torchinductor", os.devnull, sysconfig.get_paths()["purelib"])
"""Where compiling writes: the compiler's cache, and byte code beside the modules that are imported."""


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching or not (event == "open" or event in CHANGES):
        return
    path, mode, flags = (*arguments, None, None)[:3] if event == "open" else (arguments[0], "w", 0)
    writes = (isinstance(mode, str) and set(mode) & set("wax+")) or (isinstance(flags, int) and flags & WRITING)
    if writes and isinstance(path, str | bytes | os.PathLike):
        place = os.path.abspath(os.fsdecode(path))
        if (
            not place.startswith((*_watching[-1], *HARMLESS))
            and not place.endswith(".pyc")
            and "__pycache__" not in place
        ):
            _written.append(place)


sys.addaudithook(_audit)


@contextmanager
def watching(given: tuple[Path, ...]) -> Iterator[None]:
    """Notes what is written outside the folders given. Sees what Python opens; what a C library opens by itself it
    does not, except by the names that appear in the working directory."""
    _watching.append(tuple(str(path) for path in given))
    try:
        yield
    finally:
        _watching.pop()


@dataclass(frozen=True, eq=False)
class Files:
    """What can be seen of files that nobody asked for."""

    written: tuple[str, ...]
    """Those written so far while one was watching."""
    folder: str
    """The working directory."""
    beside: frozenset[str]
    """Names in it."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Files) or self.written != other.written:
            return False
        # The names in another folder say nothing of what was written.
        return self.folder != other.folder or self.beside == other.beside


def written() -> tuple[str, ...]:
    """Files written so far while one was watching."""
    return tuple(_written)


def folder() -> str:
    """The working directory; empty where it is gone."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""


def files() -> Files:
    """Files as they are now."""
    here = folder()
    names = (entry.name for entry in os.scandir(here)) if here else ()
    return Files(written(), here, frozenset(name for name in names if name != "__pycache__"))
