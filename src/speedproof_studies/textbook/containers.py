"""Lists, sets and dictionaries: what is kept, what is dropped, and in which order."""

from collections import Counter
from itertools import accumulate, chain, groupby
from random import Random
from typing import Any

from speedproof_studies.textbook.entry import Entry, right, wrong


def two_lists(size: int, rng: Random) -> dict[str, Any]:
    """Two lists of words, with repeats in both."""
    known = [f"word{rng.randrange(1000)}" for _ in range(size // 3 + 2)]
    return {"left": rng.choices(known, k=size), "right": rng.choices(known, k=size // 2)}


def distinct(left: list[str], right: list[str]) -> list[str]:
    """The words of both lists, each where it comes first."""
    seen: list[str] = []
    for word in [*left, *right]:
        if word not in seen:
            seen.append(word)
    return seen


def distinct_by_keys(left: list[str], right: list[str]) -> list[str]:
    return list(dict.fromkeys(chain(left, right)))


def distinct_by_set(left: list[str], right: list[str]) -> list[str]:
    return list({*left, *right})


def shared(left: list[str], right: list[str]) -> list[str]:
    """What both lists have, as often as both have it, in the order of the left one."""
    rest = list(right)
    kept = []
    for word in left:
        if word in rest:
            rest.remove(word)
            kept.append(word)
    return kept


def shared_by_counts(left: list[str], right: list[str]) -> list[str]:
    rest = Counter(right)
    kept = []
    for word in left:
        if rest[word] > 0:
            rest[word] -= 1
            kept.append(word)
    return kept


def shared_by_set(left: list[str], right: list[str]) -> list[str]:
    known = set(right)
    return [word for word in left if word in known]


def missing(left: list[str], right: list[str]) -> list[str]:
    return [word for word in left if word not in right]


def missing_by_set(left: list[str], right: list[str]) -> list[str]:
    known = set(right)
    return [word for word in left if word not in known]


def missing_by_difference(left: list[str], right: list[str]) -> list[str]:
    return sorted(set(left) - set(right))


def mixed_values(size: int, rng: Random) -> dict[str, Any]:
    """Settings as a file has them: 1, 1.0 and true are three of them."""
    return {"values": [rng.choice([0, 1, True, False, 1.0, 2, "1"]) for _ in range(size)]}


def distinct_settings(values: list[Any]) -> list[Any]:
    """Each value once; values of two types are two values."""
    kept: list[Any] = []
    for value in values:
        if not any(type(value) is type(other) and value == other for other in kept):
            kept.append(value)
    return kept


def distinct_settings_by_type(values: list[Any]) -> list[Any]:
    return list({(type(value), value): value for value in reversed(values)}.values())[::-1]


def distinct_settings_by_pairs(values: list[Any]) -> list[Any]:
    return [value for _, value in dict.fromkeys((type(value), value) for value in values)]


def distinct_settings_by_keys(values: list[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


def some_rows(size: int, rng: Random) -> dict[str, Any]:
    """Rows of one length."""
    width = rng.randint(1, 4)
    return {"rows": [[rng.randrange(5) for _ in range(width)] for _ in range(max(size, 1))]}


def flat(rows: list[list[int]]) -> list[int]:
    values: list[int] = []
    for row in rows:
        values = values + row
    return values


def flat_by_chain(rows: list[list[int]]) -> list[int]:
    return list(chain.from_iterable(rows))


def flat_as_iterator(rows: list[list[int]]) -> Any:
    return chain.from_iterable(rows)


def columns(rows: list[list[int]]) -> list[list[int]]:
    return [[row[place] for row in rows] for place in range(len(rows[0]))]


def columns_by_zip(rows: list[list[int]]) -> list[list[int]]:
    return [list(column) for column in zip(*rows, strict=True)]


def columns_as_tuples(rows: list[list[int]]) -> Any:
    return list(zip(*rows, strict=True))


def running_totals(rows: list[list[int]]) -> list[int]:
    """Sum of the first values, up to each row."""
    return [sum(row[0] for row in rows[: end + 1]) for end in range(len(rows))]


def running_totals_in_one_pass(rows: list[list[int]]) -> list[int]:
    return list(accumulate(row[0] for row in rows))


def by_first(rows: list[list[int]]) -> dict[int, list[list[int]]]:
    """Rows by their first value."""
    firsts: list[int] = []
    for row in rows:
        if row[0] not in firsts:
            firsts.append(row[0])
    return {first: [row for row in rows if row[0] == first] for first in firsts}


def by_first_in_one_pass(rows: list[list[int]]) -> dict[int, list[list[int]]]:
    groups: dict[int, list[list[int]]] = {}
    for row in rows:
        groups.setdefault(row[0], []).append(row)
    return groups


def by_first_unsorted(rows: list[list[int]]) -> dict[int, list[list[int]]]:
    return {first: list(group) for first, group in groupby(rows, key=lambda row: row[0])}


ENTRIES: tuple[Entry, ...] = (
    right(distinct, distinct_by_keys, two_lists, "A dictionary keeps its keys once, in the order they came."),
    wrong(distinct, distinct_by_set, two_lists, "A set has no order."),
    right(shared, shared_by_counts, two_lists, "Counting down is taking away."),
    wrong(shared, shared_by_set, two_lists, "A word in both lists is kept more often than the right one has it."),
    right(missing, missing_by_set, two_lists, "A set answers whether a word is there as a list does."),
    wrong(missing, missing_by_difference, two_lists, "A difference of sets drops repeats, and sorting the order."),
    right(distinct_settings, distinct_settings_by_pairs, mixed_values, "The type is part of the key."),
    wrong(distinct_settings, distinct_settings_by_type, mixed_values, "The first ones stand where the last ones were."),
    wrong(distinct_settings, distinct_settings_by_keys, mixed_values, "1, 1.0 and True are one key."),
    right(flat, flat_by_chain, some_rows, "A chain gives the same items in the same order."),
    wrong(flat, flat_as_iterator, some_rows, "An iterator can be read once and is no list."),
    right(columns, columns_by_zip, some_rows, "Rows of one length, zipped, are columns."),
    wrong(columns, columns_as_tuples, some_rows, "The columns are tuples, where lists were."),
    right(running_totals, running_totals_in_one_pass, some_rows, "Each total is the last one and the next value."),
    right(by_first, by_first_in_one_pass, some_rows, "One pass puts each row where its first value's group is."),
    wrong(by_first, by_first_unsorted, some_rows, "Rows that are not neighbours make a group each, and the last wins."),
)
