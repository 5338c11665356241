"""The interpreter: garbage collector, limits, hooks, streams, import path, warnings, logging."""

import gc
import logging
import sys
import warnings
from itertools import chain
from operator import attrgetter
from typing import Any

from speedproof.pairs.aspect import Aspect, Scene, never
from speedproof.pairs.marks import Same

from .identity import are_same


def _collector(_: Scene) -> dict[str, Any]:
    return {
        "enabled": gc.isenabled(),
        "thresholds": gc.get_threshold(),
        # Frozen objects die one by one, so their number says little.
        "frozen": gc.get_freeze_count() > 0,
        "debug": gc.get_debug(),
        "callbacks": tuple(map(Same, gc.callbacks)),
    }


def _collector_back(_: Scene, seen: dict[str, Any]) -> None:
    (gc.enable if seen["enabled"] else gc.disable)()
    gc.set_threshold(*seen["thresholds"])
    if not seen["frozen"]:
        gc.unfreeze()
    gc.set_debug(seen["debug"])
    gc.callbacks[:] = [one.value for one in seen["callbacks"]]


def _limits(_: Scene) -> dict[str, Any]:
    return {
        "recursion": sys.getrecursionlimit(),
        "switch interval": sys.getswitchinterval(),
        "digits of an integer": sys.get_int_max_str_digits(),
    }


def _limits_back(_: Scene, seen: dict[str, Any]) -> None:
    sys.setrecursionlimit(seen["recursion"])
    sys.setswitchinterval(seen["switch interval"])
    sys.set_int_max_str_digits(seen["digits of an integer"])


HOOKS = ("excepthook", "displayhook", "unraisablehook", "breakpointhook")


def _hooks(_: Scene) -> dict[str, Any]:
    """What Python calls at an error, at a line, or to show a value."""
    tracing = {"trace": Same(sys.gettrace()), "profile": Same(sys.getprofile())}
    return tracing | {name: Same(getattr(sys, name)) for name in HOOKS}


def _hooks_back(_: Scene, seen: dict[str, Any]) -> None:
    sys.settrace(seen["trace"].value)
    sys.setprofile(seen["profile"].value)
    for name in HOOKS:
        setattr(sys, name, seen[name].value)


STREAMS = ("stdin", "stdout", "stderr")


def _streams(_: Scene) -> dict[str, Any]:
    held = {name: getattr(sys, name) for name in STREAMS}
    ways = {f"{name} written": _way(stream) for name, stream in held.items()}
    return ways | {name: Same(stream) for name, stream in held.items()}


def _way(stream: Any) -> tuple[Any, ...]:
    return tuple(getattr(stream, name, None) for name in ("encoding", "errors", "line_buffering", "closed"))


def _streams_back(_: Scene, seen: dict[str, Any]) -> None:
    for name in STREAMS:
        setattr(sys, name, seen[name].value)
        encoding, errors, line_buffering, _closed = seen[f"{name} written"]
        if _way(seen[name].value)[:3] != (encoding, errors, line_buffering):
            seen[name].value.reconfigure(encoding=encoding, errors=errors, line_buffering=line_buffering)


PATHS = ("path", "meta_path", "path_hooks")


def _import_path(_: Scene) -> dict[str, Any]:
    finders = {f"sys.{name}": tuple(map(Same, getattr(sys, name))) for name in PATHS[1:]}
    return {"sys.path": tuple(sys.path), **finders}


def _import_path_back(_: Scene, seen: dict[str, Any]) -> None:
    sys.path[:] = seen["sys.path"]
    for name in PATHS[1:]:
        getattr(sys, name)[:] = [finder.value for finder in seen[f"sys.{name}"]]


def _warnings(_: Scene) -> dict[str, Any]:
    return {"filters": tuple(warnings.filters), "showwarning": Same(warnings.showwarning)}


def _warnings_back(_: Scene, seen: dict[str, Any]) -> None:
    if tuple(warnings.filters) != seen["filters"]:
        with warnings.catch_warnings():
            # Whoever leaves this context tells the registries that the filters are others.
            pass
        warnings.filters[:] = list(seen["filters"])  # type: ignore[index]
    warnings.showwarning = seen["showwarning"].value


def _loggers() -> dict[str, logging.Logger]:
    known = logging.Logger.manager.loggerDict
    return {"root": logging.root} | {k: v for k, v in list(known.items()) if isinstance(v, logging.Logger)}


_last_logging: list[tuple[list[Any], dict[str, Any]]] = []
"""What loggers were made of when one last looked, and what was seen: there are hundreds, and few ever change."""


def _logging(_: Scene) -> dict[str, Any]:
    loggers = _loggers()
    made_of = _made_of(loggers)
    if not _last_logging or not are_same(made_of, _last_logging[0][0]):
        _last_logging[:] = [(made_of, _seen_of(loggers))]
    return _last_logging[0][1]


def _made_of(loggers: dict[str, logging.Logger]) -> list[Any]:
    each = list(loggers.values())
    lists = [*map(attrgetter("handlers"), each), *map(attrgetter("filters"), each)]
    inside = list(chain.from_iterable(lists))
    levels = map(attrgetter("level"), chain.from_iterable(lists[: len(each)]))
    settings = (map(attrgetter(name), each) for name in ("level", "disabled", "propagate"))
    return [*loggers, *each, *chain(*settings), *map(len, lists), *inside, *levels, logging.root.manager.disable]


def _seen_of(loggers: dict[str, logging.Logger]) -> dict[str, Any]:
    seen: dict[str, Any] = {
        name: (one.level, one.disabled, one.propagate, tuple(map(Same, one.handlers)), tuple(map(Same, one.filters)))
        for name, one in loggers.items()
    }
    handlers = {id(h): (f"handler of {n}", h.level) for n, one in loggers.items() for h in one.handlers}
    return seen | dict(handlers.values()) | {"below which all is silent": logging.root.manager.disable}


def _logging_back(_: Scene, seen: dict[str, Any]) -> None:
    logging.disable(seen["below which all is silent"])
    for name, one in _loggers().items():
        if name in seen:
            level, one.disabled, one.propagate, handlers, filters = seen[name]
            one.setLevel(level)
            one.handlers[:] = [handler.value for handler in handlers]
            one.filters[:] = [chosen.value for chosen in filters]
        for handler in one.handlers:
            handler.setLevel(seen.get(f"handler of {name}", handler.level))


PYTHON = (
    Aspect("garbage collector", _collector, _collector_back),
    Aspect("interpreter limits", _limits, _limits_back),
    Aspect("interpreter hooks", _hooks, _hooks_back),
    Aspect("standard streams", _streams, _streams_back, "a stream that was closed stays closed"),
    Aspect("import path", _import_path, _import_path_back),
    Aspect("warnings filters", _warnings, _warnings_back),
    # Loggers are made as modules are imported.
    Aspect("logging", _logging, _logging_back, counts=never),
)
