"""Bursts of load on all cores at once, at random moments, from a process that starts fast and ends with its parent."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from speedproof.clock import since_1970_s
from speedproof.environment import current_environment

PER_CORE = 4
"""Processes that share a core with the one that is measured: beside four, it takes five times as long."""
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
    while time.time() < at_s:
        pass
"""
"""All processes of one seed have the same bursts, by the time of day; told are the seed, a burst's seconds, the share
of time that bursts take, when to begin, and with whom to end."""


@contextmanager
def bursts(seed: int, burst_s: float, share: float) -> Iterator[None]:
    """Load on all cores for that share of the time, in bursts of so many seconds."""
    told = [str(seed), str(burst_s), str(share), str(since_1970_s()), str(os.getpid())]
    n = PER_CORE * current_environment().n_cores
    burners = [subprocess.Popen([sys.executable, "-P", "-c", BURSTS, *told]) for _ in range(n)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
        for burner in burners:
            burner.wait()
