"""Signs of the machine: its cores, and what else wants them now."""

import os
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import psutil

from .condition import NOT_READABLE, Conditions, condition
from .signs import Sign, good, judged

WATCHED_S = 2.0
"""Seconds between two looks at the machine: a single tick of the kernel's clock is then no cause for advice."""
COMPARED_S = 0.5
"""Seconds over which two clocks are held against each other."""
FARTHEST_APART = 1e-3
"""Share by which they may differ: a twentieth of the narrowest half-width. Time synchronisation adds 0.0005 at most."""
POOLS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_THREAD_LIMIT")
"""Settings that size the threads behind torch."""
WITHOUT_TORCH = "torch is not installed"


def signs_of_machine(conditions: Conditions) -> list[Sign]:
    """Cores, load, other processes, threads, steal, context switches, swap, governor, frequency."""
    now, advice, wanted = conditions.after, conditions.advice_about, conditions.n_threads
    few = f"the workloads run on {wanted} threads: use a machine with as many cores" if now.n_cores < wanted else ""
    seen = {
        "load": _shown(now.load, "{:.1f} on average in the last minute"),
        "other processes": _shown(now.n_busy_others, "{} others busy"),
        "threads": f"{wanted} at a time on {now.n_cores} cores",
        "steal": _shown(now.stolen_s, "{:,.0f} s of processor time taken by the host since the start"),
        "switches": _shown(now.n_switches, "{:,} context switches since the start"),
        "swap": _shown(now.swap_bytes, "{:,} bytes in use"),
        "governor": _shown(now.governor, "{}"),
        "frequency": _shown(now.frequency_mhz, "{:,.0f} MHz"),
    }
    return [
        judged("cores", f"{now.n_cores} that this process may use", few),
        *(judged(about, words, advice[about]) for about, words in seen.items()),
    ]


def signs_of_threads(settings: Mapping[str, str], wanted: int) -> list[Sign]:
    """What the environment says of thread pools: torch is told a count in each process, a limit stands above it."""
    told = [f"{name} {settings[name]}" for name in POOLS if settings.get(name)]
    torch = _torch()
    of_torch = f"torch would start {torch.get_num_threads()}" if torch else WITHOUT_TORCH
    seen = ", ".join([of_torch, *(told or ["no setting of OpenMP or MKL"])])
    limit = settings.get("OMP_THREAD_LIMIT", "")
    low = limit.isdigit() and int(limit) < wanted
    return [judged("thread pools", seen, f"unset OMP_THREAD_LIMIT: the workloads ask for {wanted} threads" * low)]


def sign_of_clock(apart: float | None) -> Sign:
    """Whether the clock that times agrees with the hardware's own; `apart` is the share by which they differ."""
    if apart is None:
        return good("clock", NOT_READABLE)
    advice = "the clock is being set: wait until the machine's time is synchronised" if apart > FARTHEST_APART else ""
    return judged("clock", f"two clocks differ by {apart * 1e6:,.0f} millionths", advice)


def sign_of_accelerator(of_findings: bool) -> Sign:
    """Which accelerator torch sees. Findings use it for subjects that ask for it, and for no others."""
    torch = _torch()
    if torch is None:
        return good("accelerator", f"not looked for, since {WITHOUT_TORCH}")
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    where = "; the findings run on the processor unless a subject's name ends with :cuda" if of_findings else ""
    return good("accelerator", f"{name}{where}")


def _torch() -> Any:
    """The library where it is installed. Other verbs do without, and so does whoever has no pair with tensors."""
    return import_module("torch") if find_spec("torch") else None


def conditions(n_threads: int) -> Conditions:
    """Two looks at the machine, for the threads that the workloads want."""
    before = condition()
    psutil.cpu_percent(interval=WATCHED_S)
    return Conditions(before=before, after=condition(), n_threads=n_threads)


def settings() -> dict[str, str]:
    """The environment's settings of thread pools."""
    return {name: os.environ[name] for name in POOLS if name in os.environ}


def _shown(value: object, form: str) -> str:
    return NOT_READABLE if value is None else form.format(value)
