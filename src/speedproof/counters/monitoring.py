"""What Python 3.12 and later announce to a tool of `sys.monitoring`."""

import sys
from collections.abc import Callable, Iterator, Mapping
from threading import get_ident
from types import BuiltinFunctionType, CodeType, FrameType, MethodDescriptorType
from typing import TYPE_CHECKING, Any

from speedproof.errors import BadInput

from .announcer import Announcer
from .hooks import DISTURBED, replaceable

# Tells a type checker that speaks of Python 3.11 to read no further. Whoever calls this looks first.
assert sys.version_info >= (3, 12) or not TYPE_CHECKING

TOOL = "speedproof"
TOOL_IDS = range(6)
"""Identifiers that `sys.monitoring` has for tools."""
FREE_IDS = (3, 4)
"""Those that Python reserves for no kind of tool."""
ENTERED = ("PY_START", "PY_RESUME", "PY_THROW")
LEFT = ("PY_RETURN", "PY_YIELD", "PY_UNWIND")


class _Monitor(Announcer):
    """A tool of `sys.monitoring`, with what it does at each event."""

    tool_id = -1

    def __init__(self, callbacks: Mapping[str, Callable[..., None]]) -> None:
        super().__init__()
        self.callbacks = {getattr(sys.monitoring.events, name): does for name, does in callbacks.items()}

    def _install(self) -> None:
        free = [number for number in FREE_IDS if sys.monitoring.get_tool(number) is None]
        if not free:
            raise BadInput("Nothing can be counted: other tools have taken sys.monitoring's places 3 and 4.")
        self.tool_id = free[0]
        sys.monitoring.use_tool_id(self.tool_id, TOOL)
        for event, does in self.callbacks.items():
            sys.monitoring.register_callback(self.tool_id, event, does)
        sys.monitoring.set_events(self.tool_id, sum(self.callbacks))

    def _remove(self) -> None:
        sys.monitoring.set_events(self.tool_id, 0)
        # Before 3.14 the callbacks outlive the tool.
        for event in self.callbacks:
            sys.monitoring.register_callback(self.tool_id, event, None)
        sys.monitoring.free_tool_id(self.tool_id)


class MonitoredCalls(_Monitor):
    """Frames and compiled calls, beside any other tool: those that `sys.setprofile` announces, so both count alike."""

    def __init__(self) -> None:
        frames = {**dict.fromkeys(ENTERED, self._enter), **dict.fromkeys(LEFT, self._leave)}
        super().__init__({**frames, "CALL": self._call})

    def _enter(self, code: CodeType, *_: Any) -> None:
        for listener in self.listeners:
            listener.enter(sys._getframe(1))

    def _leave(self, code: CodeType, *_: Any) -> None:
        for listener in self.listeners:
            listener.leave(code)

    def _call(self, code: CodeType, offset: int, function: Any, first: Any) -> None:
        method = isinstance(function, MethodDescriptorType) and first is not sys.monitoring.MISSING
        if method or isinstance(function, BuiltinFunctionType):
            for listener in self.listeners:
                listener.call(function)


class MonitoredInstructions(_Monitor):
    """Instructions, where no other tool is there: beside one that watches lines, Python drops some.

    A tracer is sent away while counting, and put back. This tool asks for nothing but instructions, since Python also
    drops some where one tool asks for frames as well; so it tells from the frames themselves when the call begins and
    ends.
    """

    tracer: Any = None

    def __init__(self) -> None:
        super().__init__({"INSTRUCTION": self._instruction})
        self.callers: dict[int, set[int]] = {}

    def _install(self) -> None:
        tools = (sys.monitoring.get_tool(number) for number in TOOL_IDS)
        others = [name for name in tools if name not in (None, TOOL)]
        if others:
            raise BadInput(
                f"Instructions cannot be counted while {others[0]} uses sys.monitoring. Expected no other tool; leave "
                "this counter out."
            )
        tracer = replaceable("trace")
        super()._install()
        self.tracer = tracer
        sys.settrace(None)

    def _remove(self) -> None:
        super()._remove()
        self.callers.clear()
        found, tracer, self.tracer = sys.gettrace(), self.tracer, None
        sys.settrace(tracer)
        if found is not None:
            raise RuntimeError(DISTURBED.format("trace"))

    def _instruction(self, code: CodeType, offset: int) -> None:
        frame = sys._getframe(1)
        for listener in self.listeners:
            if listener.thread != get_ident():
                continue
            if listener.depth and id(frame) in self.callers[id(listener)]:
                listener.depth = 0
            if not listener.depth and code is listener.code:
                listener.depth, self.callers[id(listener)] = 1, {id(caller) for caller in _callers(frame)}
            listener.execute(code)


def _callers(frame: FrameType) -> Iterator[FrameType]:
    """The frames that wait for this one. They live as long as it does, so that none's address is another's."""
    caller = frame.f_back
    while caller:
        yield caller
        caller = caller.f_back
