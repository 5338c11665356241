"""Rewrites as textbooks and pull requests have them, right and wrong, that the check is held against."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from speedproof.errors import unknown
from speedproof_studies.textbook.entry import Entry

TOPICS = (
    *("sorting", "searching", "containers", "lookups", "arithmetic", "texts", "words", "arguments", "state", "files"),
    *("averages", "tallies", "logits", "linear", "signals", "buffers", "frames", "tensors"),
)
"""A file each, in the order in which they are read."""
ENTRIES: tuple[Entry, ...]


def entries(topics: Sequence[str] | None = None) -> tuple[Entry, ...]:
    """The rewrites of some topics, all if none is named. Raises BadInput for a topic that is none."""
    for topic in topics or ():
        if topic not in TOPICS:
            raise unknown("topic", topic, list(TOPICS))
    found = [import_module(f"{__name__}.{topic}") for topic in topics or TOPICS]
    return tuple(entry for module in found for entry in module.ENTRIES)


def __getattr__(name: str) -> Any:
    """`ENTRIES`, read when it is asked for: one topic's file loads without the libraries of the others."""
    if name != "ENTRIES":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return entries()
