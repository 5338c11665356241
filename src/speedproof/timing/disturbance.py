"""Disturbances: which samples the machine spoilt, told from what was seen beside them and from nothing else.

A rule here knows rates and shares. It does not know which arm a sample is of, nor compares how long two samples took:
so it cannot prefer one answer (`tests/timing/test_disturbance.py` shows it on synthetic sittings).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from speedproof.machine import phases
from speedproof.machine.phases import SLOW_PHASE
from speedproof.machine.surroundings import Seen

WAITED_SHARE = 0.05
"""Time that threads waited for a core, in times of the sample, from which others disturbed it: the smallest effect
reported."""
STOLEN_SHARE = 0.1
"""Of all cores' time, what the host took. A shared host takes some percent always, from both arms."""
LEAST_STOLEN_S = 0.02
"""Two ticks of the kernel's clock: one may have begun before the sample."""
PREEMPTED_PER_S = 100.0
"""Times a second that a core was taken away. Two that share a core take turns every few milliseconds; alone, a process
loses it some ten times a second. Looked at only where waiting cannot be read."""
LEAST_PREEMPTED = 5
FAULTS_PER_S, LEAST_FAULTS = 20.0, 5
"""Pages read from disk: each takes a tenth of a millisecond at least."""

BY = ("other processes", "the host", "reading from disk")
"""What disturbs, as it is told."""


def disturbance(seconds: float, seen: Seen, n_cores: int) -> str:
    """What disturbed a sample of so many seconds, one of `BY`; an empty string where nothing did.

    What was not read disturbs nothing.
    """
    waited, preempted = seen.get("waited_s"), seen.get("n_preempted", 0)
    stolen_s = seen.get("stolen_s", 0)
    crowded = preempted >= LEAST_PREEMPTED and preempted > PREEMPTED_PER_S * seconds
    if crowded if waited is None else waited > WAITED_SHARE * seconds:
        return BY[0]
    if stolen_s >= LEAST_STOLEN_S and stolen_s > STOLEN_SHARE * seconds * n_cores:
        return BY[1]
    return BY[2] if _read_from_disk(seconds, seen) else ""


def least_s(seconds: float, seen: Seen) -> float | None:
    """Seconds that a disturbed sample would have taken at least, had the machine been left to it.

    Its threads' waiting and what the host took, added up, are at least what they cost: two threads may wait at the same
    time. None where that is not known: waiting cannot be read here, or pages came from disk.
    """
    waited_s = seen.get("waited_s")
    if waited_s is None or _read_from_disk(seconds, seen):
        return None
    left_s = seconds - waited_s - seen.get("stolen_s", 0)
    return left_s if left_s > 0 else None


def _read_from_disk(seconds: float, seen: Seen) -> bool:
    n_faulted = seen.get("n_faulted", 0)
    return n_faulted >= LEAST_FAULTS and n_faulted > FAULTS_PER_S * seconds


def is_slow(seen: Seen, quiet: Mapping[str, float]) -> bool:
    """Whether a sample was taken in a slow phase of the machine; `quiet` are the probes' quiet times.

    Such a sample is sound: it is one of another machine, so to speak, and figures of two machines are not mixed.
    """
    return any(seen.get(name, 0) > SLOW_PHASE * quiet_s for name, quiet_s in quiet.items())


def quiet_times(seen: Iterable[Seen], known: Iterable[Mapping[str, float]] = ()) -> dict[str, float]:
    """The probes' quiet times, from samples and from earlier ones that are known: of each the least."""
    found: dict[str, float] = {}
    for times in (phases.quiet_times(list(seen)), *known):
        for name, quiet_s in times.items():
            found[name] = min(quiet_s, found.get(name, quiet_s))
    return found


def columns(samples: Sequence[Seen]) -> dict[str, tuple[float, ...]]:
    """What was seen beside samples, by name, as a record keeps it; only what was seen beside all."""
    names = [name for name in samples[0] if all(name in one for one in samples)] if samples else []
    return {name: tuple(one[name] for one in samples) for name in names}


def rows(columns: Mapping[str, Sequence[float]], n: int) -> Iterator[dict[str, float]]:
    """The same, sample by sample."""
    return ({name: values[i] for name, values in columns.items()} for i in range(n))
