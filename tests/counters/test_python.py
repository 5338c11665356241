"""Counters of the interpreter: they count what a call does, as often as it does it, and leave nothing behind."""

import dis
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import pytest

from speedproof.counters.python import (
    OPERATIONS,
    function_calls,
    instructions_of_python,
    operations_of_own_types,
    why_not_python,
)
from speedproof.counters.tally import Counter, work
from speedproof.errors import BadInput

COUNTERS: tuple[Counter, ...] = (function_calls, operations_of_own_types, instructions_of_python)
MONITORED = sys.version_info >= (3, 12)
each_counter = pytest.mark.parametrize("counter", COUNTERS, ids=lambda counter: counter.__name__)


class Coin:
    """A type of one's own, whose operators are written in Python."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __lt__(self, other: "Coin") -> bool:
        return self.value < other.value

    def __add__(self, other: "Coin") -> "Coin":
        return Coin(self.value + other.value)


@dataclass(order=True)
class Made:
    value: int


def half(n: int) -> int:
    return n // 2


def halves(n: int) -> list[int]:
    found: list[int] = []
    for i in range(n):
        found.append(half(i))
    return found


def add_up(n: int) -> int:
    total = 0
    for i in range(n):
        total += i
    return total


def smallest(coins: list[Any]) -> Any:
    least = coins[0]
    for coin in coins[1:]:
        if coin < least:
            least = coin
    return least


def fails(n: int) -> None:
    halves(n)
    raise LookupError("as it should")


def tree(n: int) -> int:
    return 1 if n < 1 else tree(n - 1) + tree(n - 1)


def counted(counter: Counter, twin: Callable[..., Any], **inputs: Any) -> int:
    return work([counter], twin, inputs).counts[counter.__name__]


def installed() -> tuple[Any, ...]:
    """Who watches the interpreter."""
    found: list[Any] = [sys.getprofile(), sys.gettrace()]
    if sys.version_info >= (3, 12):
        found += [sys.monitoring.get_tool(number) for number in range(6)]
        found += [sys.monitoring.get_events(number) for number in range(6) if sys.monitoring.get_tool(number)]
    return tuple(found)


def test_functions_are_counted_by_name_and_the_call_itself_is_not() -> None:
    done = work([function_calls], halves, {"n": 7})
    assert done.tables["function_calls"] == {f"{__name__}.half": 7, "list.append": 7}
    assert done.counts == {"function_calls": 14}
    assert counted(function_calls, half, n=7) == 0


def test_a_call_by_itself_counts_from_the_second_on() -> None:
    assert [counted(function_calls, tree, n=n) for n in (0, 1, 2, 3)] == [0, 2, 6, 14]


def test_functions_that_compiled_code_calls_are_counted_and_what_it_does_itself_is_not() -> None:
    def by_key(n: int) -> list[int]:
        return sorted(range(n), key=half)

    def by_nothing(n: int) -> list[int]:
        return sorted(range(n))

    assert counted(function_calls, by_key, n=9) == 1 + 9
    assert counted(function_calls, by_nothing, n=9) == 1


def test_each_time_that_a_generator_goes_on_counts() -> None:
    def numbers(n: int) -> Iterator[int]:
        yield from range(n)

    def exhaust(n: int) -> None:
        for _ in numbers(n):
            pass

    assert counted(function_calls, exhaust, n=5) == 5 + 1


def test_operators_of_own_types_are_counted_and_those_of_compiled_types_are_not() -> None:
    coins = [Coin(i) for i in range(10)]
    assert work([operations_of_own_types], smallest, {"coins": coins}).tables == {
        "operations_of_own_types": {"__lt__": 9}
    }
    assert counted(operations_of_own_types, smallest, coins=[Made(i) for i in range(10)]) == 9
    assert counted(operations_of_own_types, smallest, coins=list(range(10))) == 0


def test_a_sum_of_own_types_adds_and_a_method_of_another_name_is_no_operator() -> None:
    def total(coins: list[Coin]) -> Coin:
        return sum(coins, Coin(0))

    assert counted(operations_of_own_types, total, coins=[Coin(1)] * 6) == 6
    assert {"__lt__", "__radd__", "__imatmul__", "__neg__"} <= OPERATIONS and "__init__" not in OPERATIONS


def length_of_loop(function: Any) -> int:
    """Instructions that one turn of a function's only loop runs, as the disassembler shows them."""
    shown = list(dis.get_instructions(function))
    start = next(i for i, one in enumerate(shown) if one.opname == "FOR_ITER")
    end = next(i for i, one in enumerate(shown) if one.opname == "JUMP_BACKWARD")
    return end - start + 1


