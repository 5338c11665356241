"""Where the time does not do for all that one would ask, what is left out is told, and the verdict stands."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from speedproof.own import trials

from .asked import asked, refused

Rows = list[list[float]]


class Clock:
    """Goes by so many seconds at each call of a function."""

    def __init__(self, s_a_call: float) -> None:
        self.now_s, self.s_a_call = 0.0, s_a_call

    def slow(self, rows: Rows) -> list[float]:
        """Sums of rows, at each call of which it goes on."""
        self.now_s += self.s_a_call
        return totals(rows)


def totals(rows: Rows) -> list[float]:
    return [sum(row) for row in rows]


def totals_of_few_rows(rows: Rows) -> list[float]:
    return [sum(row) for row in rows[:3]]


def rows_of_numbers(size: int, rng: random.Random) -> dict[str, Any]:
    return {"rows": [[rng.random() for _ in range(3)] for _ in range(size)]}


def left_out(clock: Clock, candidate: Callable[[Rows], list[float]] = totals, **options: Any) -> str:
    return "; ".join(asked(clock.slow, candidate, rows_of_numbers, **options).certificate.untried)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock(0.0)
    monkeypatch.setattr(trials, "monotonic_s", lambda: found.now_s)
    return found


def test_where_there_is_time_nothing_is_left_out(clock: Clock) -> None:
    assert "time did not do" not in left_out(clock)


def test_draws_of_a_size_and_larger_sizes_are_left_out_and_not_without_a_word(clock: Clock) -> None:
    clock.s_a_call = 8.0
    told = left_out(clock)
    assert "all but 3 draws of size 1, for which the time did not do (--budget-s is 60)" in told
    assert "size 30, for which the time did not do" in told


def test_whole_trials_are_left_out_where_nearly_all_of_the_time_is_gone(clock: Clock) -> None:
    clock.s_a_call = 8.0
    *_, last = left_out(clock).split("; ")
    assert last == "all trials from 'not contiguous' on, for which the time did not do (--budget-s is 60)"


def test_a_wrong_answer_is_refused_all_the_same(clock: Clock) -> None:
    clock.s_a_call = 20.0
    assert refused(clock.slow, totals_of_few_rows, rows_of_numbers, sizes=(5, 30)).rule == "shape"
