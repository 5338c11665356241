"""Functions that were replaced and files that were written behind one's back."""

import builtins
import gc
import inspect
import os
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple

from speedproof.pairs.kit import Kit

from .aspects.identity import Chosen, Held, are_same
from .aspects.of_process import working_directory


class _Seen(NamedTuple):
    """A function where it was found; its code too, since that can be exchanged inside it."""

    owner: Any
    name: str
    value: Any
    code: Any

    def __eq__(self, other: object) -> bool:
        # What replaced a function may answer that it equals it.
        return isinstance(other, _Seen) and are_same(self._objects(), other._objects())

    def __ne__(self, other: object) -> bool:
        return not self == other

    def _objects(self) -> tuple[Any, Any, Any]:
        return self.owner, self.value, self.code


OWN = ("speedproof", "bench", "impl_sequential", "impl_batched")


class _View(NamedTuple):
    """Where functions were looked for, those that were there, and the answer. Held, so that no address is used anew."""

    owners: list[Any]
    chosen: Chosen
    """The functions where they stood, and how much stood beside them."""
    classes: Held
    """All that hangs on the modules' classes, since none may be added there."""
    functions: list[FunctionType]
    parts: list[Any]
    """What those refer to: code, defaults, what they close over. The garbage collector tells it of thousands at once,
    while each `__code__` that is asked for is an event to every audit hook."""
    seen: dict[str, _Seen]

    def stands(self, owners: list[Any]) -> bool:
        """Whether every function is where it was, none was added to a class, and in none is another part."""
        return (
            are_same(owners, self.owners)
            and self.chosen.stands()
            and self.classes.stands()
            and are_same(gc.get_referents(*self.functions), self.parts)
        )


_views: dict[Kit, _View] = {}
"""The last answer for each kit, which is the next one too where nothing changed."""


def functions(kit: Kit, modules: Mapping[str, Any]) -> dict[str, _Seen]:
    """Every function that the gate, definitions, the clock, the kit's library and these classes rest on, by full name.

    Entries hold the objects themselves, so that a new one cannot be taken for an old one at the same address. Where
    nothing changed, the answer is the same dictionary.
    """
    owners = _owners(kit, modules)
    known = _views.get(kit)
    if known is None or not known.stands([*owners.values()]):
        known = _views[kit] = _looked_at(kit, owners, modules)
    return known.seen


def _owners(kit: Kit, modules: Mapping[str, Any]) -> dict[str, Any]:
    """Modules and classes in which functions are looked for, by name; classes of our own modules come with those."""
    owners: dict[str, Any] = {
        "builtins": builtins,
        # By name, since only the clock's module imports it.
        "time": sys.modules["time"],
        **kit.namespaces(),
    }
    owners |= {f"{kind.__module__}.{kind.__qualname__}": kind for kind in kit.classes(modules)}
    return owners | {name: sys.modules[name] for name in _own_modules(len(sys.modules)) if name in sys.modules}


def _looked_at(kit: Kit, owners: Mapping[str, Any], modules: Mapping[str, Any]) -> _View:
    """All of it anew."""
    places: dict[str, Any] = {}
    for place, owner in owners.items():
        places[place] = owner
        if place in _own_modules(len(sys.modules)):
            inside = list(vars(owner).items())
            places |= {f"{place}.{k}": v for k, v in inside if inspect.isclass(v) and v.__module__ == place}
    seen: dict[str, _Seen] = {}
    chosen: list[tuple[Mapping[str, Any], list[str]]] = []
    for place, owner in places.items():
        found = _functions_of(kit, place, owner)
        seen |= {f"{place}.{one.name}": one for one in found}
        chosen.append((vars(owner), [one.name for one in found]))
    # A bound method's code is its function's.
    coded = [getattr(one.value, "__func__", one.value) for one in seen.values() if one.code is not None]
    functions = [*{id(one): one for one in coded if isinstance(one, FunctionType)}.values()]
    classes = Held(map(vars, kit.classes(modules)))
    return _View([*owners.values()], Chosen(chosen), classes, functions, gc.get_referents(*functions), seen)


