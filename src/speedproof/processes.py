"""Work in fresh processes: nothing that one leaves behind reaches the next, and a death costs only what died."""

import atexit
import multiprocessing
import os
import pickle
import pkgutil
import resource
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import psutil

from . import clock, search_path
from .errors import SpeedproofError
from .failures import FREE_MEMORY, Failed, failed, note_traceback
from .importing import importing

TRACEBACK_OF = "In the process that did the work"
"""Before the traceback of a child, which `--debug` shows."""
SAFE_PATH = "PYTHONSAFEPATH"
"""The environment variable by which Python does not search the current folder for its own modules."""

BESIDE = {"OMP_WAIT_POLICY": "passive"}
"""Environment of processes that work beside each other: a thread that waits for others of its process leaves its core
to the other process. By itself it goes round in circles there, and two processes take several times as long."""

LAST_WORDS_S = 5.0
"""Seconds that a process may take to end after it has told its error."""


class ProcessDied(SpeedproofError):
    """A process ended without finishing its work, so nothing was judged."""


class TookTooLong(ProcessDied):
    """A process was ended, since what it did took longer than it may."""


class Saying(NamedTuple):
    """What a process is at now, and how many like it are left; whatever else it sends is a result."""

    words: str
    left: int


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
class Limit:
    """What a child is at, and the seconds that are left for it of `limit_s`; None where nothing bounds it."""

    left_s: float | None = None
    limit_s: float = 0.0
    words: str = ""


@dataclass(eq=False)
class _Fresh:
    """A new interpreter that has imported what `work` needs and waits for its arguments.

    `stage` is what it said last that it is at, `ends_s` when that must be over.
    """

    process: Any
    pipe: Connection
    stage: str
    n_killed: int | None = None
    ends_s: float | None = None
    limit: Limit = field(default_factory=Limit)


@dataclass
class _ToParent:
    """A child's end of the pipe, and what bounds it now: (end, limit, words), the innermost last."""

    pipe: Connection
    pid: int
    bounds: list[tuple[float, float, str]] = field(default_factory=list)

    def tell(self) -> None:
        """Tells the parent which bound ends first. A fork of the child tells nothing."""
        if os.getpid() != self.pid:
            return
        end_s, limit_s, words = min(self.bounds, default=(None, 0.0, ""))
        self.pipe.send(Limit(None if end_s is None else end_s - clock.monotonic_s(), limit_s, words))


Work = Callable[..., Iterator[Any]] | str
"""What a fresh process does: a function, or a reference to one whose module only the new process imports."""

_ready: dict[str, _Fresh] = {}
_to_parent: list[_ToParent] = []
"""One in a child, none elsewhere."""


def prepare(work: Work) -> None:
    """Starts the next fresh process for `work` now, so that its imports do not have to be waited for.

    Never while a clock runs: importing takes a core for seconds.
    """
    name = _name(work)
    if name not in _ready:
        _ready[name] = _start(name)


def in_fresh_process(usage: Usage, work: Work, *arguments: Any) -> Iterator[Any]:
    """What `work(*arguments)` yields in a new interpreter, as it comes.

    Raises:
        ProcessDied: the process ended early, by a signal, by an exit or for lack of memory.
        TookTooLong: it was within `bounded` for longer than that allows, and was ended.
        Failed: `work` raised an error that is not ours, told with what it was at; or what it sent cannot be read.
        SpeedproofError: whatever such error `work` raised.
    """
    for _, message in beside(usage, [(work, arguments)]):
        yield message


def beside(usage: Usage, works: Sequence[tuple[Work, Sequence[Any]]]) -> Iterator[tuple[int, Any]]:
    """What several works yield, each in a fresh process of its own, all at once, in the order in which it comes, and
    each with its work's place among them.

    Where one fails, the others are ended. Several are for where no clock runs: they take time from each other.

    Raises:
        As `in_fresh_process`.
    """
    begun: list[_Fresh] = []
    try:
        for work, arguments in works:
            name = _name(work)
            fresh = _ready.pop(name, None) or _start(name, BESIDE if len(works) > 1 else {})
            begun.append(fresh)
            _send(fresh, tuple(arguments))
        at_work = list(begun)
        while at_work:
            for fresh in _heard(at_work):
                message = _receive(fresh)
                if isinstance(message, Usage):
                    usage.add(message)
                    at_work.remove(fresh)
                elif isinstance(message, SpeedproofError):
                    # It ends by itself now, and gives back what its libraries hold of the system.
                    fresh.process.join(LAST_WORDS_S)
                    raise message
                elif isinstance(message, Limit):
                    fresh.limit = message
                    fresh.ends_s = None if message.left_s is None else clock.monotonic_s() + message.left_s
                else:
                    if isinstance(message, Saying):
                        fresh.stage = message.words
                    yield begun.index(fresh), message
    finally:
        for fresh in begun:
            fresh.process.kill()
            fresh.process.join()
            _remove_folders(fresh.process.pid)


