"""Journals: files of lines that are only ever appended to. What a crash, a full disk or a second writer may do to one.

Imports nothing heavy, so that a writer can be started, and killed, in a hundredth of a second.
"""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


def append(path: Path, line: bytes) -> None:
    """Appends `line`, first ending a line that a crash cut short; it is on the disk when this returns.

    One writer at a time, under a lock that ends with its holder. If the disk fills up, or Control-C
    comes in between, the part written is undone.

    Raises:
        OSError: the folder or file cannot be written; the file holds what it held before.
        ValueError: `line` is not one line.
    """
    if not line.endswith(b"\n") or b"\n" in line[:-1]:
        raise ValueError(f"Expected one line with its newline, got {line[:60]!r}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        end = file.seek(0, os.SEEK_END)
        if end:
            file.seek(end - 1)
            line = line if file.read(1) == b"\n" else b"\n" + line
        try:
            written = 0
            while written < len(line):
                written += file.write(line[written:]) or 0
            os.fsync(file.fileno())
        except BaseException:
            file.truncate(end)
            raise
    if not end:
        _keep_name(path.parent)


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers from 1; the last may be one that was cut short."""
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if line.strip():
            yield number, line


def _keep_name(folder: Path) -> None:
    """A new file's name survives a power cut only once its folder is on the disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        # Some network file systems cannot; the line itself is safe.
        pass
    finally:
        os.close(descriptor)
