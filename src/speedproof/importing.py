"""Importing large libraries in a process that others wait for."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing() -> Iterator[None]:
    """Looks for no garbage meanwhile.

    The libraries' imports make a great many objects and hardly any garbage. To search them all again and again is a
    good part of the time until a process can work.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
