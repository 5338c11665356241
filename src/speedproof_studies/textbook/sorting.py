"""Orders: ties, ranks and merges, in plain Python."""

import heapq
from bisect import bisect_left, insort
from itertools import pairwise
from random import Random
from typing import Any

from speedproof_studies.textbook.entry import Entry, right, wrong

Record = tuple[str, int]


def scored(size: int, rng: Random) -> dict[str, Any]:
    """Records with many equal scores, and how many of them are wanted."""
    names = [f"item{rng.randrange(10_000)}" for _ in range(size)]
    return {"records": [(name, rng.randrange(size // 8 + 2)) for name in names], "count": (size + 1) // 2}


def top(records: list[Record], count: int) -> list[Record]:
    return sorted(records, key=lambda record: record[1], reverse=True)[:count]


def top_by_heap(records: list[Record], count: int) -> list[Record]:
    return heapq.nlargest(count, records, key=lambda record: record[1])


def top_by_pairs(records: list[Record], count: int) -> list[Record]:
    pairs = heapq.nlargest(count, ((score, name) for name, score in records))
    return [(name, score) for score, name in pairs]


def top_by_reversing(records: list[Record], count: int) -> list[Record]:
    return sorted(records, key=lambda record: record[1])[::-1][:count]


def some_values(size: int, rng: Random) -> dict[str, Any]:
    """Whole numbers in any order, some of them twice."""
    return {"values": [rng.randrange(-size - 1, size + 2) for _ in range(size)]}


def ranks(values: list[int]) -> list[int]:
    """How many values are smaller, for each."""
    return [sum(other < value for other in values) for value in values]


def ranks_by_bisection(values: list[int]) -> list[int]:
    ordered = sorted(values)
    return [bisect_left(ordered, value) for value in values]


def ranks_by_position(values: list[int]) -> list[int]:
    position = {value: place for place, value in enumerate(sorted(values))}
    return [position[value] for value in values]


def smallest_gap(values: list[int]) -> int | None:
    """Distance of the two nearest values."""
    gaps = [abs(a - b) for i, a in enumerate(values) for b in values[:i]]
    return min(gaps) if gaps else None


def smallest_gap_when_sorted(values: list[int]) -> int | None:
    ordered = sorted(values)
    return min((b - a for a, b in pairwise(ordered)), default=None)


def smallest_gap_in_place(values: list[int]) -> int | None:
    values.sort()
    return min((b - a for a, b in pairwise(values)), default=None)


def running_medians(values: list[int]) -> list[int]:
    """The lower median of each beginning."""
    return [sorted(values[:end])[(end - 1) // 2] for end in range(1, len(values) + 1)]


def running_medians_by_insertion(values: list[int]) -> list[int]:
    ordered: list[int] = []
    medians = []
    for value in values:
        insort(ordered, value)
        medians.append(ordered[(len(ordered) - 1) // 2])
    return medians


def two_sorted(size: int, rng: Random) -> dict[str, Any]:
    """Two sorted lists, not of one length."""
    return {name: sorted(rng.randrange(1000) for _ in range(n)) for name, n in (("left", size), ("right", size + 2))}


def merged(left: list[int], right: list[int]) -> list[int]:
    return sorted([*left, *right])


def merged_by_two_pointers(left: list[int], right: list[int]) -> list[int]:
    result, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        if left[i] <= right[j]:
            result.append(left[i])
            i += 1
        else:
            result.append(right[j])
            j += 1
    return result + left[i:] + right[j:]


def merged_without_rest(left: list[int], right: list[int]) -> list[int]:
    result, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        if left[i] <= right[j]:
            result.append(left[i])
            i += 1
        else:
            result.append(right[j])
            j += 1
    return result


ENTRIES: tuple[Entry, ...] = (
    right(top, top_by_heap, scored, "A heap's largest keep the order of ties, as a stable sort does."),
    wrong(top, top_by_pairs, scored, "Ties are broken by name, where the first comes first."),
    wrong(top, top_by_reversing, scored, "Reversing after the sort reverses the ties too."),
    right(ranks, ranks_by_bisection, some_values, "The place of the first equal value is the number of smaller ones."),
    wrong(ranks, ranks_by_position, some_values, "Of equal values the last place wins, not the first."),
    right(smallest_gap, smallest_gap_when_sorted, some_values, "The nearest two are neighbours once sorted."),
    wrong(smallest_gap, smallest_gap_in_place, some_values, "The caller's list is sorted."),
    right(running_medians, running_medians_by_insertion, some_values, "A list kept sorted holds the same order."),
    right(merged, merged_by_two_pointers, two_sorted, "Two sorted lists are merged in one pass, rests included."),
    wrong(merged, merged_without_rest, two_sorted, "What is left of the longer list is lost."),
)
