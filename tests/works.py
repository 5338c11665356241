"""What tests of fresh processes have done in them. They import this file, which imports nothing large."""

import ctypes
import errno
import gc
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from speedproof import processes
from speedproof.errors import BadInput, NotEquivalent, SpeedproofError
from speedproof.processes import Saying, bounded

COLLECTED_MEANWHILE = gc.isenabled()
"""Whether garbage was looked for while this file was imported."""


def collecting() -> Iterator[tuple[bool, bool]]:
    yield COLLECTED_MEANWHILE, gc.isenabled()


def pids(n: int) -> Iterator[int]:
    yield from [os.getpid()] * n


def dies() -> Iterator[int]:
    yield 1
    os.kill(os.getpid(), signal.SIGKILL)


def answers_when_told(folder: str, mine: str, other: str) -> Iterator[str]:
    """Says so once the other one has written its file."""
    Path(folder, mine).touch()
    while not Path(folder, other).exists():
        time.sleep(0.01)
    yield f"{mine} heard {other}"


def environment(name: str) -> Iterator[str | None]:
    yield os.environ.get(name)


def interrupts_itself() -> Iterator[int]:
    yield 1
    os.kill(os.getpid(), signal.SIGINT)
    yield 2


def refuses() -> Iterator[int]:
    yield 1
    raise BadInput("no")


def stages(kind: str) -> Iterator[Any]:
    """Fails in the way named, after it has said what it is at."""
    yield Saying("checking a pair on smoke (tiny)", 3)
    if kind == "library":
        import torch

        torch.nn.Linear(2, 3)(torch.zeros(1, 5))
    elif kind == "memory":
        raise MemoryError
    elif kind == "torch's memory":
        import torch

        torch.empty(2**60)
    elif kind == "disk":
        raise OSError(errno.ENOSPC, "No space left on device", "/tmp/x")
    elif kind == "exit":
        sys.exit(3)
    elif kind == "end of everything":
        raise GeneratorExit
    elif kind == "control-c of its own":
        raise KeyboardInterrupt
    elif kind == "unreadable":
        yield lambda: None
    elif kind == "not equivalent":
        raise NotEquivalent("bound", "differs in 1 of 3 rows", 2.5)
    elif kind == "own kind":
        raise Unsendable("a", "b")
    yield kind


class Unsendable(SpeedproofError):
    """Cannot be made again from its words."""

    exit_status = 1

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"{one} and {other}")


def ends(how: str) -> Iterator[Any]:
    yield Saying("checking", 1)
    if how == "fork":
        # What is forked outlives its parent, and holds the pipe.
        if os.fork() == 0:
            time.sleep(600)
        os._exit(4)
    if how == "two of it":
        os.fork()
        yield how
        return
    if how == "garbage":
        (pipe,) = (one.pipe for one in processes._to_parent)
        os.write(pipe.fileno(), b"\x00\x00\x00\x05hello")
    if how == "closed":
        os.closerange(3, 256)
    elif how == "exit":
        os._exit(0)
    elif how == "segfault":
        ctypes.string_at(0)
    elif how == "abort":
        os.abort()
    elif how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    yield how


def waits(order: str) -> Iterator[Any]:
    """Contexts with long and short limits, in the order named: l and s enter, L and S leave, w waits, h hangs."""
    yield Saying("checking", 1)
    entered = []
    for step in order:
        if step in "ls":
            entered.append(bounded(600 if step == "l" else 0.5, f"call {step} of fast()"))
            entered[-1].__enter__()
        elif step in "LS":
            entered.pop().__exit__(None, None, None)
        elif step == "w":
            time.sleep(1)
        else:
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))
            while True:
                pass
        yield step


def raises_within() -> Iterator[Any]:
    try:
        with bounded(0.5, "call of fast()"):
            raise RuntimeError("caught")
    except RuntimeError:
        time.sleep(1)
    raise ValueError("no luck")


def forks_within() -> Iterator[Any]:
    with bounded(600, "call of fast()"):
        child = os.fork()
        if child == 0:
            with bounded(0.1, "call of another"):
                time.sleep(0.5)
            os._exit(0)
        os.waitpid(child, 0)
    yield "done"


def prints() -> Iterator[Any]:
    print("on standard output")  # noqa: T201
    os.write(1, b"by number\n")
    yield 1
