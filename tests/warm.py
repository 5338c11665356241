"""Processes whose libraries are imported already: a server imports them once, and each process is a fork of it.

For tests that start many processes and claim nothing of how one begins. Our own code is imported by each process
itself, from where it would find it, so that no process knows what another one has imported or changed. What measures,
and what tests of processes themselves start, is a new interpreter (`src/speedproof/processes.py`).
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = ("torch", "transformer_lens", "sae_lens", "transformers", "numpy", "pydantic", "psutil", "typer", "rich")
"""What takes seconds to import. None of them starts a thread by that, which would not survive a fork."""
SERVED = multiprocessing.get_context("forkserver")
SERVED.set_forkserver_preload(list(LIBRARIES))


def served(method: str | None = None) -> Any:
    """Stands in for `multiprocessing.get_context`."""
    return SERVED


class Python:
    """`python ARGUMENTS`, with what tests need of `subprocess.Popen`."""

    def __init__(
        self,
        arguments: Sequence[str],
        out: int,
        err: int,
        cwd: Path = ROOT,
        env: Mapping[str, str] | None = None,
        passed: int | None = None,
    ) -> None:
        """Standard output and error go to these files by number; so does `passed`, as the last argument."""
        files = [Connection(os.dup(file)) for file in (out, err, *([] if passed is None else [passed]))]
        given = (list(arguments), str(cwd), dict(os.environ if env is None else env), files)
        self._process = SERVED.Process(target=_run, args=given)
        self._process.start()
        for file in files:
            file.close()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """The exit status; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """The exit status. Raises TimeoutExpired."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("python", timeout or 0.0)
        return self._process.exitcode


def bench(*arguments: str, cwd: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    """`python -m bench ARGUMENTS`, ended."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        status = Python(["-m", "bench", *arguments], out.fileno(), err.fileno(), cwd).wait()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(list(arguments), status, out.read(), err.read())


def _run(arguments: list[str], cwd: str, env: dict[str, str], files: list[Connection]) -> None:
    """Runs in the fork: what Python does with its command line, -m MODULE or -c CODE, without the current folder."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    out, err, *passed = files
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    sys.stdout, sys.stderr = (open(file, "w", buffering=1, encoding="utf-8", closefd=False) for file in (1, 2))
    # What it starts in turn comes from the same server, which is its parent and no child of its own.
    multiprocessing.get_context = served  # type: ignore[assignment]
    forkserver._forkserver.ensure_running = lambda: None  # type: ignore[method-assign]
    kind, told, *rest = (one for one in arguments if one != "-P")
    sys.argv = [kind, *rest, *(str(one.fileno()) for one in passed)]
    sys.path[:] = [folder for folder in sys.path if folder and Path(folder).resolve() != ROOT]
    if kind == "-c":
        exec(compile(told, "<string>", "exec"), {"__name__": "__main__"})
        return
    sys.path.insert(0, cwd)
    runpy.run_module(told, run_name="__main__", alter_sys=True)
