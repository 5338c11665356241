"""Journals: files of lines that are only ever appended to. What a crash, a full disk or a second writer may do to one.

Imports nothing heavy, so that a writer can be started, and killed, in a hundredth of a second.
"""

import codecs
import errno
import fcntl
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

FOREIGN = {
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
    b"\x1f\x8b": "compressed by gzip",
    b"(\xb5/\xfd": "compressed by zstd",
    b"\xfd7zXZ": "compressed by xz",
    b"BZh": "compressed by bzip2",
    b"PK\x03\x04": "a zip archive",
}
"""How a file begins that is no journal, though somebody may have made it of one."""
MOST_BITS = 64
"""Bits of the largest whole number in a line. What is counted here, bytes among it, is far below; beyond it, arithmetic
with fractions overflows sooner or later."""


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
    """The lines that are not blank, with their numbers from 1; the last may be one that was cut short.

    Raises:
        OSError: the file cannot be read, or is none.
    """
    if not path.is_file() and not path.is_dir():
        raise FileNotFoundError(errno.ENOENT, "It is no file, or a link to none")
    for number, line in enumerate(path.read_bytes().removeprefix(codecs.BOM_UTF8).split(b"\n"), start=1):
        if line.strip():
            yield number, line


def foreign(path: Path) -> str:
    """What a file is by its first bytes, where that is no journal; else an empty string."""
    with path.open("rb") as file:
        head = file.read(max(map(len, FOREIGN)))
    return next((kind for mark, kind in FOREIGN.items() if head.startswith(mark)), "")


def value_of(line: bytes) -> Any:
    """What a line says, as JSON has it: finite numbers, text in UTF-8.

    Raises:
        ValueError: it is not JSON, or holds a number that none of ours can be.
        RecursionError: it is nested too deeply.
    """
    return json.loads(line.decode("utf-8"), parse_constant=_no_number, parse_float=_finite, parse_int=_whole)


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _no_number(text)


def _whole(text: str) -> int:
    value = int(text)
    return value if value.bit_length() <= MOST_BITS else _no_number(text)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is no number that can be reckoned with")


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
