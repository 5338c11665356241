"""Counters of what the interpreter does: functions called, operators of types that Python code defines, instructions.

They see the thread that makes the call. They do not see what compiled code does by itself, threads that the function
starts, and garbage that is collected in cycles: none is, meanwhile. The numbers are those of one Python version: from
3.12 on, for example, a list comprehension is no call. What a function keeps from its first call, such as a compiled
pattern, makes later ones cheaper: call it once before.
"""

import inspect
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import CodeType, FrameType
from typing import Any

from speedproof.errors import BadInput

from .announcer import Announcer, Listener, code_of
from .garbage import no_collection
from .tally import Call, Tally

if sys.version_info >= (3, 12):
    from .monitoring import MonitoredCalls as Calls
    from .monitoring import MonitoredInstructions as Instructions
else:
    from .hooks import ProfiledCalls as Calls
    from .hooks import TracedInstructions as Instructions

CALLS: Announcer = Calls()
INSTRUCTIONS: Announcer = Instructions()

COMPARISONS = frozenset({"__lt__", "__le__", "__eq__", "__ne__", "__gt__", "__ge__"})
_BINARY = (
    *("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "divmod", "pow"),
    *("lshift", "rshift", "and", "xor", "or"),
)
ARITHMETIC = frozenset(
    {f"__{kind}{name}__" for name in _BINARY for kind in ("", "r", "i")}
    | {"__neg__", "__pos__", "__abs__", "__invert__", "__round__", "__trunc__", "__floor__", "__ceil__"}
)
OPERATIONS = COMPARISONS | ARITHMETIC
"""Methods that Python calls for an operator, by their names in the language's data model."""

SUSPENDED = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
"""Flags of code that a call does not run: it makes an object that does, later."""


def why_not_python(twin: Any) -> str:
    """Why the counters of this module see nothing of a call of `twin`, as one sentence; empty where they do."""
    name = getattr(twin, "__qualname__", type(twin).__qualname__)
    code = code_of(twin)
    if code is None:
        return f"{name} does not begin with Python code, so what it calls is not seen."
    if code.co_flags & SUSPENDED:
        return f"A call of {name} only makes a generator or coroutine, so none of its work is seen."
    return ""


@contextmanager
def function_calls(call: Call) -> Iterator[Tally]:
    """Functions called during the call, its own not counted, also by name: Python's and compiled ones.

    A generator that goes on counts as a call. Not seen: classes, and other compiled objects that can be called but are
    no functions; compiled functions that compiled code calls; operators of compiled types.

    Raises:
        BadInput: it would see nothing of the call (`why_not_python`).
    """
    names: defaultdict[str, int] = defaultdict(int)

    def python(frame: FrameType) -> None:
        names[f"{frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}"] += 1

    def compiled(function: Any) -> None:
        names[_name(function)] += 1

    tally = Tally()
    with _listening(CALLS, Listener(_code(call), on_python=python, on_compiled=compiled)):
        yield tally
    _fill(tally, names)


@contextmanager
def operations_of_own_types(call: Call) -> Iterator[Tally]:
    """Comparisons and arithmetic by methods that are written in Python, also by name, such as `__lt__`.

    Raises:
        BadInput: it would see nothing of the call (`why_not_python`).
    """
    names: defaultdict[str, int] = defaultdict(int)

    def python(frame: FrameType) -> None:
        if frame.f_code.co_name in OPERATIONS:
            names[frame.f_code.co_name] += 1

    tally = Tally()
    with _listening(CALLS, Listener(_code(call), on_python=python)):
        yield tally
    _fill(tally, names)


@contextmanager
def instructions_of_python(call: Call) -> Iterator[Tally]:
    """Instructions of Python's byte code that run, whether the interpreter has specialised them or not.

    Raises:
        BadInput: it would see nothing of the call (`why_not_python`).
    """
    tally = Tally()

    def instruction(_: CodeType) -> None:
        tally.count += 1

    with _listening(INSTRUCTIONS, Listener(_code(call), on_instruction=instruction)):
        yield tally


@contextmanager
def _listening(announcer: Announcer, listener: Listener) -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(no_collection())
        stack.enter_context(announcer.telling(listener))
        yield


def _code(call: Call) -> CodeType:
    why, code = why_not_python(call.twin), code_of(call.twin)
    if why or code is None:
        raise BadInput(f"{why} Expected a function that is written in Python; leave this counter out.")
    return code


def _name(function: Any) -> str:
    """A compiled function's name, without the module where everybody knows it."""
    module = getattr(function, "__module__", None)
    return function.__qualname__ if module in (None, "builtins") else f"{module}.{function.__qualname__}"


def _fill(tally: Tally, names: defaultdict[str, int]) -> None:
    tally.by_name.update(names)
    tally.count = sum(names.values())