def _heard(at_work: Sequence[_Fresh]) -> list[_Fresh]:
    """Those that have something to be read, have ended or are over their time; waits until there is one."""
    if len(at_work) == 1:
        return list(at_work)
    ends_s = min((fresh.ends_s for fresh in at_work if fresh.ends_s is not None), default=None)
    left_s = None if ends_s is None else max(0.0, ends_s - clock.monotonic_s())
    told = set(wait([handle for fresh in at_work for handle in (fresh.pipe, fresh.process.sentinel)], left_s))
    is_over = clock.monotonic_s()
    return [
        fresh
        for fresh in at_work
        if told & {fresh.pipe, fresh.process.sentinel} or (fresh.ends_s is not None and fresh.ends_s <= is_over)
    ]


@contextmanager
def bounded(limit_s: float, words: str) -> Iterator[None]:
    """Has the parent end this process where the body takes more than `limit_s`; the error says `words`.

    Works also inside a loop that no Python code can leave. Contexts may be nested: the one that ends first counts, and
    leaving one takes its limit back. Outside a fresh process, and in a fork of one, it does nothing.
    """
    if not _to_parent or os.getpid() != _to_parent[0].pid:
        yield
        return
    parent = _to_parent[0]
    parent.bounds.append((clock.monotonic_s() + limit_s, limit_s, words))
    parent.tell()
    try:
        yield
    finally:
        parent.bounds.pop()
        parent.tell()


def answers_or_ends(pipe: Connection, pid: int, limit_s: float | None) -> bool:
    """Waits until there is something to read or the process has ended. False where neither comes within the limit.

    The pipe alone does not tell: what the process forked may hold its other end open after its death.
    """
    try:
        ended = os.pidfd_open(pid)
    except (AttributeError, OSError):
        # No such call here, or the process is gone; then the pipe's end is all there is.
        return bool(wait([pipe], limit_s))
    try:
        return bool(wait([pipe, ended], limit_s))
    finally:
        os.close(ended)


def kill_family(pid: int) -> None:
    """Kills a process and all that it started."""
    try:
        family = [*psutil.Process(pid).children(recursive=True), psutil.Process(pid)]
    except psutil.Error:
        return
    for one in family:
        with suppress(psutil.Error):
            one.kill()


def folder_of_process(parent: int, pid: int) -> str:
    """How the names of a process's folders for temporary files begin; what it leaves when it is ended is removed."""
    return f"speedproof-{parent}-{pid}-"


def _remove_folders(pid: int | None) -> None:
    for left in Path(tempfile.gettempdir()).glob(f"{folder_of_process(os.getpid(), pid or 0)}*"):
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)


def _name(work: Work) -> str:
    """By name, so that its module is imported by the new process and not while arguments are read."""
    return work if isinstance(work, str) else f"{work.__module__}:{work.__qualname__}"


