"""What becomes of the arguments: which are changed, and which of them is in the answer."""

from random import Random
from typing import Any

from speedproof_studies.textbook.entry import Entry, right, wrong


def some_items(size: int, rng: Random) -> dict[str, Any]:
    """Items, and a list that they go to."""
    return {"items": [rng.randrange(100) for _ in range(size)], "target": [0]}


def added(items: list[int], target: list[int]) -> list[int]:
    """The target, with the items put at its end."""
    for item in items:
        target.append(item)
    return target


def added_at_once(items: list[int], target: list[int]) -> list[int]:
    target.extend(items)
    return target


def added_to_copy(items: list[int], target: list[int]) -> list[int]:
    return target + items


def newest_first(items: list[int], target: list[int]) -> list[int]:
    return [*target, *items][::-1]


def newest_first_on_copy(items: list[int], target: list[int]) -> list[int]:
    both = target.copy()
    both.extend(items)
    both.reverse()
    return both


def newest_first_in_place(items: list[int], target: list[int]) -> list[int]:
    items.reverse()
    return items + target[::-1]


def some_settings(size: int, rng: Random) -> dict[str, Any]:
    """What is set if nobody says otherwise, and what somebody says."""
    names = [f"option{i}" for i in range(size + 1)]
    return {"defaults": dict.fromkeys(names, 0), "options": {name: rng.randrange(1, 9) for name in names[::2]}}


def settings(defaults: dict[str, int], options: dict[str, int]) -> dict[str, int]:
    return {**defaults, **options}


def settings_by_union(defaults: dict[str, int], options: dict[str, int]) -> dict[str, int]:
    return defaults | options


def settings_by_update(defaults: dict[str, int], options: dict[str, int]) -> dict[str, int]:
    defaults.update(options)
    return defaults


def settings_by_taking(defaults: dict[str, int], options: dict[str, int]) -> dict[str, int]:
    return {name: options.pop(name, value) for name, value in defaults.items()}


def some_board(size: int, rng: Random) -> dict[str, Any]:
    """A board, and the squares that are hit."""
    rows = [[rng.randrange(3) for _ in range(3)] for _ in range(size + 1)]
    return {"rows": rows, "hits": [(rng.randrange(size + 1), rng.randrange(3)) for _ in range(size)]}


def board_after(rows: list[list[int]], hits: list[tuple[int, int]]) -> list[list[int]]:
    """The board with a point more for every hit; the board given stays as it is."""
    result = [[point for point in row] for row in rows]
    for row, column in hits:
        result[row][column] = result[row][column] + 1
    return result


def board_by_copied_rows(rows: list[list[int]], hits: list[tuple[int, int]]) -> list[list[int]]:
    result = [row.copy() for row in rows]
    for row, column in hits:
        result[row][column] += 1
    return result


def board_by_shallow_copy(rows: list[list[int]], hits: list[tuple[int, int]]) -> list[list[int]]:
    result = list(rows)
    for row, column in hits:
        result[row] = [point + (place == column) for place, point in enumerate(result[row])]
    return result


def hit_counts(rows: list[list[int]], hits: list[tuple[int, int]]) -> list[list[int]]:
    result = [[0] * 3 for _ in rows]
    for row, column in hits:
        result[row][column] += 1
    return result


def hit_counts_in_one_row(rows: list[list[int]], hits: list[tuple[int, int]]) -> list[list[int]]:
    result = [[0] * 3] * len(rows)
    for row, column in hits:
        result[row][column] += 1
    return result


ENTRIES: tuple[Entry, ...] = (
    right(added, added_at_once, some_items, "The same list grows by the same items."),
    wrong(added, added_to_copy, some_items, "The caller's list does not grow."),
    right(newest_first, newest_first_on_copy, some_items, "What is changed in place is its own copy."),
    wrong(newest_first, newest_first_in_place, some_items, "The caller's items are reversed."),
    right(settings, settings_by_union, some_settings, "A union of dictionaries is a new one, in the same order."),
    wrong(settings, settings_by_update, some_settings, "The caller's defaults are changed, and given back."),
    wrong(settings, settings_by_taking, some_settings, "The caller's options are taken away."),
    right(board_after, board_by_copied_rows, some_board, "Every row is a copy."),
    wrong(board_after, board_by_shallow_copy, some_board, "Rows that are not hit are the caller's own."),
    wrong(hit_counts, hit_counts_in_one_row, some_board, "All rows are one list."),
)