def test_instructions_are_those_that_the_disassembler_shows() -> None:
    ten, eleven, thirty = (counted(instructions_of_python, add_up, n=n) for n in (10, 11, 30))
    assert eleven - ten == length_of_loop(add_up)
    assert thirty - ten == 20 * length_of_loop(add_up)
    assert length_of_loop(halves) > length_of_loop(add_up)


@each_counter
def test_twice_the_work_is_twice_the_count(counter: Counter) -> None:
    def run(coins: list[Coin], times: int) -> None:
        for _ in range(times):
            smallest(coins)

    coins = [Coin(i) for i in range(5)]
    none, once, twice = (counted(counter, run, coins=coins, times=times) for times in (0, 1, 2))
    assert twice - none == 2 * (once - none) > 0


@each_counter
def test_code_that_has_run_often_counts_as_at_first(counter: Counter) -> None:
    """The interpreter specialises the instructions of what runs often."""
    coins = [Coin(i) for i in range(9)]
    first = counted(counter, smallest, coins=coins)
    for _ in range(500):
        smallest(coins)
    assert counted(counter, smallest, coins=coins) == first > 0


@each_counter
def test_other_counters_change_no_count(counter: Counter) -> None:
    together = work(COUNTERS, smallest, {"coins": [Coin(i) for i in range(9)]})
    assert together.counts[counter.__name__] == counted(counter, smallest, coins=[Coin(i) for i in range(9)])


@each_counter
def test_another_thread_is_not_counted(counter: Counter) -> None:
    over = threading.Event()

    def busy() -> None:
        while not over.is_set():
            smallest([Coin(i) for i in range(9)])

    coins = [Coin(i) for i in range(200)]
    quiet = counted(counter, smallest, coins=coins)
    thread = threading.Thread(target=busy)
    thread.start()
    try:
        assert {counted(counter, smallest, coins=coins) for _ in range(5)} == {quiet}
    finally:
        over.set()
        thread.join()


@each_counter
def test_nothing_is_left_installed_also_after_an_error(counter: Counter) -> None:
    before = installed()
    counted(counter, halves, n=3)
    assert installed() == before
    with pytest.raises(LookupError, match="as it should"):
        counted(counter, fails, n=3)
    assert installed() == before


def test_something_that_is_left_installed_would_be_seen() -> None:
    before = sys.getprofile()
    sys.setprofile(lambda *event: None)
    try:
        assert installed()[0] is not before
    finally:
        sys.setprofile(before)


@each_counter
def test_a_profiler_and_a_tracer_of_somebody_else_are_put_back(counter: Counter) -> None:
    def profiler(*event: Any) -> None: ...

    def tracer(*event: Any) -> None: ...

    before = sys.getprofile(), sys.gettrace()
    quiet = counted(counter, halves, n=3)
    sys.setprofile(profiler)
    sys.settrace(tracer)
    try:
        n_counted = counted(counter, halves, n=3)
        found = sys.getprofile(), sys.gettrace()
    finally:
        sys.setprofile(before[0])
        sys.settrace(before[1])
    assert found == (profiler, tracer)
    assert n_counted == quiet


