"""Probes: three fixed pieces of work of some tens of microseconds. When one of them slows down, the machine has.

On a shared machine the same code is slow for seconds to tens of seconds at a time, for all processes at once, and not
all code by the same factor. What hangs on the second-level cache suffers most when a neighbour uses it too.
"""

from collections.abc import Callable, Mapping
from functools import cache

from speedproof.clock import lasted_s

WORKING_SET = 2**20
"""Bytes that the probes of memory touch: about what one core's second-level cache holds."""
LINE = 64
"""Bytes of a line of the cache, on every processor in use."""
N_STEPS = 1_000
"""Turns of the probe of the core's own speed."""
N_TIMES = 3
"""Times that each is run, of which the fastest counts: one interrupt is no phase."""


@cache
def _probes() -> Mapping[str, Callable[[], object]]:
    # Only what measures needs it, and verbs that show records start without.
    import numpy as np

    memory, onto = np.zeros(WORKING_SET, np.uint8), np.zeros(WORKING_SET, np.uint8)
    # In random order, so that nothing fetches a line before it is asked for.
    lines = np.random.default_rng(0).permutation(WORKING_SET // LINE) * LINE
    taken = np.empty(len(lines), np.uint8)

    def loop() -> None:
        for _ in range(N_STEPS):
            pass

    return {
        "scattered": lambda: np.take(memory, lines, out=taken, mode="clip"),
        "streamed": lambda: np.copyto(onto, memory),
        "counted": loop,
    }


NAMES = ("scattered", "streamed", "counted")
"""Lines of memory in random order, the same memory in its own order, and a loop that touches none."""


def probe() -> dict[str, float]:
    """Seconds that each probe takes now, by name."""
    return {name: min(lasted_s(work) for _ in range(N_TIMES)) for name, work in _probes().items()}
