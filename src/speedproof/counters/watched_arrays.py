"""Arrays that tell what is done with them: a subclass of NumPy's, over the same memory.

Whatever is called with one runs on plain arrays, so the answer is the same and NumPy's own work within a call is not
told; arrays that come back are watched too. Functions that make arrays, such as `np.zeros` and `np.asarray`, are
replaced while somebody listens; on other threads they do as before.
"""

import sys
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, wraps
from threading import get_ident, local
from types import FunctionType, MethodType
from typing import Any

from speedproof.pairs.marks import numpy

from .array_bytes import bytes_of


@dataclass(frozen=True)
class Operator:
    """What was done with arrays: its name, and the bytes of what it read and wrote."""

    name: str
    n_bytes: int


Listener = Callable[[Operator], None]

SPECIAL = frozenset(
    {
        *("__contains__", "__copy__", "__deepcopy__", "__getitem__", "__setitem__"),
        *("__format__", "__reduce__", "__reduce_ex__", "__repr__", "__str__"),
    }
)
"""Methods with underscores that are told. Python's operators are told as the ufuncs that they call."""
OF_THE_OBJECT = frozenset({"resize", "setfield", "setflags"})
"""Methods that change the array object itself, so they cannot run on another one over the same memory."""
MAKERS = (
    *("arange", "array", "asanyarray", "asarray", "ascontiguousarray", "asfortranarray", "empty", "eye", "frombuffer"),
    *("fromfunction", "fromiter", "full", "identity", "indices", "linspace", "ones", "tri", "zeros"),
)
"""NumPy's functions that make arrays and can do so of none."""
_listeners: list[Listener] = []


class _OfThread(local):
    """Whether an operator is at work on this thread; what it calls is its own business."""

    busy = False


_thread = _OfThread()


@contextmanager
def _being(busy: bool) -> Iterator[None]:
    before, _thread.busy = _thread.busy, busy
    try:
        yield
    finally:
        _thread.busy = before


@contextmanager
def watching(listener: Listener, inputs: MutableMapping[str, Any], names: MutableMapping[str, Any]) -> Iterator[None]:
    """Puts watched arrays in the place of those in `inputs`, and of those that are made; tells `listener`.

    `names` are the global names of the function under test: one that is imported from NumPy by itself is replaced too.
    """
    before = dict(inputs)
    with ExitStack() as stack:
        if not _listeners:
            stack.enter_context(_watched_makers(names))
        _listeners.append(listener)
        stack.callback(_listeners.remove, listener)
        stack.callback(inputs.update, before)
        inputs.update(_watched(before, {}))
        yield


@contextmanager
def _watched_makers(names: MutableMapping[str, Any]) -> Iterator[None]:
    makers = {name: getattr(numpy(), name) for name in MAKERS}
    watched = {id(maker): _maker(name, maker, get_ident()) for name, maker in makers.items()}
    places = [(place, name, value) for place in (vars(numpy()), names) for name, value in list(place.items())]
    replaced = [(place, name, value) for place, name, value in places if id(value) in watched]
    for place, name, value in replaced:
        place[name] = watched[id(value)]
    try:
        yield
    finally:
        for place, name, value in replaced:
            place[name] = value


def _maker(name: str, maker: Callable[..., Any], thread: int) -> Callable[..., Any]:
    @wraps(maker)
    def make(*args: Any, **kwargs: Any) -> Any:
        # Somebody may have imported this one meanwhile, and have it still when nobody listens.
        is_asked = _listeners and not _thread.busy and get_ident() == thread
        # Parts of NumPy that are written in Python ask for arrays too.
        if not is_asked or sys._getframe(1).f_globals.get("__name__", "").startswith("numpy."):
            return maker(*args, **kwargs)
        return _operate(f"numpy.{name}", maker, args, kwargs)

    return make


@cache
def watched_type() -> Any:
    """The subclass. It is made when it is first needed, since NumPy may not be there before."""
    array = numpy().ndarray
    public = (name for name in dir(array) if not name.startswith("_") or name in SPECIAL)
    methods = {name: _method(name, getattr(array, name)) for name in public if callable(getattr(array, name))}
    for name in OF_THE_OBJECT:
        methods.pop(name, None)
    dispatch = {"__array_ufunc__": _on_ufunc, "__array_function__": _on_function}
    return type("ndarray", (array,), {**methods, **dispatch, "__module__": "numpy"})


def _method(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return _operate(f"ndarray.{name}", method, (self, *args), kwargs)

    return call


def _on_ufunc(self: Any, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
    name = f"numpy.{ufunc.__name__}" if method == "__call__" else f"numpy.{ufunc.__name__}.{method}"
    return _operate(name, getattr(ufunc, method), args, kwargs)


def _on_function(self: Any, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    return _operate(f"{function.__module__}.{function.__name__}", function, args, kwargs)


def _operate(name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Calls `function` on plain arrays, tells of it, and watches what comes back."""
    given: dict[int, Any] = {}
    plain_args, plain_kwargs = _plain(args, given), _plain(kwargs, given)
    was_busy = _thread.busy
    with _being(True):
        result = function(*plain_args, **plain_kwargs)
        if not was_busy:
            told = Operator(name, bytes_of(name, plain_args, plain_kwargs, result))
            for listener in _listeners:
                listener(told)
    return _watched(result, given)


def _plain(value: Any, given: dict[int, Any]) -> Any:
    """The same with plain arrays for watched ones; `given` learns which stands for which."""

    def plain(leaf: Any) -> Any:
        if type(leaf) is watched_type():
            bare = numpy().ndarray.view(leaf, numpy().ndarray)
            given[id(bare)] = (bare, leaf)
            return bare
        return _calling_back(leaf) if isinstance(leaf, FunctionType | MethodType) else leaf

    return _mapped(value, plain)


def _watched(value: Any, given: dict[int, Any]) -> Any:
    """The same with watched arrays for plain ones; an array that was given comes back as what was given."""

    def watched(leaf: Any) -> Any:
        if type(leaf) is not numpy().ndarray:
            return leaf
        if id(leaf) not in given:
            if not _listeners:
                return leaf
            given[id(leaf)] = (leaf, leaf.view(watched_type()))
        return given[id(leaf)][1]

    return _mapped(value, watched)


def _calling_back(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the caller's that NumPy calls meanwhile: what it does is told."""

    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        with _being(False):
            return _plain(function(*_watched(args, {}), **_watched(kwargs, {})), {})

    return called


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """The value with its leaves changed; a list, tuple or dict in which nothing changes stays the same object."""
    if isinstance(value, dict):
        parts = {key: _mapped(part, change) for key, part in value.items()}
        if all(parts[key] is value[key] for key in value):
            return value
        return parts if type(value) is dict else value
    if isinstance(value, list | tuple):
        changed = [_mapped(part, change) for part in value]
        if all(one is other for one, other in zip(changed, value, strict=True)):
            return value
        if hasattr(value, "_make"):
            return value._make(changed)
        return type(value)(changed) if type(value) in (list, tuple) else value
    return change(value)
