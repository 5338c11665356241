"""Nothing is collected while counting: when garbage in cycles is depends on what the process did before."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Collects now, which also empties the interpreter's lists of objects for reuse; then not until it is over."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
