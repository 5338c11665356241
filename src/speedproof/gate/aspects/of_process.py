"""The process: environment, folder, rights, signals, open files, threads and children. `atexit` is out of reach: Python
tells nobody what is registered there."""

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from multiprocessing import resource_tracker
from typing import Any

import psutil

from speedproof.pairs.aspect import Aspect, Scene
from speedproof.pairs.marks import Same

GRACE_S = 5.0
"""Seconds that a child process has to end when it is told to."""
OF_THE_SYSTEM = ("anon_inode:", "/dev/null", "/dev/urandom", "/proc/", "/sys/")
"""What libraries open for themselves, once, and never close."""


def _environment_back(_: Scene, seen: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(seen)


def working_directory() -> str:
    """The working directory; empty where it is gone."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""


def _umask(_: Scene) -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _umask_back(_: Scene, seen: int) -> None:
    os.umask(seen)


SIGNALS = {one.name: one for one in sorted(signal.valid_signals()) if isinstance(one, signal.Signals)}


def _signals(_: Scene) -> dict[str, Any]:
    handlers = {name: Same(signal.getsignal(one)) for name, one in SIGNALS.items()}
    return handlers | {f"{name} set": _is_set(number) for name, number in _timers().items()}


def _timers() -> dict[str, int]:
    names = ("ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF")
    return {name: getattr(signal, name) for name in names if hasattr(signal, name)}


def _is_set(timer: int) -> bool:
    return signal.getitimer(timer)[0] > 0


def _signals_back(_: Scene, seen: dict[str, Any]) -> None:
    for name, number in _timers().items():
        if _is_set(number) and not seen[f"{name} set"]:
            signal.setitimer(number, 0)
    # Only the main thread may do so, and only it may have done so.
    if threading.current_thread() is threading.main_thread():
        for name, handler in seen.items():
            if isinstance(handler, Same) and Same(signal.getsignal(getattr(signal, name))) != handler:
                signal.signal(getattr(signal, name), handler.value)


def _open_files(_: Scene) -> dict[str, str]:
    return {f"{number} ({target})": target for number, target in _targets() if not target.startswith(OF_THE_SYSTEM)}


def _targets() -> Iterator[tuple[int, str]]:
    place = "/proc/self/fd"
    if not os.path.isdir(place):
        yield from ((one.fd, one.path) for one in psutil.Process().open_files())
        return
    for name in os.listdir(place):
        try:
            yield int(name), os.readlink(f"{place}/{name}")
        except OSError:
            # The listing's own, which is closed by now.
            continue


def _threads(scene: Scene) -> tuple[str, ...]:
    scene.put_aside["threads"] = set(threading.enumerate())
    return tuple(sorted(thread.name for thread in threading.enumerate()))


def _threads_back(scene: Scene, _: Any) -> None:
    for thread in set(threading.enumerate()) - scene.put_aside["threads"]:
        if isinstance(thread, threading.Timer):
            thread.cancel()
            thread.join()


def _children(_: Scene) -> dict[int, str]:
    # Python's own helper of shared memory, which one process has for good.
    helper = getattr(resource_tracker._resource_tracker, "_pid", None)  # type: ignore[attr-defined]
    return {pid: "process" for pid in _child_ids() if pid != helper}


def _child_ids() -> Sequence[int]:
    tasks = "/proc/self/task"
    if sys.platform != "linux" or not os.path.exists(f"{tasks}/{threading.get_native_id()}/children"):
        return [child.pid for child in psutil.Process().children()]
    found: list[int] = []
    for name in os.listdir(tasks):
        try:
            with open(f"{tasks}/{name}/children", "rb", buffering=0) as children:
                found += map(int, children.read().split())
        except OSError:
            continue
    return found


def _children_back(scene: Scene, seen: dict[int, str]) -> None:
    left = [psutil.Process(pid) for pid in _children(scene) if pid not in seen and psutil.pid_exists(pid)]
    for child in left:
        child.terminate()
    for child in psutil.wait_procs(left, GRACE_S)[1]:
        child.kill()
        child.wait(GRACE_S)


PROCESS = (
    Aspect("environment variables", lambda _: dict(os.environ), _environment_back),
    Aspect("working directory", lambda _: working_directory(), lambda _, seen: os.chdir(seen)),
    Aspect("umask", _umask, _umask_back),
    Aspect("signal handlers", _signals, _signals_back),
    Aspect(
        "open files",
        _open_files,
        why_not="an object that still owns a closed descriptor would later close another file of that number",
        losses_count=False,
    ),
    Aspect("running threads", _threads, _threads_back, "of threads only a timer can be ended from outside"),
    Aspect("child processes", _children, _children_back, losses_count=False),
)
