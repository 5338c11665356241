"""Short fingerprints: of data, of the source that is measured, of the files that decide what a subject is."""

import hashlib
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

LENGTH = 16
"""Hexadecimal digits kept: 64 bits, far beyond any chance of two alike in one results folder."""


def digest(value: Any) -> str:
    """Fingerprint of plain data: anything that JSON can say, keys sorted."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]


def file_digest(*paths: Path) -> str:
    """Fingerprint of the files' bytes, in the order given."""
    return digest([hashlib.sha256(path.read_bytes()).hexdigest() for path in paths])


def source_digest(function: Callable[..., Any]) -> str:
    """Fingerprint of the whole file that defines `function`, since its helpers decide the answer too."""
    source = inspect.getsourcefile(inspect.unwrap(function))
    if source is None:
        raise ValueError(f"{function!r} has no source file")
    return file_digest(Path(source))
