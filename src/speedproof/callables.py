"""Any callable: the function that a person wrote inside it, its name, and where it stands."""

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any


def written(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function that somebody wrote: without partial, decorator, binding to an object, or the object itself.

    A built-in function, or a class, is returned as it is.
    """
    while True:
        if isinstance(function, partial):
            function = function.func
        elif hasattr(function, "__wrapped__"):
            function = inspect.unwrap(function)
        elif inspect.ismethod(function):
            function = function.__func__
        elif _is_object(function):
            function = type(function).__call__
        else:
            return function


def name_of(function: Callable[..., Any]) -> str:
    """What a refusal calls it: the name of the function that was written, or of the object's class."""
    while isinstance(function, partial):
        function = function.func
    if _is_object(function) and not hasattr(function, "__wrapped__"):
        return type(function).__name__
    return str(getattr(written(function), "__name__", type(function).__name__))


def source_file(function: Callable[..., Any]) -> Path | None:
    """The file that holds what was written, or None for what is built in or was typed into a shell."""
    try:
        found = inspect.getsourcefile(written(function))
    except TypeError:
        return None
    return Path(found) if found and Path(found).is_file() else None


def where(function: Callable[..., Any]) -> str:
    """FILE.py:NAME, relative to the current folder where the file lies below it."""
    path = source_file(function)
    if path is None:
        return f"{getattr(function, '__module__', None) or '?'}:{name_of(function)}"
    below = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return f"{below}:{name_of(function)}"


def _is_object(function: Callable[..., Any]) -> bool:
    """Whether it is an object of a class that somebody made callable, and no function of any kind."""
    return not (inspect.isroutine(function) or inspect.isclass(function) or isinstance(function, partial))
