"""Looking up, leaving out and cutting up: which one wins, and what comes of what is not there."""

from itertools import islice
from random import Random
from typing import Any

from speedproof_studies.textbook.entry import Entry, right, wrong


def some_keys(size: int, rng: Random) -> dict[str, Any]:
    """Keys, some of them twice."""
    return {"keys": [f"k{rng.randrange(size // 2 + 1)}" for _ in range(size)]}


def first_places(keys: list[str]) -> dict[str, int]:
    """Where each key comes first."""
    places: dict[str, int] = {}
    for key in keys:
        if key not in places:
            places[key] = keys.index(key)
    return places


def first_places_by_default(keys: list[str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, place)
    return places


def last_places(keys: list[str]) -> dict[str, int]:
    return {key: place for place, key in enumerate(keys)}


def first_places_from_the_end(keys: list[str]) -> dict[str, int]:
    return {key: place for place, key in reversed(list(enumerate(keys)))}


def names_and_prices(size: int, rng: Random) -> dict[str, Any]:
    """Names to look up; of an even number of names, the last is not in the list of prices."""
    prices = {f"item{i}": rng.randrange(1, 100) for i in range(size + 1)}
    names = rng.choices(list(prices), k=size)
    return {"names": names if size % 2 else [*names, "unknown"], "prices": prices}


def prices_of(names: list[str], prices: dict[str, int]) -> list[int]:
    """Prices; a name that has none is a `KeyError`."""
    found = []
    for name in names:
        if name not in prices:
            raise KeyError(name)
        found.append(prices[name])
    return found


def prices_by_mapping(names: list[str], prices: dict[str, int]) -> list[int]:
    return list(map(prices.__getitem__, names))


def prices_or_zero(names: list[str], prices: dict[str, int]) -> list[int]:
    return [prices.get(name, 0) for name in names]


def prices_by_assertion(names: list[str], prices: dict[str, int]) -> list[int]:
    assert all(name in prices for name in names)
    return [prices[name] for name in names]


def some_counts(size: int, rng: Random) -> dict[str, Any]:
    """Counts, a third of them zero."""
    return {"counts": [1000 * rng.randrange(3) for _ in range(size)]}


def without_zeros(counts: list[int]) -> list[int]:
    kept = []
    for count in counts:
        if count != 0:
            kept.append(count)
    return kept


def without_zeros_by_filter(counts: list[int]) -> list[int]:
    return list(filter(None, counts))


def without_zeros_while_walking(counts: list[int]) -> list[int]:
    kept = list(counts)
    for count in kept:
        if count == 0:
            kept.remove(count)
    return kept


def without_first_zero(counts: list[int]) -> list[int]:
    kept = list(counts)
    if 0 in kept:
        kept.remove(0)
    return kept


def largest(counts: list[int]) -> int:
    """The largest count; of none, a `ValueError`."""
    return max(counts)


def largest_of_sorted(counts: list[int]) -> int:
    if not counts:
        raise ValueError("of no counts, none is the largest")
    return sorted(counts)[-1]


def largest_or_zero(counts: list[int]) -> int:
    return max(counts, default=0)


def largest_by_place(counts: list[int]) -> int:
    return sorted(counts)[-1]


def same_as_next(counts: list[int]) -> list[bool]:
    """Whether each count equals the one two places on."""
    return [a == b for a, b in zip(counts, counts[2:], strict=False)]


def same_object_as_next(counts: list[int]) -> list[bool]:
    return [a is b for a, b in zip(counts, counts[2:], strict=False)]


def chunks(counts: list[int]) -> list[list[int]]:
    """Sevens, and what is left."""
    return [counts[start : start + 7] for start in range(0, len(counts), 7)]


def chunks_by_iterator(counts: list[int]) -> list[list[int]]:
    rest = iter(counts)
    return list(iter(lambda: list(islice(rest, 7)), []))


def whole_chunks(counts: list[int]) -> list[list[int]]:
    return [list(chunk) for chunk in zip(*[iter(counts)] * 7, strict=False)]


def running_best(counts: list[int]) -> list[int]:
    """Largest count so far, at each place."""
    return [max(counts[: end + 1]) for end in range(len(counts))]


def running_best_in_one_pass(counts: list[int]) -> list[int]:
    best: list[int] = []
    for count in counts:
        best.append(max(best[-1], count) if best else count)
    return best


def running_best_until_fall(counts: list[int]) -> list[int]:
    best: list[int] = []
    for count in counts:
        if best and count < best[-1]:
            break
        best.append(count)
    return best


ENTRIES: tuple[Entry, ...] = (
    right(first_places, first_places_by_default, some_keys, "`setdefault` leaves what is there."),
    wrong(first_places, last_places, some_keys, "The last place wins, where the first one should."),
    wrong(
        first_places, first_places_from_the_end, some_keys, "The places are right, but the keys come in another order."
    ),
    right(prices_of, prices_by_mapping, names_and_prices, "The lookup itself raises `KeyError`."),
    wrong(prices_of, prices_or_zero, names_and_prices, "An unknown name costs nothing, where it was an error."),
    wrong(
        prices_of,
        prices_by_assertion,
        names_and_prices,
        "An unknown name is an `AssertionError`, where callers await `KeyError`.",
    ),
    right(without_zeros, without_zeros_by_filter, some_counts, "Zero is the only count that is false."),
    wrong(
        without_zeros, without_zeros_while_walking, some_counts, "A list that shrinks while it is walked skips items."
    ),
    wrong(without_zeros, without_first_zero, some_counts, "`remove` takes away the first one only."),
    right(
        largest, largest_of_sorted, some_counts, "The last of the sorted is the largest, and none is a `ValueError`."
    ),
    wrong(largest, largest_or_zero, some_counts, "An empty list has a largest count of 0, where it was an error."),
    wrong(largest, largest_by_place, some_counts, "An empty list is an `IndexError`, where it was a `ValueError`."),
    wrong(same_as_next, same_object_as_next, some_counts, "`is` asks for one object where `==` asks for one value."),
    right(chunks, chunks_by_iterator, some_counts, "Sevens are taken until nothing is left, the last one shorter."),
    wrong(chunks, whole_chunks, some_counts, "The last chunk is lost unless it is whole."),
    right(
        running_best,
        running_best_in_one_pass,
        some_counts,
        "The largest so far is the larger of the last one and this.",
    ),
    wrong(running_best, running_best_until_fall, some_counts, "It stops at the first count that is smaller."),
)
