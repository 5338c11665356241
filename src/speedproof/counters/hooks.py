"""What Python 3.11 announces to the one profiler and the one tracer that a thread has a place for.

Who is there is sent away while counting, and put back.
"""

import sys
from abc import abstractmethod
from collections.abc import Callable
from types import FrameType
from typing import Any

from speedproof.errors import BadInput

from .announcer import Announcer

DISTURBED = (
    "The function called sys.set{}, so that not all of its work was counted. Expected one that leaves it alone; leave "
    "this counter out."
)


def replaceable(name: str) -> Any:
    """The profiler or tracer of this thread, or None.

    Raises:
        BadInput: it is one that Python code cannot put back.
    """
    found = getattr(sys, f"get{name}")()
    if found is not None and not callable(found):
        raise BadInput(
            f"Nothing can be counted while {type(found).__name__} is there, as sys.get{name}() says: it cannot be put "
            "back. Expected none, or one that is a function."
        )
    return found


class _Hook(Announcer):
    """The interpreter's one place for a profiler, or for a tracer."""

    before: Any = None

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.get: Callable[[], Any] = getattr(sys, f"get{name}")
        self.set: Callable[[Any], None] = getattr(sys, f"set{name}")
        self.mine = self._on_event

    def _install(self) -> None:
        self.before = replaceable(self.name)
        self.set(self.mine)

    def _remove(self) -> None:
        found, before, self.before = self.get(), self.before, None
        self.set(before)
        if found is not self.mine:
            raise RuntimeError(DISTURBED.format(self.name))

    @abstractmethod
    def _on_event(self, frame: FrameType, event: str, arg: Any) -> Any: ...


class ProfiledCalls(_Hook):
    """Frames and compiled calls, by `sys.setprofile`."""

    def __init__(self) -> None:
        super().__init__("profile")

    def _on_event(self, frame: FrameType, event: str, arg: Any) -> None:
        for listener in self.listeners:
            if event == "call":
                listener.enter(frame)
            elif event == "return":
                listener.leave(frame.f_code)
            elif event == "c_call":
                listener.call(arg)


class TracedInstructions(_Hook):
    """Frames and instructions, by `sys.settrace`."""

    def __init__(self) -> None:
        super().__init__("trace")

    def _on_event(self, frame: FrameType, event: str, arg: Any) -> Any:
        for listener in self.listeners:
            if event == "opcode":
                listener.execute(frame.f_code)
            elif event == "call":
                listener.enter(frame)
            elif event == "return":
                listener.leave(frame.f_code)
        if event == "call":
            if not any(listener.depth for listener in self.listeners):
                return None
            frame.f_trace_lines, frame.f_trace_opcodes = False, True
        return self.mine
