"""The driver's end of a worker: a process in a side's environment that is told what to do, one thing at a time."""

import os
import pickle
import random
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from speedproof.errors import SpeedproofError
from speedproof.failures import reason
from speedproof.folders import CACHE, SOURCE
from speedproof.processes import BESIDE, GRACE_S, answers_or_ends, ending, kill_family, killed_for_memory

from .places import Place
from .start import CODE

LIMIT_S = 600.0
"""Seconds after which a worker that has not answered one request is killed."""
MOST_PADDING = 4096
"""Bytes by which the environment variables of a worker are made longer, at random.

Where a process's stack begins depends on their size, and that alone moves timings by per cents (Mytkowicz et al. 2009,
ASPLOS). Two folders of environments have names of two lengths, so this must be no difference between the sides.
"""


class SideFailed(SpeedproofError):
    """A side could not do what was asked: its code raised, or its process died or hung."""


class Remote:
    """A worker, from outside: each call is one request."""

    def __init__(self, place: Place, process: "subprocess.Popen[bytes]", pipe: Connection, log: Any) -> None:
        self.place, self._process, self._pipe, self._log = place, process, pipe, log
        self._n_killed = killed_for_memory()

    def ask(self, name: str, *arguments: Any, limit_s: float | None = None) -> Any:
        """What the worker's method of that name returns.

        Raises:
            SideFailed: it raised, died, or did not answer in time; then it is killed.
        """
        self.begin(name, *arguments)
        return self.end(name, limit_s)

    def begin(self, name: str, *arguments: Any) -> None:
        """Sends a request and does not wait."""
        try:
            self._pipe.send_bytes(pickle.dumps((name, *arguments)))
        except OSError:
            raise self._death(name) from None

    def end(self, name: str, limit_s: float | None = None) -> Any:
        """Waits for what `begin` asked for."""
        limit_s = LIMIT_S if limit_s is None else limit_s
        sent = self._heard(name, limit_s)
        try:
            state, value = pickle.loads(sent)
        except Exception as error:
            raise SideFailed(
                f"{self.place.side.text}: its output at {name!r} cannot be read, or is of a kind unknown here "
                f"({type(error).__name__}: {str(error)[:200]}). Expected what the twins of this working tree return."
            ) from error
        if state == "failed":
            words, traceback = value
            told = SideFailed(f"{self.place.side.text}: {words} (at {name!r})")
            told.add_note(f"In the side's process:\n{traceback.rstrip()}")
            raise told
        return value

    def _heard(self, name: str, limit_s: float) -> bytes:
        try:
            if not answers_or_ends(self._pipe, self._process.pid, limit_s):
                self.kill()
                raise SideFailed(
                    f"{self.place.side.text}: no answer to {name!r} within {limit_s:.0f} s, so its process was killed. "
                    "What was recorded before is kept."
                )
            if not self._pipe.poll():
                raise EOFError
            return self._pipe.recv_bytes()
        except (EOFError, OSError):
            raise self._death(name) from None

    def kill(self) -> None:
        """Ends the worker, whatever it is doing, and what it started."""
        if self._process.poll() is None:
            kill_family(self._process.pid)
        self._process.wait()
        self._pipe.close()

    def _death(self, name: str) -> SideFailed:
        try:
            status = self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            status = None
        self.kill()
        self._log.seek(0)
        last = [line for line in self._log.read().decode(errors="replace").splitlines() if line.strip()][-1:]
        how = ending(status, self._n_killed)
        return SideFailed(f"{self.place.side.text}: at {name!r} its process {how}. {' '.join(last)[:400]}".strip())


@contextmanager
def worker(place: Place, rng: random.Random, is_beside: bool = False) -> Iterator[Remote]:
    """A new worker at that place, which ends with the context. One that works beside another is never timed."""
    ours, theirs = Pipe()
    variables = {k: v for k, v in os.environ.items() if k not in ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")}
    variables |= {
        "SPEEDPROOF_CACHE": str(CACHE),
        "TOKENIZERS_PARALLELISM": "false",
        "KINETO_LOG_LEVEL": "99",
        "SPEEDPROOF_PADDING": "x" * rng.randrange(MOST_PADDING),
        **(BESIDE if is_beside else {}),
    }
    with tempfile.TemporaryFile() as log:
        try:
            process = subprocess.Popen(
                [str(place.python), "-P", "-c", CODE, str(SOURCE), str(place.tree), str(theirs.fileno())],
                cwd=place.tree,
                env=variables,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        except OSError as error:
            raise SideFailed(
                f"{place.side.text}: no process can be started: {reason(error)}. Expected its interpreter and its "
                "folder to be there; what SPEEDPROOF_CACHE names may be deleted, and is made anew."
            ) from error
        theirs.close()
        remote = Remote(place, process, ours, log)
        try:
            yield remote
        finally:
            remote.kill()
