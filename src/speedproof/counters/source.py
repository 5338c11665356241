"""Counters of Python's own work, and of what a source file holds."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .duplicates import find_duplicates
from .tally import Call, Tally


class _CountedText(str):
    """A string that counts how often it is compared with another object."""

    tally: Tally

    def __eq__(self, other: object) -> bool:
        self.tally.count += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


@contextmanager
def string_comparisons(call: Call) -> Iterator[Tally]:
    """Comparisons of a text with another string object."""
    tally = Tally()
    texts = call.inputs["texts"]
    plain = list(texts)
    for i, text in enumerate(plain):
        texts[i] = _CountedText(text)
        texts[i].tally = tally
    try:
        yield tally
    finally:
        texts[:] = plain


@contextmanager
def duplicate_definitions(call: Call) -> Iterator[Tally]:
    """Functions that the twin's file defines more than once."""
    yield Tally(len(find_duplicates([Path(inspect.getsourcefile(call.twin) or "")])))
