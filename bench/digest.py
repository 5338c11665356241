"""Short fingerprints: of data, of the source that is measured, of the files that decide what a subject is."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .callables import name_of, source_file

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
    """Fingerprint of the whole file that defines `function`, since its helpers decide the answer too.

    What has no file, such as a built-in function, is known by its module and name.
    """
    path = source_file(function)
    if path is None:
        return digest([getattr(function, "__module__", None) or "", name_of(function)])
    return file_digest(path)
