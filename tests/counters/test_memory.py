"""Counters of memory: they count what a call takes and keeps, whatever the process did before."""

import gc
import statistics
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from speedproof.counters.memory import kept_bytes, peak_bytes
from speedproof.counters.tally import Counter, count

BOTH: tuple[Counter, ...] = (peak_bytes, kept_bytes)
each_counter = pytest.mark.parametrize("counter", BOTH, ids=lambda counter: counter.__name__)

KEPT: list[Any] = []


def nothing(n: int) -> None: ...


def takes(n: int) -> int:
    return len(bytearray(n))


def takes_twice(n: int) -> int:
    one = bytearray(n)
    return len(one) + len(bytearray(n))


def takes_one_after_the_other(n: int) -> int:
    return len(bytearray(n)) + len(bytearray(n))


def keeps(n: int) -> None:
    KEPT.append(bytearray(n))


def floats(n: int) -> list[float]:
    return [float(i) for i in range(n)]


def counted(counter: Counter, twin: Callable[..., Any], n: int) -> int:
    """The number that most calls after the first have: the first may keep something, and now and then another thread
    of the process, such as the one by which a test runner hears of its workers, takes memory during a call."""
    KEPT.clear()
    KEPT.extend([None] * 100)
    twin(n)
    return statistics.mode(count([counter], twin, {"n": n})[counter.__name__] for _ in range(5))


def test_the_peak_is_what_is_there_at_once() -> None:
    one, two = counted(peak_bytes, takes, 100_000), counted(peak_bytes, takes, 200_000)
    assert two - one == 100_000
    assert counted(peak_bytes, takes_twice, 100_000) - one == pytest.approx(100_000, abs=200)
    assert counted(peak_bytes, takes_one_after_the_other, 100_000) - one == pytest.approx(0, abs=200)


def test_what_is_kept_is_what_is_there_afterwards() -> None:
    assert counted(kept_bytes, keeps, 50_000) - counted(kept_bytes, keeps, 20_000) == 30_000
    assert counted(kept_bytes, takes, 50_000) == counted(kept_bytes, nothing, 1) < 2_000


def test_the_data_of_arrays_is_seen() -> None:
    def ones(n: int) -> float:
        return float(np.ones(n).sum())

    assert counted(peak_bytes, ones, 20_000) - counted(peak_bytes, ones, 10_000) == 10_000 * 8


def test_garbage_in_cycles_counts_to_the_peak_and_is_not_kept() -> None:
    def cycles(n: int) -> None:
        for _ in range(n):
            ring: list[Any] = [bytearray(1_000)]
            ring.append(ring)

    assert counted(peak_bytes, cycles, 1_000) > 1_000 * 1_000
    assert counted(kept_bytes, cycles, 1_000) < 2_000


@each_counter
def test_what_the_process_did_before_changes_nothing(counter: Counter) -> None:
    """The interpreter keeps objects for reuse, which would be taken without being seen."""
    quiet = counted(counter, floats, 500)
    kept = [[float(i), (i,), {"i": i}] for i in range(20_000)]
    del kept[::2]
    assert counted(counter, floats, 500) == quiet == counted(counter, floats, 500)


def test_without_the_collection_before_it_would() -> None:
    """Shows that the test above can fail."""

    def peak() -> int:
        gc.disable()
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        floats(500)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        gc.enable()
        return peak - before

    gc.collect()
    quiet = peak()
    numbers = [float(i) for i in range(20_000)]
    del numbers
    assert peak() < quiet


@each_counter
@pytest.mark.parametrize("enabled", [True, False])
def test_nothing_is_left_changed_also_after_an_error(counter: Counter, enabled: bool) -> None:
    def fails(n: int) -> None:
        raise LookupError("as it should")

    was_enabled = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        counted(counter, takes, 10)
        assert not tracemalloc.is_tracing() and gc.isenabled() == enabled
        with pytest.raises(LookupError, match="as it should"):
            count([counter], fails, {"n": 1})
        assert not tracemalloc.is_tracing() and gc.isenabled() == enabled
    finally:
        (gc.enable if was_enabled else gc.disable)()


@each_counter
def test_who_traced_before_goes_on_with_it(counter: Counter) -> None:
    quiet = counted(counter, takes, 10_000)
    tracemalloc.start(3)
    try:
        held = bytearray(7_000)
        # What earlier tests left behind is no call's.
        gc.collect()
        assert counted(counter, takes, 10_000) == pytest.approx(quiet, abs=500)
        assert tracemalloc.is_tracing() and tracemalloc.get_traceback_limit() == 3
        assert tracemalloc.get_object_traceback(held) is not None
    finally:
        tracemalloc.stop()
