"""Whole processes, timed from outside: each command once a round, so that what disturbs the machine disturbs all."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from speedproof.errors import BadInput
from speedproof.folders import ROOT
from speedproof.sittings.sitting import Say
from speedproof_studies.kinds import Waited

from .commands import Command, commands, shown

LINES = 5
"""Lines of a command that failed that are told."""


@dataclass(frozen=True)
class Once:
    """One process: seconds by the clock, seconds of the processor, and the most memory that it held."""

    wall_s: float
    cpu_s: float
    peak_mib: float


def waits(records: Path, n_rounds: int, say: Say) -> Iterator[Waited]:
    """What each command took in so many rounds, over these records. Raises BadInput where one of them fails."""
    with tempfile.TemporaryDirectory() as folder:
        empty, recorded = Path(folder) / "empty", Path(folder) / "recorded"
        empty.mkdir()
        recorded.mkdir()
        (recorded / "records").symlink_to(records.resolve())
        asked = commands(empty, recorded)
        taken: dict[str, list[Once]] = {command.name: [] for command in asked}
        left = n_rounds * len(asked)
        for _ in range(n_rounds):
            for command in asked:
                left -= 1
                say(command.name, left)
                taken[command.name].append(_once(command, Path(folder)))
    for command in asked:
        yield _waited(command, taken[command.name])


FROM_A_SMALL_PROCESS = """
import json, os, subprocess, sys, time
start = time.monotonic()
process = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(process.pid, 0)
process.returncode = os.waitstatus_to_exitcode(status)
taken = time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss
with open(sys.argv[1], "w") as file:
    json.dump(taken, file)
sys.exit(process.returncode)
"""
"""A process counts as its own memory what the one that started it held, so that one may hold nothing."""


def _once(command: Command, folder: Path) -> Once:
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    variables["SPEEDPROOF_RESULTS"] = str(folder / "own-results")
    taken = folder / "taken.json"
    starting = [sys.executable, "-S", "-E", "-c", FROM_A_SMALL_PROCESS, str(taken), sys.executable, *command.words]
    done = subprocess.run(
        starting, cwd=ROOT, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    if done.returncode != 0:
        last = " ".join(done.stdout.splitlines()[-LINES:])
        raise BadInput(f"{shown(command.words)} ended with status {done.returncode}: {last}. Expected 0.")
    wall_s, cpu_s, rss = json.loads(taken.read_text(encoding="utf-8"))
    return Once(wall_s, cpu_s, rss * RSS_UNIT / 2**20)


RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in which a system tells the most memory."""


def _waited(command: Command, taken: Sequence[Once]) -> Waited:
    return Waited(
        command=command.name,
        wall_s=tuple(one.wall_s for one in taken),
        cpu_s=tuple(one.cpu_s for one in taken),
        peak_mib=max(one.peak_mib for one in taken),
        most_s=command.most_s,
    )
