"""Counters of memory that Python's allocators give out, by `tracemalloc`; NumPy tells it of its arrays' data as well.

Not seen: what compiled code takes from the system without telling Python. The numbers are those of one Python version
and one kind of processor. Other counters that count at the same time keep their books in the same memory: count memory
in a call of its own. What a function keeps from its first call makes later ones cheaper: call it once before.
"""

import gc
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

from .garbage import no_collection
from .tally import Call, Tally


@contextmanager
def peak_bytes(call: Call) -> Iterator[Tally]:
    """Bytes at most during the call, beyond what was there before; garbage in cycles is kept. Resets the peak that
    `tracemalloc` shows."""
    tally = Tally()
    with _tracing():
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        yield tally
        _, peak = tracemalloc.get_traced_memory()
        tally.count = peak - before


@contextmanager
def kept_bytes(call: Call) -> Iterator[Tally]:
    """Bytes that are there after the call and were not before. The answer is gone by then, and so is garbage."""
    tally = Tally()
    with _tracing():
        before, _ = tracemalloc.get_traced_memory()
        yield tally
        # Also empties the interpreter's lists of objects for reuse, which are nobody's memory.
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        tally.count = after - before


@contextmanager
def _tracing() -> Iterator[None]:
    was_tracing = tracemalloc.is_tracing()
    with no_collection():
        if not was_tracing:
            tracemalloc.start()
        try:
            yield
        finally:
            if not was_tracing:
                tracemalloc.stop()
