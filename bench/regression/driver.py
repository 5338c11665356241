"""The driver's end of a worker: a process in a side's environment that is told what to do, one thing at a time."""

import os
import pickle
import random
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from ..errors import SpeedproofError
from ..folders import ROOT
from .places import Place

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
        try:
            if not self._pipe.poll(limit_s):
                self.kill()
                raise SideFailed(
                    f"{self.place.side.text}: no answer to {name!r} within {limit_s:.0f} s, so its process was killed. "
                    "What was recorded before is kept."
                )
            state, value = pickle.loads(self._pipe.recv_bytes())
        except (EOFError, OSError):
            raise self._death(name) from None
        except (AttributeError, ImportError, TypeError, pickle.UnpicklingError) as error:
            raise SideFailed(f"{self.place.side.text}: its output is of a kind unknown here ({error}).") from error
        if state == "failed":
            raise SideFailed(f"{self.place.side.text}: {value}")
        return value

    def kill(self) -> None:
        """Ends the worker, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        self._pipe.close()

    def _death(self, name: str) -> SideFailed:
        status = self._process.wait()
        self._log.seek(0)
        last = [line for line in self._log.read().decode(errors="replace").splitlines() if line.strip()][-1:]
        died = f"killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        return SideFailed(f"{self.place.side.text}: its process was {died} at {name!r}. {' '.join(last)[:400]}".strip())


@contextmanager
def worker(place: Place, rng: random.Random) -> Iterator[Remote]:
    """A new worker at that place, which ends with the context."""
    ours, theirs = Pipe()
    variables = {k: v for k, v in os.environ.items() if k not in ("PYTHONHOME", "VIRTUAL_ENV")}
    variables |= {
        "PYTHONPATH": str(ROOT),
        "TOKENIZERS_PARALLELISM": "false",
        "KINETO_LOG_LEVEL": "99",
        "SPEEDPROOF_PADDING": "x" * rng.randrange(MOST_PADDING),
    }
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [str(place.python), "-m", "bench.regression.start", str(theirs.fileno())],
            cwd=place.tree,
            env=variables,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        theirs.close()
        remote = Remote(place, process, ours, log)
        try:
            yield remote
        finally:
            remote.kill()
