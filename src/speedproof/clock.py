"""The one module that reads the clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

T = TypeVar("T")

SHORTEST_S, LONGEST_S = 1e-12, 1e9
"""Seconds that a call can take: a processor's cycle is some 1e-10 s, and thirty years are 1e9 s. What lies beyond was
not measured, and makes quotients overflow."""


@dataclass
class Total:
    """Seconds added up over this process."""

    total_s: float = 0.0


under_test = Total()
"""Time spent inside twins, however they were called."""


def no_device() -> None:
    """Nothing to wait for: what a call asks for is done when it returns."""


def elapsed_s(call: Callable[[], T], wait: Callable[[], None] = no_device) -> tuple[T, float]:
    """What `call` returns and how long it took, in seconds.

    `wait` returns once every device has finished what was asked of it, so that they are idle at both ends; a pair's kit
    knows how to.
    """
    wait()
    start = time.perf_counter()
    try:
        outcome = call()
        wait()
    finally:
        seconds = time.perf_counter() - start
        under_test.total_s += seconds
    return outcome, seconds


def lasted_s(work: Callable[[], object]) -> float:
    """Seconds that something took which is not under test, so is added up nowhere."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def pause(seconds: float) -> None:
    """Does nothing for so long."""
    time.sleep(seconds)


def is_seconds(value: float) -> bool:
    """Whether a clock can have said so of a call."""
    return SHORTEST_S <= value <= LONGEST_S


def monotonic_s() -> float:
    """Seconds on a clock that never goes back; only differences mean anything."""
    return time.monotonic()


def cpu_s() -> float:
    """Seconds that this process's threads have spent on processors, added up; only differences mean anything."""
    return time.process_time()


def disagreement(over_s: float) -> float | None:
    """By which share the clock that times and the hardware's own, which nobody sets, differ over that many seconds.

    None where the system shows no such clock.
    """
    if not hasattr(time, "CLOCK_MONOTONIC_RAW"):
        return None
    timing_s, raw_s = time.perf_counter(), time.clock_gettime(time.CLOCK_MONOTONIC_RAW)
    time.sleep(over_s)
    timing_s, raw_s = time.perf_counter() - timing_s, time.clock_gettime(time.CLOCK_MONOTONIC_RAW) - raw_s
    return abs(timing_s / raw_s - 1)


def since_1970_s() -> float:
    """Seconds since 1970, which all processes count alike."""
    return time.time()


def now() -> str:
    """The present in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
