"""Bursts of load at random moments, from processes that start fast and end with their parent."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from speedproof.clock import since_1970_s
from speedproof.wording import some

PER_CORE = 4
"""Processes a core that make the load unless told otherwise: beside four, what is measured takes five times as long."""
BURSTS = """
import os, random, sys, time
parent, rng = int(sys.argv[5]), random.Random(int(sys.argv[1]))
burst_s, share = float(sys.argv[2]), float(sys.argv[3])
at_s = float(sys.argv[4])
while os.getppid() == parent:
    at_s += rng.expovariate(share / (burst_s * (1 - share)))
    while (left_s := at_s - time.time()) > 0 and os.getppid() == parent:
        time.sleep(min(left_s, 0.5))
    at_s += burst_s
    while time.time() < at_s and os.getppid() == parent:
        pass
"""
"""All processes of one seed have the same bursts, by the time of day; told are the seed, a burst's seconds, the share
of time that bursts take, when to begin, and with whom to end."""


class Load(NamedTuple):
    """What a machine is loaded with."""

    burst_s: float
    share: float
    """Share of the time that bursts take."""
    n_processes: int | None
    """Of which each keeps one core busy; None: four a core."""

    @property
    def words(self) -> str:
        """The load as people are told of it."""
        by = "four processes a core" if self.n_processes is None else some(self.n_processes, "process")
        return f"bursts of {self.burst_s:g} s by {by}, {self.share:.0%} of the time"


@contextmanager
def bursts(seed: int, load: Load, n_cores: int) -> Iterator[None]:
    """The machine under that load."""
    told = [str(seed), str(load.burst_s), str(load.share), str(since_1970_s()), str(os.getpid())]
    n = PER_CORE * n_cores if load.n_processes is None else load.n_processes
    burners = [subprocess.Popen([sys.executable, "-P", "-c", BURSTS, *told]) for _ in range(n)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
        for burner in burners:
            burner.wait()
