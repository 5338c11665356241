"""Work in fresh processes: nothing that one leaves behind reaches the next, and a death costs only what died."""

import multiprocessing
import os
import resource
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from . import clock
from .errors import SpeedproofError


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


def in_fresh_process(usage: Usage, work: Callable[..., Iterator[Any]], *arguments: Any) -> Iterator[Any]:
    """What `work(*arguments)` yields in a new interpreter, as it comes.

    Raises:
        ProcessDied: the process ended early, by a signal or for lack of memory.
        SpeedproofError: whatever such error `work` raised.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(theirs, work, arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        while not isinstance(message := _receive(ours, process), Usage):
            if isinstance(message, SpeedproofError):
                raise message
            yield message
        usage.add(message)
    finally:
        process.kill()
        process.join()


def _receive(pipe: Any, process: Any) -> Any:
    try:
        return pipe.recv()
    except EOFError:
        process.join()
        raise ProcessDied(
            f"A measuring process died with exit status {process.exitcode}. Expected it to finish. A status of -9 "
            "often means that memory ran out; what was recorded before is kept."
        ) from None


def _end_with_parent() -> None:
    """Waits asleep. An orphan would go on computing beside the run that takes over."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _serve(pipe: Any, work: Callable[..., Iterator[Any]], arguments: tuple[Any, ...]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        for message in work(*arguments):
            pipe.send(message)
    except SpeedproofError as error:
        pipe.send(error)
    except KeyboardInterrupt:
        return
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    pipe.send(Usage(clock.under_test.total_s, peak))
