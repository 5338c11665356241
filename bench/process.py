"""Work in fresh processes: nothing that one leaves behind reaches the next, and a death costs only what died."""

import multiprocessing
import os
import pkgutil
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import Any

from . import clock
from .errors import SpeedproofError
from .importing import importing


class ProcessDied(SpeedproofError):
    """A process ended without finishing its work."""

    exit_status = 1


@dataclass
class Usage:
    """What the processes of a sitting used between them."""

    under_test_s: float = 0.0
    """Seconds inside twins: gated, counted, warmed up or timed."""
    peak_host_bytes: int = 0
    """The largest process's memory at its highest."""

    def add(self, other: "Usage") -> None:
        """Takes another process's usage in."""
        self.under_test_s += other.under_test_s
        self.peak_host_bytes = max(self.peak_host_bytes, other.peak_host_bytes)


@dataclass(frozen=True)
class _Fresh:
    """A new interpreter that has imported what `work` needs and waits for its arguments."""

    process: Any
    pipe: Any


_ready: dict[Callable[..., Iterator[Any]], _Fresh] = {}


def prepare(work: Callable[..., Iterator[Any]]) -> None:
    """Starts the next fresh process for `work` now, so that its imports do not have to be waited for.

    Never while a clock runs: importing takes a core for seconds.
    """
    if work not in _ready:
        _ready[work] = _start(work)


def in_fresh_process(usage: Usage, work: Callable[..., Iterator[Any]], *arguments: Any) -> Iterator[Any]:
    """What `work(*arguments)` yields in a new interpreter, as it comes.

    Raises:
        ProcessDied: the process ended early, by a signal or for lack of memory.
        SpeedproofError: whatever such error `work` raised.
    """
    fresh = _ready.pop(work, None) or _start(work)
    try:
        _send(fresh, arguments)
        while not isinstance(message := _receive(fresh), Usage):
            if isinstance(message, SpeedproofError):
                raise message
            yield message
        usage.add(message)
    finally:
        fresh.process.kill()
        fresh.process.join()


def _start(work: Callable[..., Iterator[Any]]) -> _Fresh:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    # By name, so that its module is imported by us and not while arguments are read.
    name = f"{work.__module__}:{work.__qualname__}"
    process = context.Process(target=_serve, args=(theirs, name), daemon=True)
    # Ctrl-C reaches the whole group. The new process inherits that it is blocked: we alone answer, and end it. The
    # tracker, where it starts up itself, would unblock it again.
    resource_tracker.ensure_running()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    theirs.close()
    return _Fresh(process, ours)


def _end_with_parent() -> None:
    """Waits asleep. An orphan would go on computing beside the run that takes over."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _send(fresh: _Fresh, arguments: tuple[Any, ...]) -> None:
    try:
        fresh.pipe.send(arguments)
    except OSError:
        raise _death(fresh) from None


def _receive(fresh: _Fresh) -> Any:
    try:
        return fresh.pipe.recv()
    except (EOFError, ConnectionResetError):
        raise _death(fresh) from None


def _death(fresh: _Fresh) -> ProcessDied:
    fresh.process.join()
    return ProcessDied(
        f"A measuring process died with exit status {fresh.process.exitcode}. Expected it to finish. A status of -9 "
        "often means that memory ran out; what was recorded before is kept."
    )


def _serve(pipe: Any, name: str) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with importing():
        work = pkgutil.resolve_name(name)
    try:
        arguments = pipe.recv()
        for message in work(*arguments):
            pipe.send(message)
    except SpeedproofError as error:
        pipe.send(error)
    except EOFError:
        # Nobody wants it any more.
        return
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    pipe.send(Usage(clock.under_test.total_s, peak))
