"""Kills writers at random moments. A script of its own: python -m tests.killing FILE N_KILLS SEED WRITER.

It imports no torch, so that forking a writer takes a millisecond and killing two hundred takes seconds. Prints, as
JSON, the numbers of the lines whose writing had returned before the kill.
"""

import io
import json
import os
import random
import select
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from speedproof.records import journal

LONGEST_WAIT_S = 0.02
"""A writer is killed within this long: it gets some lines written, and dies in the middle of one."""
LONGEST_LINE = 200_000


def line_of(number: int) -> bytes:
    """The number-th line: JSON, its length from a few bytes to many pages, its filling from its number."""
    rng = random.Random(number)
    n_letters = int(LONGEST_LINE ** rng.random())
    return json.dumps({"number": number, "filling": chr(97 + number % 26) * n_letters}).encode() + b"\n"


def write_carelessly(path: Path, line: bytes) -> None:
    """What a writer must not do: pieces one by one, and no look at how the file ends."""
    with path.open("ab", buffering=0) as file:
        for start in range(0, len(line), 1 + len(line) // 20):
            file.write(line[start : start + 1 + len(line) // 20])


class Piecemeal(io.FileIO):
    """A file of a system that takes few bytes at a time, so that a kill mostly comes in the middle of a line."""

    def write(self, data: Any) -> int:
        return super().write(bytes(data)[:64])


def append_piecemeal(path: Path, line: bytes) -> None:
    """The journal on such a system."""
    setattr(Path, "open", lambda path, mode, buffering: Piecemeal(path, mode.replace("b", "")))  # noqa: B010
    journal.append(path, line)


WRITERS: dict[str, Callable[[Path, bytes], None]] = {
    "journal": journal.append,
    "piecemeal": append_piecemeal,
    "careless": write_carelessly,
}


def kill_writers(path: Path, n_kills: int, seed: int, write: Callable[[Path, bytes], None]) -> list[int]:
    """Starts and kills writers one after another. Returns the lines that were acknowledged."""
    rng = random.Random(seed)
    acknowledged: list[int] = []
    number = 0
    for _ in range(n_kills):
        from_writer, to_us = os.pipe()
        child = os.fork()
        if child == 0:
            while True:
                write(path, line_of(number))
                os.write(to_us, number.to_bytes(4, "little"))
                number += 1
        os.close(to_us)
        select.select([], [], [], LONGEST_WAIT_S * rng.random())
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(from_writer, "rb") as pipe:
            told = pipe.read()
        done = [int.from_bytes(told[i : i + 4], "little") for i in range(0, len(told) - 3, 4)]
        acknowledged += done
        # The line that the writer died in may be there or not; its number is not used again.
        number = (done[-1] if done else number - 1) + 2
    return acknowledged


if __name__ == "__main__":
    path, n_kills, seed, writer = sys.argv[1:]
    print(json.dumps(kill_writers(Path(path), int(n_kills), int(seed), WRITERS[writer])))  # noqa: T201
