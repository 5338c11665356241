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
"""Times a call's usual seconds on processors that it may take so: what repeats until nothing changes may repeat for
ever."""
SHORTEST_S = 0.5
"""Seconds on processors that it may take in any case."""


class _Endless(Exception):
    """A call that takes far longer than with the usual rounding."""


def turned(function: Callable[..., Any], took_cpu_s: float) -> list[Callable[..., Any]]:
    """The function with its roundings turned, in several ways; none where the processor's cannot be turned here.

    Once upwards and once downwards, and both with what libraries round the other way, so that no two cancel each time.
    """
    modes, library = _MODES.get(platform.machine().lower(), ()), _library()
    if not modes or library is None or not _has_timer():
        return []
    limit_s = max(SHORTEST_S, LONGER * took_cpu_s)
    return [_turned(function, library, mode, limit_s, upwards) for mode in modes for upwards in (True, False)]


def _has_timer() -> bool:
    """Whether the timer of seconds on processors is free: that of the clock may be a test runner's or a study's, which
    ends what takes too long."""
    if not hasattr(signal, "ITIMER_VIRTUAL") or threading.current_thread() is not threading.main_thread():
        return False
    return signal.getitimer(signal.ITIMER_VIRTUAL)[0] == 0 and signal.getsignal(signal.SIGVTALRM) is not None


def _library() -> Any:
    try:
        found = ctypes.CDLL(None)
        return found if hasattr(found, "fesetround") and hasattr(found, "fegetround") else None
    except (OSError, TypeError):
        return None


def _turned(function: Callable[..., Any], library: Any, mode: int, limit_s: float, upwards: bool) -> Callable[..., Any]:
    def called(*args: Any, **kwargs: Any) -> Any:
        usual, held, before = library.fegetround(), _of_libraries(function), signal.getsignal(signal.SIGVTALRM)
        try:
            with _ended_after(limit_s):
                for place, name, value in held:
                    place[name] = _rounded(value, upwards)
                library.fesetround(mode)
                return function(*args, **kwargs)
        finally:
            # Out here the timer is off or has rung, so that nothing ends this half-way.
            library.fesetround(usual)
            for place, name, value in held:
                place[name] = value
            signal.signal(signal.SIGVTALRM, before)

    return called


def _of_libraries(function: Callable[..., Any]) -> list[tuple[dict[str, Any], str, Any]]:
    """Constants and functions of `math` and `cmath`, wherever the function has them from: place, name and value.

    A library's own functions round to the nearest number, whatever the processor does.
    """
    held = getattr(inspect.unwrap(function), "__globals__", {})
    places = [vars(sys.modules[name]) for name in ("math", "cmath", "numpy") if name in sys.modules]
    return [(place, name, value) for place in (*places, held) for name, value in place.items() if _is_rounded(value)]


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
    """Ends what takes more seconds on processors, also where the function catches everything."""
    has_rung = False

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal has_rung
        has_rung = True
        raise _Endless

    signal.signal(signal.SIGVTALRM, end)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, limit_s)
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    if has_rung:
        raise _Endless