def _start(name: str, environment: Mapping[str, str] = MappingProxyType({})) -> _Fresh:
    """`environment` is set where the user has not set it otherwise."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    target = (__name__, _serve.__name__, theirs, name)
    process = context.Process(target=search_path.call_in_child, args=target, daemon=True)
    # Ctrl-C reaches the whole group. The new process inherits that it is blocked: we alone answer, and end it. The
    # tracker, where it starts up itself, would unblock it again.
    own = {name: value for name, value in environment.items() if name not in os.environ}
    # Who is started meanwhile does not take a `pickle.py` in the current folder for Python's.
    with _environment({SAFE_PATH: "1", **own}):
        resource_tracker.ensure_running()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        except OSError as error:
            raise failed("Starting a process", error, "In this process") from error
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    theirs.close()
    return _Fresh(process, ours, name.rpartition(":")[2].replace("_", " "), killed_for_memory())


@contextmanager
def _environment(changed: Mapping[str, str]) -> Iterator[None]:
    """Who is started meanwhile has these variables."""
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


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
        # What it said before it died, such as why it could not begin, is still to be read.
        return


def _receive(fresh: _Fresh) -> Any:
    left_s = None if fresh.ends_s is None else max(0.0, fresh.ends_s - clock.monotonic_s())
    if not answers_or_ends(fresh.pipe, fresh.process.pid, left_s):
        kill_family(fresh.process.pid)
        raise TookTooLong(
            f"{_once(fresh.stage, fresh.limit.words)} did not end within {fresh.limit.limit_s:g} s, so its process was "
            "ended and nothing was judged. Expected an answer by then; what was recorded before is kept."
        )
    if not fresh.pipe.poll():
        raise _death(fresh)
    try:
        return fresh.pipe.recv()
    except (EOFError, ConnectionResetError):
        raise _death(fresh) from None
    except Exception as error:
        raise Failed(
            f"{fresh.stage}: what its process sent cannot be read ({type(error).__name__}: {str(error)[:200]}). "
            "Expected results; something else wrote into their pipe, or they are of a kind unknown here. What was "
            "recorded before is kept."
        ) from error


def _once(stage: str, words: str) -> str:
    """What is said of both where the one is no part of the other."""
    return words if words.startswith(stage) else f"{stage}: {words}"


def _death(fresh: _Fresh) -> ProcessDied:
    # A process that only closed its end of the pipe would be waited for in vain.
    fresh.process.join(GRACE_S)
    how = ending(fresh.process.exitcode, fresh.n_killed)
    return ProcessDied(
        f"{fresh.stage}: its process {how}. Expected it to finish, so nothing was judged; what was recorded before is "
        "kept."
    )


GRACE_S = 5.0
"""Seconds that a process has to end by itself after its last word."""


def ending(status: int | None, n_killed_before: int | None) -> str:
    """How a process ended, from its exit status; with -9 also whether memory ran out, as far as the system tells."""
    if status is None:
        return "closed its pipe and went on"
    if status >= 0:
        return f"ended by itself with exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    if status != -signal.SIGKILL:
        return f"was killed by {name}"
    n_killed = killed_for_memory()
    if n_killed is None or n_killed_before is None:
        return f"was killed by {name}, which often means that memory ran out. {FREE_MEMORY}"
    if n_killed > n_killed_before:
        return f"was killed by {name}: memory ran out, the system killed a process for it meanwhile. {FREE_MEMORY}"
    return f"was killed by {name}, by itself or from outside: the system killed nothing for lack of memory meanwhile"


def killed_for_memory() -> int | None:
    """How many processes the system has killed for lack of memory since it began; None where it does not tell."""
    try:
        with open("/proc/vmstat", encoding="ascii") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("oom_kill ")), None)
    except (OSError, ValueError):
        return None


def _serve(pipe: Connection, name: str) -> None:
    """Runs in the child. Whatever is raised is sent; nothing is ever printed where answers go."""
    with suppress(OSError):
        os.dup2(2, 1)
    _to_parent[:] = [_ToParent(pipe, os.getpid())]
    threading.Thread(target=_end_with_parent, daemon=True).start()
    stage = f"Starting {name.partition(':')[2].replace('_', ' ')}"
    try:
        with importing():
            work = pkgutil.resolve_name(name)
        arguments = pipe.recv()
        stage = name.partition(":")[2].replace("_", " ")
        for message in work(*arguments):
            if isinstance(message, Saying):
                stage = message.words
            _pass_on(pipe, message)
    except BaseException as error:
        end()
        _tell(pipe, error, stage)
        return
    end()
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    _pass_on(pipe, Usage(clock.under_test.total_s, peak))


_at_end: list[Callable[[], Any]] = []


def at_end(do: Callable[[], Any]) -> None:
    """Has this done once the process ends; in a fresh process before its last word, after which it is killed."""
    _at_end.append(do)
    atexit.register(do)


def end() -> None:
    """Does what is to be done at the end, before a process ends without Python's own doing it, as a fork does."""
    for do in _at_end:
        do()


def _pass_on(pipe: Connection, message: Any) -> None:
    if os.getpid() != _to_parent[0].pid:
        # The code under test forked and both went on; only one of them speaks for it.
        os._exit(1)
    pipe.send(message)


def _tell(pipe: Connection, error: BaseException, stage: str) -> None:
    """Sends an error of ours as it is, any other in words. Where the parent is gone, nobody wants it any more."""
    if isinstance(error, SpeedproofError):
        note_traceback(error, error, TRACEBACK_OF)
        told = error if _can_be_sent(error) else _in_its_words(error)
    else:
        told = failed(stage, error, TRACEBACK_OF)
    with suppress(OSError):
        _pass_on(pipe, told)


def _can_be_sent(error: SpeedproofError) -> bool:
    try:
        return type(pickle.loads(pickle.dumps(error))) is type(error)
    except Exception:
        return False


def _in_its_words(error: SpeedproofError) -> SpeedproofError:
    told = Failed(f"{type(error).__name__}: {error}")
    told.exit_status = error.exit_status
    return told
