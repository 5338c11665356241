"""Quiet: what the machine was doing beside a sitting, and what of it may have moved the figures. Advice, no refusal."""

import os
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict

from speedproof.environment import n_cores_allowed

GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
NOT_READABLE = "not readable here"

WATCHED_S = 0.2
"""Seconds over which other processes are watched: some twenty ticks of the kernel's clock."""
BUSY_SHARE = 0.2
"""Share of one core from which another process counts as busy. Two twins on all cores feel a fifth of one."""
LOAD_PER_CORE = 0.3
"""One-minute load per core before a sitting from which the machine was not idle."""
STOLEN_SHARE = 0.005
"""Share of processor time taken by the host from which it is said: a tenth of the smallest effect reported (5%)."""
SWAPPED_BYTES = 64 * 2**20
"""Swap in use from which pages of a measured process may be among it."""
FREQUENCY_CHANGE = 0.05
"""Change of the processor's frequency over a sitting from which it is said: the smallest effect reported."""
SWITCHES_PER_CORE_S = 5_000.0
"""Context switches per second and core from which the scheduler was busy; a quiet machine makes a few hundred."""
STEADY_GOVERNOR = "performance"
PARTS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
"""What processor time is made of; a guest's is within the user's."""
READABLE = {
    "load": "load average",
    "frequency_mhz": "processor frequency",
    "governor": "frequency governor",
    "stolen_s": "steal time",
    "n_switches": "context switches",
    "swap_bytes": "swap in use",
    "n_busy_others": "other processes",
}
"""What a system may not tell, in words."""


class Condition(BaseModel):
    """What can be read of the machine at one moment; None is what cannot be read here. Nothing in it has a name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    load: float | None
    """Processes that ran or waited to, mean of the last minute."""
    frequency_mhz: float | None
    governor: str | None
    """The kernel's rule for the processor's frequency."""
    processor_s: float
    """Processor time gone by since the machine began, idle or not, all cores together."""
    stolen_s: float | None
    """Of this, what the host gave to others."""
    n_switches: int | None
    """Context switches since the machine began."""
    swap_bytes: int | None
    n_cores: int
    """Cores that this process may use."""
    n_busy_others: int | None
    """Other processes that took a good part of a core while they were watched."""


class Conditions(BaseModel):
    """The machine before a sitting and after it. `n_threads` is what torch was given in each process."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    before: Condition
    after: Condition
    n_threads: int

    @property
    def advice(self) -> list[str]:
        """What on the machine may be wrong, a line each; empty where nothing was seen."""
        return [line for line in self.advice_about.values() if line]

    @property
    def advice_about(self) -> dict[str, str]:
        """The same by what it is about; an empty line where nothing was seen."""
        return {
            "load": self._load(),
            "other processes": self._others(),
            "threads": self._threads(),
            "steal": self._steal(),
            "switches": self._switches(),
            "swap": self._swap(),
            "governor": self._governor(),
            "frequency": self._frequency(),
        }

    @property
    def unreadable(self) -> list[str]:
        """What could not be read on this machine, a line each."""
        missing = [words for field, words in READABLE.items() if getattr(self.before, field) is None]
        return [f"{words}: {NOT_READABLE}" for words in missing]

    def _load(self) -> str:
        load, cores = self.before.load or 0.0, self.before.n_cores
        if load <= LOAD_PER_CORE * cores:
            return ""
        return f"load average {load:.1f} on {cores} cores before the sitting: wait until the machine is idle"

    def _others(self) -> str:
        busy = self._n_busy
        return f"other busy processes: {busy}: stop them, or measure when they are done" if busy else ""

    def _threads(self) -> str:
        busy, cores = self._n_busy, self.before.n_cores
        if self.n_threads + busy <= cores:
            return ""
        own = f"{self.n_threads} thread{'s' * (self.n_threads > 1)}"
        others = f"{busy} other busy process{'es' * (busy != 1)}"
        return (
            f"{own} beside {others} on {cores} cores: who waits for another's core waits far longer than a short call "
            "takes; free the cores, or use fewer threads"
        )

    def _steal(self) -> str:
        share = _increase(self.before.stolen_s, self.after.stolen_s) / self._core_s
        return f"the host took {share:.1%} of the processor time (steal): use a quieter one" * (share > STOLEN_SHARE)

    def _switches(self) -> str:
        rate = _increase(self.before.n_switches, self.after.n_switches) / self._core_s
        if rate <= SWITCHES_PER_CORE_S:
            return ""
        return f"{rate:,.0f} context switches per second and core: something else wanted the cores"

    def _swap(self) -> str:
        swapped = max(self.before.swap_bytes or 0, self.after.swap_bytes or 0)
        return f"{swapped / 2**20:,.0f} MiB of swap in use: free memory" * (swapped > SWAPPED_BYTES)

    def _governor(self) -> str:
        governor = self.before.governor or STEADY_GOVERNOR
        return "" if governor == STEADY_GOVERNOR else f"frequency governor {governor}: set it to {STEADY_GOVERNOR}"

    def _frequency(self) -> str:
        one, two = self.before.frequency_mhz, self.after.frequency_mhz
        if not one or not two or abs(two / one - 1) <= FREQUENCY_CHANGE:
            return ""
        return f"the processor went from {one:,.0f} to {two:,.0f} MHz: heat, saving of power, or another's load"

    @property
    def _n_busy(self) -> int:
        return max(self.before.n_busy_others or 0, self.after.n_busy_others or 0)

    @property
    def _core_s(self) -> float:
        return max(1e-9, self.after.processor_s - self.before.processor_s)


def condition() -> Condition:
    """The machine now. Takes a fraction of a second, in which other processes are watched."""
    n_busy_others = _n_busy_others()
    times = psutil.cpu_times()
    frequency = _frequency_mhz()
    return Condition(
        load=round(psutil.getloadavg()[0], 2),
        frequency_mhz=frequency and round(frequency, 1),
        governor=_governor(),
        processor_s=round(sum(getattr(times, name, 0.0) for name in PARTS), 2),
        stolen_s=round(times.steal, 2) if hasattr(times, "steal") else None,
        n_switches=psutil.cpu_stats().ctx_switches or None,
        swap_bytes=_swap_bytes(),
        n_cores=n_cores_allowed(),
        n_busy_others=n_busy_others,
    )


def _n_busy_others() -> int | None:
    """Processes, this one and its own left out, that took a good part of a core while they were watched."""
    try:
        own = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
        before = _processor_s_by_process()
        psutil.cpu_percent(interval=WATCHED_S)
        after = _processor_s_by_process()
    except (psutil.Error, OSError):
        return None
    took_s = {pid: after[pid] - before[pid] for pid in before.keys() & after.keys() - own}
    return sum(seconds > BUSY_SHARE * WATCHED_S for seconds in took_s.values()) if before else None


def _processor_s_by_process() -> dict[int, float]:
    found = {process.pid: process.info["cpu_times"] for process in psutil.process_iter(["cpu_times"])}
    return {pid: times.user + times.system for pid, times in found.items() if times}


def _frequency_mhz() -> float | None:
    try:
        frequency = psutil.cpu_freq()
    except (AttributeError, NotImplementedError, OSError, RuntimeError):
        return None
    return float(frequency.current) if frequency and frequency.current else None


def _governor() -> str | None:
    try:
        return GOVERNOR.read_text().strip() or None
    except OSError:
        return None


def _swap_bytes() -> int | None:
    try:
        return int(psutil.swap_memory().used)
    except (OSError, RuntimeError):
        return None


def _increase(before: float | None, after: float | None) -> float:
    return 0.0 if before is None or after is None else after - before
