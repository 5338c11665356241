"""The processor's rounding, turned up and down: what all roundings of a function do to its answer.

A run in higher precision sees the roundings of what is worked out from the inputs, and none of those of constants and
whole numbers. Turned rounding sees all of them. Source: W. Kahan, How Futile are Mindless Assessments of Roundoff in
Floating-Point Computation? (2006), section 14, which recommends it to find out whether a program's roundings matter.
"""

import ctypes
import inspect
import math
import platform
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import BuiltinFunctionType, FrameType
from typing import Any

_X86, _ARM = (0x800, 0x400), (0x400000, 0x800000)
_MODES = {"x86_64": _X86, "amd64": _X86, "aarch64": _ARM, "arm64": _ARM}
CONSTANTS = (math.pi, math.tau, math.e)
"""Numbers that stand for ones with endless digits, each the nearest below it."""
FUNCTIONS = frozenset(
    {
        *("sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
        *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "pow", "cbrt", "hypot", "dist", "phase", "rect"),
        *("erf", "erfc", "gamma", "lgamma"),
    }
)
"""Functions whose values have endless digits."""
LONGER = 20.0
"""Times a call's usual seconds that it may take so: what repeats until nothing changes may repeat for ever."""
SHORTEST_S = 0.5
"""Seconds that it may take in any case."""


class _Endless(Exception):
    """A call that takes far longer than with the usual rounding."""


def turned(function: Callable[..., Any], took_s: float) -> list[Callable[..., Any]]:
    """The function with its roundings turned, in several ways; none where the processor's cannot be turned here.

    Once upwards and once downwards, and both with what libraries round the other way, so that no two cancel each time.
    """
    modes = _MODES.get(platform.machine().lower(), ())
    is_free = threading.current_thread() is threading.main_thread() and signal.getitimer(signal.ITIMER_REAL)[0] == 0
    library = _library()
    if not modes or not is_free or library is None:
        return []
    limit_s = max(SHORTEST_S, LONGER * took_s)
    return [_turned(function, library, mode, limit_s, upwards) for mode in modes for upwards in (True, False)]


def _library() -> Any:
    try:
        found = ctypes.CDLL(None)
        return found if hasattr(found, "fesetround") and hasattr(found, "fegetround") else None
    except (OSError, TypeError):
        return None


def _turned(function: Callable[..., Any], library: Any, mode: int, limit_s: float, upwards: bool) -> Callable[..., Any]:
    def called(*args: Any, **kwargs: Any) -> Any:
        with _ended_after(limit_s), _of_libraries(function, upwards):
            usual = library.fegetround()
            library.fesetround(mode)
            try:
                return function(*args, **kwargs)
            finally:
                library.fesetround(usual)

    return called


@contextmanager
def _of_libraries(function: Callable[..., Any], upwards: bool) -> Iterator[None]:
    """Constants and functions of `math` and `cmath` rounded so too, wherever the function has them from.

    A library's own functions round to the nearest number, whatever the processor does.
    """
    held = getattr(inspect.unwrap(function), "__globals__", {})
    places = [vars(sys.modules[name]) for name in ("math", "cmath", "numpy") if name in sys.modules]
    found = [(place, name, value) for place in (*places, held) for name, value in place.items() if _is_rounded(value)]
    try:
        for place, name, value in found:
            place[name] = _rounded(value, upwards)
        yield
    finally:
        for place, name, value in found:
            place[name] = value


def _is_rounded(value: Any) -> bool:
    if type(value) is float:
        return value in CONSTANTS
    return type(value) is BuiltinFunctionType and value.__module__ in ("math", "cmath") and value.__name__ in FUNCTIONS


def _rounded(value: Any, upwards: bool) -> Any:
    if type(value) is float:
        return math.nextafter(value, math.inf) if upwards else value
    to = math.inf if upwards else -math.inf

    @wraps(value)
    def called(*args: Any) -> Any:
        found = value(*args)
        if type(found) is complex:
            return complex(math.nextafter(found.real, to), math.nextafter(found.imag, to))
        return math.nextafter(found, to) if type(found) is float else found

    return called


@contextmanager
def _ended_after(limit_s: float) -> Iterator[None]:
    def end(number: int, frame: FrameType | None) -> None:
        raise _Endless

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
