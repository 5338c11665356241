"""Who tells what happens within calls of one function, and who is told: functions that are entered, instructions."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from threading import get_ident
from types import CodeType, FrameType, FunctionType, MethodType
from typing import Any


def code_of(function: Any) -> CodeType | None:
    """The Python code that a call of `function` begins with, or None where it is compiled code."""
    if isinstance(function, FunctionType):
        return function.__code__
    if isinstance(function, MethodType):
        return code_of(function.__func__)
    if isinstance(function, partial):
        return code_of(function.func)
    if isinstance(function, type):
        return None
    if hasattr(function, "__wrapped__"):
        return code_of(function.__wrapped__)
    call = type(function).__call__
    return call.__code__ if isinstance(call, FunctionType) else None


def _ignore(_: Any) -> None:
    """What a listener does about what it does not ask for."""


@dataclass
class Listener:
    """Is told what happens within calls that begin with `code`, on the thread that made it, the first call excluded."""

    code: CodeType
    on_python: Callable[[FrameType], None] = _ignore
    on_compiled: Callable[[Any], None] = _ignore
    on_instruction: Callable[[CodeType], None] = _ignore
    thread: int = field(default_factory=get_ident)
    depth: int = 0

    def enter(self, frame: FrameType) -> None:
        """A frame begins, or goes on after a `yield`."""
        if get_ident() != self.thread:
            return
        if self.depth:
            self.on_python(frame)
        self.depth += frame.f_code is self.code

    def leave(self, code: CodeType) -> None:
        """A frame ends, by whatever way, or waits after a `yield`."""
        self.depth -= code is self.code and get_ident() == self.thread

    def call(self, function: Any) -> None:
        """Compiled code is called."""
        if self.depth and get_ident() == self.thread:
            self.on_compiled(function)

    def execute(self, code: CodeType) -> None:
        """An instruction is about to run."""
        if self.depth and get_ident() == self.thread:
            self.on_instruction(code)


class Announcer(ABC):
    """Asks the interpreter to announce one kind of event while there is somebody to tell."""

    def __init__(self) -> None:
        self.listeners: list[Listener] = []

    @contextmanager
    def telling(self, listener: Listener) -> Iterator[None]:
        """Tells `listener`, beside any other.

        Raises:
            BadInput: nothing can be announced, since another tool is in the way.
            RuntimeError: the function sent us away, so that not everything was announced.
        """
        if not self.listeners:
            self._install()
        self.listeners.append(listener)
        try:
            yield
        finally:
            self.listeners.remove(listener)
            if not self.listeners:
                self._remove()

    @abstractmethod
    def _install(self) -> None: ...

    @abstractmethod
    def _remove(self) -> None: ...