def _functions_of(kit: Kit, place: str, owner: Any) -> list[_Seen]:
    return [
        _Seen(owner, name, value, getattr(value, "__code__", None))
        for name, value in list(vars(owner).items())
        if callable(value) and not inspect.ismodule(value) and f"{place}.{name}" not in kit.aliases
    ]


@lru_cache(maxsize=1)
def _own_modules(n_modules: int) -> list[str]:
    """Names of our modules; looked for anew once there are more modules, or fewer."""
    return [name for name in sys.modules if name.split(".")[0] in OWN and not name.startswith("bench.controls.")]


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
CHANGES: dict[str, dict[int, int | None]] = {
    "os.remove": {0: 1},
    "os.rmdir": {0: 1},
    "os.mkdir": {0: 2},
    "os.chmod": {0: 2},
    "os.truncate": {0: None},
    "os.rename": {0: 2, 1: 3},
    "os.link": {1: 3},
    "os.symlink": {1: 2},
}
"""Event -> its arguments that name what is changed, each with the one that says in which open folder, if any does."""
HARMLESS = (
    tempfile.gettempdir() + os.sep + "torchinductor",
    os.environ.get("TRITON_CACHE_DIR") or os.path.expanduser(os.path.join("~", ".triton")),
    os.devnull,
    sysconfig.get_paths()["purelib"],
)
"""Where compiling writes: the compilers' caches, and byte code beside the modules that are imported."""
NAMES = (str, bytes, os.PathLike)
"""What a file is named by; a number names one that is open already."""


def is_writing(mode: Any, flags: Any) -> bool:
    """Whether a file that is opened so can be written into."""
    return bool((isinstance(mode, str) and set(mode) & set("wax+")) or (isinstance(flags, int) and flags & WRITING))


def changed_by(event: str, arguments: tuple[Any, ...]) -> list[str]:
    """The places that an audited event writes into, deletes or makes by name; links on the way are followed."""
    if event == "open":
        path, mode, flags = arguments[:3]
        return [os.path.realpath(os.fsdecode(path))] if is_writing(mode, flags) and isinstance(path, NAMES) else []
    named = [(arguments[i], -1 if at is None else arguments[at]) for i, at in CHANGES.get(event, {}).items()]
    return [_place(os.fsdecode(path), folder) for path, folder in named if isinstance(path, NAMES)]


def _place(name: str, folder: int) -> str:
    """Where something stands that itself may be a link."""
    if folder >= 0 and not os.path.isabs(name):
        name = os.path.join(os.path.realpath(f"/proc/self/fd/{folder}"), name)
    above, last = os.path.split(os.path.abspath(name))
    return os.path.join(os.path.realpath(above), last)


def is_below(place: str, given: Iterable[str]) -> bool:
    """Whether a place is one of those given, or lies in one."""
    return any(place == one or place.startswith(one.rstrip(os.sep) + os.sep) for one in given)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching or not (event == "open" or event in CHANGES):
        return
    for place in changed_by(event, arguments):
        if (
            not is_below(place, _watching[-1])
            and not place.startswith(HARMLESS)
            and not place.endswith(".pyc")
            and "__pycache__" not in place
        ):
            _written.append(place)


sys.addaudithook(_audit)


@contextmanager
def watching(given: tuple[Path | str, ...]) -> Iterator[None]:
    """Notes what is written outside the folders given. Sees what Python opens; what a C library opens by itself it
    does not, except by the names that appear in the working directory."""
    _watching.append(tuple(os.path.realpath(path) for path in given))
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


def files() -> Files:
    """Files as they are now."""
    here = working_directory()
    names = (entry.name for entry in os.scandir(here)) if here else ()
    return Files(written(), here, frozenset(name for name in names if name != "__pycache__"))
