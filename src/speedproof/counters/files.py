"""Counters of what a call asks of the file system, by whichever thread.

Python announces most of it as audit events: opening, listing, making, renaming, linking, removing, changing. It does
not announce questions about a path (`os.stat`, `os.lstat`, `os.access`, `os.readlink`; `Path.exists`,
`os.path.isfile` and their like end there), so those four are wrapped while counting. Not seen: what a
`DirEntry` looks up, what compiled code asks without Python, and a name such as `stat` imported from `os` before.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from .tally import Call, Tally

LISTINGS = frozenset({"os.listdir", "os.scandir"})
EVENTS = LISTINGS | {
    "open",
    "os.chdir",
    "os.chmod",
    "os.chown",
    "os.link",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.symlink",
    "os.truncate",
    "os.utime",
}
"""Audit events that Python documents for calls on paths."""
QUESTIONS = ("access", "lstat", "readlink", "stat")
"""Functions of `os` that ask about a path and raise no event."""

_listeners: list[Callable[[str], None]] = []


def _audit(event: str, _: Any) -> None:
    for listener in _listeners if event in EVENTS else ():
        listener(event)


# A hook cannot be taken away again, so there is one, and it is deaf while nobody counts.
sys.addaudithook(_audit)


@contextmanager
def directory_scans(call: Call) -> Iterator[Tally]:
    """Directories that are listed."""
    with _listening(LISTINGS) as tally:
        yield tally
        tally.by_name.clear()


@contextmanager
def file_system_calls(call: Call) -> Iterator[Tally]:
    """Calls on paths, also by name: listing, opening, asking, changing."""
    with _listening(EVENTS) as tally, ExitStack() as stack:
        for name in QUESTIONS:
            asked = getattr(os, name)
            stack.callback(setattr, os, name, asked)
            setattr(os, name, _counted(asked, f"os.{name}", tally))
        yield tally


@contextmanager
def _listening(events: frozenset[str]) -> Iterator[Tally]:
    tally = Tally()

    def listen(event: str) -> None:
        if event in events:
            _add(tally, event)

    _listeners.append(listen)
    try:
        yield tally
    finally:
        _listeners.remove(listen)


def _counted(function: Callable[..., Any], name: str, tally: Tally) -> Callable[..., Any]:
    def ask(*args: Any, **kwargs: Any) -> Any:
        _add(tally, name)
        return function(*args, **kwargs)

    return ask


def _add(tally: Tally, name: str) -> None:
    tally.count += 1
    tally.by_name[name] = tally.by_name.get(name, 0) + 1
