"""Work in forks of this process: each starts warm, and nothing that it breaks or hangs in reaches another."""

import json
import os
import resource
import selectors
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import psutil

from speedproof.failures import reason
from speedproof.processes import end, ending

MEMORY_MARGIN = 4 * 2**30
"""Bytes of address space that a fork may take beyond what it starts with: far more than any check of `tiny` needs."""

Key = TypeVar("Key")


@dataclass(frozen=True)
class Outcome:
    """What a fork answered, as plain data; or None, how it ended, and in words why, where it could say so."""

    answer: Any
    ended: str = ""
    why: str = ""


@dataclass
class _Fork:
    pid: int
    pipe: int
    said: bytes = b""


def forked(jobs: Iterable[tuple[Key, Callable[[], Any], float]], workers: int) -> Iterator[tuple[Key, Outcome]]:
    """The outcome of each (key, work, limit in seconds), as they come; `workers` at a time, begun in their order.

    `work` must give plain data. No thread pool may run in this process yet: it would not survive the fork.
    """
    waiting, selector = iter(jobs), selectors.DefaultSelector()
    running: dict[int, tuple[Key, _Fork]] = {}
    try:
        while True:
            while len(running) < workers and (job := next(waiting, None)):
                fork = _start(job[1], job[2])
                running[fork.pipe] = (job[0], fork)
                selector.register(fork.pipe, selectors.EVENT_READ)
            if not running:
                return
            for chosen, _ in selector.select():
                key, fork = running[chosen.fd]
                said = os.read(chosen.fd, 65536)
                fork.said += said
                if not said:
                    selector.unregister(chosen.fd)
                    del running[chosen.fd]
                    yield key, _ended(fork)
    finally:
        for _, fork in running.values():
            os.kill(fork.pid, signal.SIGKILL)
            _ended(fork)


def _start(work: Callable[[], Any], limit_s: float) -> _Fork:
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        _child(work, limit_s, theirs)
    os.close(theirs)
    return _Fork(pid, ours)


def _child(work: Callable[[], Any], limit_s: float, pipe: int) -> None:
    """Never returns. The alarm ends it even inside a loop that no Python code can leave."""
    status = 1
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
        signal.setitimer(signal.ITIMER_REAL, limit_s)
        most = psutil.Process().memory_info().vms + MEMORY_MARGIN
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        _say(pipe, {"answer": work()})
        status = 0
    except BaseException as error:
        _say(pipe, {"why": reason(error)})
    finally:
        with suppress(BaseException):
            end()
        os._exit(status)


def _say(pipe: int, said: dict[str, Any]) -> None:
    words = json.dumps(said).encode()
    while words:
        words = words[os.write(pipe, words) :]


def _ended(fork: _Fork) -> Outcome:
    os.close(fork.pipe)
    _, status = os.waitpid(fork.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGALRM:
        return Outcome(None, "timeout", "it took longer than it may")
    try:
        said = json.loads(fork.said) if fork.said else {}
        why = str(said.get("why", ""))
        if code == 0:
            return Outcome(said["answer"])
    except (ValueError, AttributeError, KeyError):
        why = f"what it sent cannot be read: {fork.said[:60]!r}"
    return Outcome(None, f"exit status {code}", why or ending(code, None))