@pytest.mark.parametrize("name", ["profile", "trace"])
def test_a_function_that_sends_the_counter_away_is_an_error_and_not_a_low_count(name: str) -> None:
    def rude() -> None:
        getattr(sys, f"set{name}")(None if not MONITORED else lambda *event: None)
        halves(5)

    before, place = installed(), getattr(sys, f"set{name}")
    if MONITORED and name == "profile":
        # A profiler does not disturb sys.monitoring.
        assert counted(function_calls, rude) > 10
        place(None)
    else:
        with pytest.raises(RuntimeError, match=f"called sys.set{name}"):
            counted(function_calls if name == "profile" else instructions_of_python, rude)
    assert installed() == before


@each_counter
def test_who_watched_the_interpreter_before_changes_no_count(counter: Counter) -> None:
    def watcher(*event: Any) -> Any:
        return watcher

    quiet = counted(counter, smallest, coins=[Coin(i) for i in range(9)])
    places: list[tuple[Any, Any]] = [(sys.setprofile, sys.getprofile()), (sys.settrace, sys.gettrace())]
    for watch, other in places:
        for _ in range(3):
            watch(watcher)
            smallest([Coin(i) for i in range(9)])
            watch(other)
            assert work(COUNTERS, smallest, {"coins": [Coin(i) for i in range(9)]}).counts[counter.__name__] == quiet
            assert counted(counter, smallest, coins=[Coin(i) for i in range(9)]) == quiet


@pytest.mark.skipif(not MONITORED, reason="needs sys.monitoring")
def test_beside_a_tool_that_watches_lines_calls_are_counted_right_and_instructions_are_refused() -> None:
    monitoring: Any = vars(sys)["monitoring"]
    quiet, line = counted(function_calls, halves, n=3), monitoring.events.LINE
    monitoring.use_tool_id(1, "watcher")
    try:
        monitoring.register_callback(1, line, lambda *event: monitoring.DISABLE)
        monitoring.set_events(1, line)
        assert counted(function_calls, halves, n=3) == quiet
        with pytest.raises(BadInput, match="while watcher uses"):
            counted(instructions_of_python, halves, n=3)
    finally:
        monitoring.set_events(1, 0)
        monitoring.free_tool_id(1)
    assert counted(instructions_of_python, halves, n=3) > quiet


@pytest.mark.skipif(MONITORED, reason="counted by sys.monitoring, beside any profiler")
def test_a_profiler_that_cannot_be_put_back_is_not_sent_away() -> None:
    from cProfile import Profile

    before: Any = sys.getprofile()
    profiler: Any = Profile()
    profiler.enable()
    try:
        with pytest.raises(BadInput, match="cannot be put back"):
            counted(function_calls, halves, n=3)
        left: Any = sys.getprofile()
        assert left is profiler
    finally:
        profiler.disable()
        sys.setprofile(before)


@pytest.mark.skipif(not MONITORED, reason="needs sys.monitoring")
def test_both_ways_to_see_calls_count_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    from speedproof.counters.hooks import ProfiledCalls

    monitored = work([function_calls], halves, {"n": 5})
    monkeypatch.setattr("speedproof.counters.python.CALLS", ProfiledCalls())
    assert work([function_calls], halves, {"n": 5}) == monitored


def test_a_function_is_counted_whatever_it_is_wrapped_in() -> None:
    class Callable_:
        def __call__(self, n: int) -> list[int]:
            return halves(n)

        def method(self, n: int) -> list[int]:
            return halves(n)

    assert counted(function_calls, partial(halves, n=4)) == counted(function_calls, partial(partial(halves), n=4)) == 8
    assert counted(function_calls, Callable_(), n=4) == counted(function_calls, Callable_().method, n=4) == 9
    assert counted(function_calls, lru_cache(halves), n=4) == 8


def test_what_would_not_be_seen_is_said_and_not_counted_as_nothing() -> None:
    def later(n: int) -> Iterator[int]:
        yield half(n)

    assert why_not_python(halves) == why_not_python(lru_cache(halves)) == ""
    assert why_not_python(len).startswith("len does not begin with Python code")
    assert why_not_python(Coin).startswith("Coin does not begin")
    assert "only makes a generator" in why_not_python(later)
    for counter in COUNTERS:
        with pytest.raises(BadInput, match="leave this counter out"):
            counted(counter, len, obj=[])
