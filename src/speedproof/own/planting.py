"""Planting faults in the user's own candidate: which of them would this very check have seen?

One fault at a time, each in a fork of this process that may write in its own folder alone, and start nothing: what
hangs, exits or spoils something is over with its process. One in a line that no input reached needs no trial: nothing
could see it.
"""

import os
import select
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any, Literal

import psutil

from speedproof.clock import monotonic_s
from speedproof.gate.watching import changed_by, is_below, is_writing

from .effects.files import area
from .faults import Fault, candidates_code, codes, faults_of
from .values.leaf import torch

MOST = 60
"""Faults that are planted at most; where there are more, every so-and-so-many-th."""
SLOWER = 20.0
"""Times the whole check's seconds after which a fault is taken to hang, which is seen."""
MEMORY_BYTES = 2 * 2**30
"""Bytes that a fault may take beyond what the check holds, before it is taken to fill the memory, which is seen."""
HARM = frozenset(
    {
        *("os.chown", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork"),
        *("os.kill", "os.killpg", "socket.connect", "socket.bind", "socket.sendto"),
    }
)
"""Audit events of what a function with a fault in it may not do, beside writing outside its folder: it might do it to
what is not its own."""
SHORTEST_S = 2.0
"""Seconds that a fault may take at least before it is taken to hang."""


Ended = Literal["", "refused", "hangs"]
"""What a check in a fork came to: nothing where it passed."""
ENDS: dict[bytes, Ended] = {b"0": "", b"1": "refused"}
WHY_NONE: dict[Ended, str] = {
    "refused": "the candidate starts processes, makes connections or writes outside the folder for temporary files, "
    "and a fault in it might do harm",
    "hangs": "the candidate hangs in a copy of this process, as libraries do that run threads of their own (polars)",
}
"""Why no faults are planted in a candidate that does not pass in a fork without one."""
ON_DEVICE = "a copy of this process, in which a fault is tried, cannot use its CUDA device"
"""The same where that is why."""


@dataclass(frozen=True)
class Seen:
    """What became of the faults."""

    n_planted: int
    n_seen: int
    unseen: tuple[str, ...]
    """Those that the check would have passed, in words."""
    unreached: tuple[str, ...]
    """Lines that no input reached."""
    why_none: str = ""
    """Why none was planted."""
    n_possible: int = 0
    """All that could be planted."""


def reached(function: Callable[..., Any], run: Callable[[], Any]) -> dict[str, set[int]]:
    """Lines of the candidate's functions that are run meanwhile, by function."""
    watched = {one.__code__: name for name, one in candidates_code(function).items()}
    inner = {code: name for top, name in watched.items() for code in codes(top)}
    seen: dict[str, set[int]] = {name: set() for name in watched.values()}

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        name = inner.get(frame.f_code)
        if name is None:
            return None
        seen[name].add(frame.f_lineno)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(before)
    return seen


def plant(
    function: Callable[..., Any],
    check: Callable[[], bool],
    run: Callable[[], Any],
    took_s: float,
    budget_s: float,
    most: int = MOST,
) -> Seen:
    """Plants faults one by one and asks whether the check sees them, for at most `budget_s` seconds.

    `check` says whether the candidate still passes; `run` asks the candidate what the check asks it, without judging;
    `took_s` is what the check takes where nothing is wrong.
    """
    possible, why_none = faults_of(function)
    if not possible:
        return Seen(0, 0, (), (), why_none)
    if not hasattr(os, "fork"):
        return Seen(0, 0, (), (), "this system has no fork", len(possible))
    if as_it_is := _said(function, None, check, max(SHORTEST_S, SLOWER * took_s)):
        found = torch()
        why_none = ON_DEVICE if found and found.cuda.is_initialized() else WHY_NONE[as_it_is]
        return Seen(0, 0, (), (), why_none, len(possible))
    lines = reached(function, run)
    chosen = possible[:: -(-len(possible) // most)] if most else []
    end_s, limit_s = monotonic_s() + budget_s, max(SHORTEST_S, SLOWER * took_s)
    n_seen, n_planted = 0, 0
    unseen: list[str] = []
    unreached: dict[int, None] = {}
    for fault in chosen:
        if monotonic_s() > end_s:
            break
        n_planted += 1
        if fault.line not in lines.get(fault.function, set()) and _is_a_statement_of_its_own(fault, lines):
            unreached[fault.line] = None
            continue
        if _said(function, fault, check, min(limit_s, max(0.1, end_s - monotonic_s()))):
            n_seen += 1
        else:
            unseen.append(fault.words)
    return Seen(n_planted, n_seen, tuple(unseen), tuple(f"line {line}" for line in unreached), n_possible=len(possible))


def _is_a_statement_of_its_own(fault: Fault, lines: dict[str, set[int]]) -> bool:
    """Whether lines tell of it: a line in the middle of a longer statement may never be named."""
    code_lines = {line for code in codes(fault.code) for _, _, line in code.co_lines() if line}
    return fault.line in code_lines


def _said(function: Callable[..., Any], fault: Fault | None, check: Callable[[], bool], limit_s: float) -> Ended:
    """What the check says of the candidate with this fault in it, in a fork; one that dies or hangs has been seen."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        passed = b"1"
        try:
            os.close(reading)
            # A group of its own, so that all that it starts ends with it.
            os.setsid()
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            null = os.open(os.devnull, os.O_RDWR)
            for number in (1, 2):
                os.dup2(null, number)
            _limit_memory()
            sys.addaudithook(_forbid_harm)
            if fault:
                candidates_code(function)[fault.function].__code__ = fault.code
            passed = b"0" if check() else b"1"
        except BaseException:
            passed = b"1"
        finally:
            os.write(writing, passed)
            os._exit(0)
    os.close(writing)
    try:
        ready, _, _ = select.select([reading], [], [], limit_s)
        answer = os.read(reading, 1) if ready else b""
    finally:
        os.close(reading)
        try:
            os.killpg(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return ENDS.get(answer, "hangs")


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:
        return
    limit = psutil.Process().memory_info().vms + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _forbid_harm(event: str, arguments: tuple[Any, ...]) -> None:
    """Raises where something is to be written or deleted outside the folder that functions may write in, started or
    sent. It lasts as long as the fork does."""
    if event == "open" and isinstance(arguments[0], int):
        # One that is open already; its name was asked about when it was opened, or it was open before.
        places = [os.path.realpath(f"/proc/self/fd/{arguments[0]}")] if is_writing(*arguments[1:3]) else []
    else:
        places = changed_by(event, arguments)
    is_outside = not all(place == os.devnull or is_below(place, (area(),)) for place in places)
    if event in HARM or is_outside or any(map(_has_another_name, places)):
        raise PermissionError(f"{event} is not done by a function that has a fault in it")


def _has_another_name(place: str) -> bool:
    """Whether what is written there would also be written elsewhere."""
    return os.path.isfile(place) and os.stat(place).st_nlink > 1
