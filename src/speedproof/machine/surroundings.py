"""Surroundings of a sample: what the machine did with our processor time, and for whom else, while a clock ran.

Nothing here knows what was run, or for how long it should have. What cannot be read on a system is left out.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from speedproof.clock import cpu_s

from .probes import probe

PROC = Path("/proc")
FREQUENCIES = Path("/sys/devices/system/cpu")
BUSY = (0, 1, 2, 5, 6)
"""Fields of a line of /proc/stat that say that a core worked: user, nice, system, irq, softirq (proc(5))."""
STEAL = 7
"""The field of what the host gave to others."""
MOST_THREADS = 64
"""Threads of a process beyond which looking at each would cost more than it tells."""
WORDS = {
    "waited_s": "time that threads waited for a core",
    "stolen_s": "time that the host took",
    "others_s": "time of other processes",
    "n_preempted": "times that a core was taken away",
    "n_faulted": "pages read from disk",
    "mhz": "processor frequency",
}
"""What a system may not tell, in words."""

Seen = Mapping[str, float]
"""What was seen during one sample, by name: seconds, counts, the slower of two probes, MHz after it."""


@dataclass
class Surroundings:
    """The beginning of a sample; `seen` is what has happened since. Take it just before the clock starts."""

    probes: dict[str, float] = field(default_factory=probe)
    counts: dict[str, float] = field(default_factory=lambda: _counts())

    def seen(self) -> dict[str, float]:
        """What happened meanwhile, to four significant digits."""
        now = _counts()
        since = {name: max(0.0, now[name] - before) for name, before in self.counts.items() if name in now}
        if "busy_s" in since:
            since["others_s"] = max(0.0, since.pop("busy_s") - since["cpu_s"])
        after = probe()
        since.update({name: max(before, after[name]) for name, before in self.probes.items()})
        since.update(_frequency())
        return {name: float(f"{value:.4g}") for name, value in since.items()}


def unreadable() -> list[str]:
    """What this system does not tell, in words."""
    told = Surroundings().seen()
    return [words for name, words in WORDS.items() if name not in told]


def _counts() -> dict[str, float]:
    """Seconds and counts since this process or this system began."""
    return {"cpu_s": cpu_s(), **_waited(), **_system(), **_resources()}


def _waited() -> dict[str, float]:
    """Seconds that this process's threads were ready to run and had no core, added up."""
    try:
        tasks = os.listdir(PROC / "self" / "task")
        if len(tasks) > MOST_THREADS:
            return {}
        total_ns = 0
        for task in tasks:
            # A thread may end meanwhile.
            with suppress(FileNotFoundError, ProcessLookupError):
                total_ns += int((PROC / "self" / "task" / task / "schedstat").read_text().split()[1])
        return {"waited_s": total_ns / 1e9} if total_ns else {}
    except (OSError, ValueError, IndexError):
        return {}


def _system() -> dict[str, float]:
    """Seconds that all cores worked, for whomever, and that the host kept."""
    try:
        with (PROC / "stat").open() as file:
            fields = [int(word) for word in file.readline().split()[1:]]
        tick_s = 1 / os.sysconf("SC_CLK_TCK")
        return {"busy_s": sum(fields[n] for n in BUSY) * tick_s, "stolen_s": fields[STEAL] * tick_s}
    except (OSError, ValueError, IndexError, AttributeError):
        return {}


def _resources() -> dict[str, float]:
    try:
        import resource
    except ImportError:
        return {}
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {"n_preempted": float(used.ru_nivcsw), "n_faulted": float(used.ru_majflt)}


def _frequency() -> dict[str, float]:
    """The fastest of the cores that this process may use now."""
    try:
        cores = os.sched_getaffinity(0)
        now = [int((FREQUENCIES / f"cpu{core}/cpufreq/scaling_cur_freq").read_text()) for core in cores]
        return {"mhz": max(now) / 1e3}
    except (OSError, ValueError, AttributeError):
        return {}
