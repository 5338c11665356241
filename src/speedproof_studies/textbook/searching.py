"""Searches: by halves, by hash, and over runs of a list, in plain Python."""

from bisect import bisect_left, bisect_right
from collections import deque
from random import Random
from typing import Any

from speedproof_studies.textbook.entry import Entry, right, wrong


def sorted_and_wanted(size: int, rng: Random) -> dict[str, Any]:
    """A sorted list with repeats, and a value in it."""
    values = sorted(rng.randrange(size + 3) for _ in range(max(size, 1)))
    return {"values": values, "wanted": rng.choice(values)}


def first_at_least(values: list[int], wanted: int) -> int:
    """Where the first value not below the wanted one is."""
    return next(place for place, value in enumerate(values) if value >= wanted)


def first_by_bisection(values: list[int], wanted: int) -> int:
    return bisect_left(values, wanted)


def first_by_right_bisection(values: list[int], wanted: int) -> int:
    return bisect_right(values, wanted)


def values_and_target(size: int, rng: Random) -> dict[str, Any]:
    """Whole numbers, and a sum that some pairs have."""
    return {"values": [rng.randrange(1000, 1000 + size + 1) for _ in range(size)], "target": 2000 + size}


def pairs_with_sum(values: list[int], target: int) -> int:
    """How many pairs add up to the target."""
    return sum(a + b == target for i, a in enumerate(values) for b in values[:i])


def pairs_by_counts(values: list[int], target: int) -> int:
    seen: dict[int, int] = {}
    pairs = 0
    for value in values:
        pairs += seen.get(target - value, 0)
        seen[value] = seen.get(value, 0) + 1
    return pairs


def pairs_by_set(values: list[int], target: int) -> int:
    kept = set(values)
    return sum(target - value in kept for value in values) // 2


def values_and_width(size: int, rng: Random) -> dict[str, Any]:
    """Whole numbers, and the width of a window over them."""
    n = max(size, 1)
    return {"values": [rng.randrange(-50, 50) for _ in range(n)], "width": rng.randint(1, min(n, 9))}


def window_maxima(values: list[int], width: int) -> list[int]:
    return [max(values[start : start + width]) for start in range(len(values) - width + 1)]


def window_maxima_by_deque(values: list[int], width: int) -> list[int]:
    falling: deque[int] = deque()
    maxima = []
    for place, value in enumerate(values):
        while falling and values[falling[-1]] <= value:
            falling.pop()
        falling.append(place)
        if falling[0] <= place - width:
            falling.popleft()
        if place >= width - 1:
            maxima.append(values[falling[0]])
    return maxima


def window_maxima_one_short(values: list[int], width: int) -> list[int]:
    return [max(values[start : start + width]) for start in range(len(values) - width)]


def changes(size: int, rng: Random) -> dict[str, Any]:
    """Gains and losses."""
    return {"values": [rng.randrange(-20, 20) for _ in range(max(size, 1))]}


def losses(size: int, rng: Random) -> dict[str, Any]:
    """Losses only."""
    return {"values": [-rng.randrange(1, 40) for _ in range(max(size, 1))]}


def best_run(values: list[int]) -> int:
    """Largest sum of neighbouring values, at least one of them."""
    best = values[0]
    for start in range(len(values)):
        total = 0
        for value in values[start:]:
            total += value
            best = max(best, total)
    return best


def best_run_in_one_pass(values: list[int]) -> int:
    best = ending = values[0]
    for value in values[1:]:
        ending = max(ending + value, value)
        best = max(best, ending)
    return best


def best_run_from_zero(values: list[int]) -> int:
    best = ending = 0
    for value in values:
        ending = max(ending + value, 0)
        best = max(best, ending)
    return best


def longest_rise(values: list[int]) -> int:
    """Length of the longest strictly rising subsequence."""
    lengths: list[int] = []
    for place, value in enumerate(values):
        lengths.append(1 + max((lengths[i] for i in range(place) if values[i] < value), default=0))
    return max(lengths)


def longest_rise_by_bisection(values: list[int]) -> int:
    tails: list[int] = []
    for value in values:
        place = bisect_left(tails, value)
        tails[place : place + 1] = [value]
    return len(tails)


def longest_rise_with_level(values: list[int]) -> int:
    tails: list[int] = []
    for value in values:
        place = bisect_right(tails, value)
        tails[place : place + 1] = [value]
    return len(tails)


ENTRIES: tuple[Entry, ...] = (
    right(first_at_least, first_by_bisection, sorted_and_wanted, "Halving a sorted list finds the same first place."),
    wrong(first_at_least, first_by_right_bisection, sorted_and_wanted, "It finds the place after the equal values."),
    right(pairs_with_sum, pairs_by_counts, values_and_target, "Each value meets as many partners as came before it."),
    wrong(pairs_with_sum, pairs_by_set, values_and_target, "A set drops repeats, and a value is its own partner."),
    right(window_maxima, window_maxima_by_deque, values_and_width, "A falling queue holds each window's largest."),
    wrong(window_maxima, window_maxima_one_short, values_and_width, "The last window is left out."),
    right(best_run, best_run_in_one_pass, changes, "The best run is the best of those that end at each place."),
    wrong(best_run, best_run_from_zero, losses, "An empty run of sum 0 beats a list of losses."),
    right(longest_rise, longest_rise_by_bisection, changes, "The smallest last value of each length is enough."),
    wrong(longest_rise, longest_rise_with_level, changes, "Equal neighbours count as a rise."),
)
