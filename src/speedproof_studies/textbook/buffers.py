"""What array code does beside its answer: to its arguments, to memory that others hold, and to NumPy's settings."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from speedproof_studies.textbook.entry import Entry, right, wrong

Array = NDArray[Any]

_BUFFERS: dict[int, Array] = {}


def some_values(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """Positive values, and the seed of a draw."""
    return {"values": rng.uniform(1, 2, size=max(size, 1)), "seed": int(rng.integers(1000))}


def shares(values: Array, seed: int) -> Array:
    """Each value as a share of the largest."""
    return np.array([value / values.max() for value in values], dtype=values.dtype)


def shares_by_division(values: Array, seed: int) -> Array:
    return values / values.max()


def shares_on_copy(values: Array, seed: int) -> Array:
    result = values.copy()
    result /= result.max()
    return result


def shares_in_place(values: Array, seed: int) -> Array:
    values /= values.max()
    return values.copy()


def shares_in_kept_buffer(values: Array, seed: int) -> Array:
    if len(values) not in _BUFFERS:
        _BUFFERS[len(values)] = np.empty_like(values)
    return np.divide(values, values.max(), out=_BUFFERS[len(values)])


def shares_without_errors(values: Array, seed: int) -> Array:
    np.seterr(divide="ignore" if np.geterr()["divide"] != "ignore" else "warn")
    return values / values.max()


def turned(values: Array, seed: int) -> Array:
    """The values from the last to the first, in an array of their own."""
    result = np.zeros_like(values)
    for place in range(len(values)):
        result[place] = values[-1 - place]
    return result


def turned_as_copy(values: Array, seed: int) -> Array:
    return values[::-1].copy()


def turned_as_view(values: Array, seed: int) -> Array:
    return values[::-1]


def as_column(values: Array, seed: int) -> Array:
    """A view of the values as a column, so that what is written there is written in the values."""
    return values[:, None]


def as_column_by_reshape(values: Array, seed: int) -> Array:
    return values.reshape(-1, 1)


def as_column_copied(values: Array, seed: int) -> Array:
    return np.array([[value] for value in values], dtype=values.dtype)


def scaled(values: Array, seed: int) -> None:
    """Doubles the values where they are."""
    for place in range(len(values)):
        values[place] = 2 * values[place]


def scaled_at_once(values: Array, seed: int) -> None:
    values *= 2


def scaled_elsewhere(values: Array, seed: int) -> None:
    values = values * 2


def sampled(values: Array, seed: int) -> Array:
    """Values drawn with a generator of its own."""
    state = np.random.RandomState(seed)
    return np.array([values[state.randint(len(values))] for _ in values], dtype=values.dtype)


def sampled_by_take(values: Array, seed: int) -> Array:
    state = np.random.RandomState(seed)
    return values.take([state.randint(len(values)) for _ in range(len(values))])


def sampled_by_global_seed(values: Array, seed: int) -> Array:
    np.random.seed(seed)
    return values[[np.random.randint(len(values)) for _ in range(len(values))]]


def counted(values: Array, seed: int) -> Array:
    """Whole parts, as whole numbers."""
    return np.array([int(value) for value in values * 10], dtype=np.int64)


def counted_by_cast(values: Array, seed: int) -> Array:
    return (values * 10).astype(np.int64)


def counted_by_floor(values: Array, seed: int) -> Array:
    return np.floor(values * 10)


ENTRIES: tuple[Entry, ...] = (
    right(shares, shares_by_division, some_values, "The largest is found once, and every value divided by it."),
    right(shares, shares_on_copy, some_values, "What is changed in place is its own copy."),
    wrong(shares, shares_in_place, some_values, "The caller's values are divided too."),
    wrong(shares, shares_in_kept_buffer, some_values, "The next call of this size writes over the last answer."),
    wrong(shares, shares_without_errors, some_values, "It leaves NumPy's handling of errors changed."),
    right(turned, turned_as_copy, some_values, "The view is copied."),
    wrong(turned, turned_as_view, some_values, "The answer is a view of the caller's values."),
    right(as_column, as_column_by_reshape, some_values, "Both are views of the same values."),
    wrong(as_column, as_column_copied, some_values, "What is written in the answer no longer reaches the values."),
    right(scaled, scaled_at_once, some_values, "The same array is doubled."),
    wrong(scaled, scaled_elsewhere, some_values, "The doubled values are in a new array that nobody sees."),
    right(sampled, sampled_by_take, some_values, "The same generator draws the same places."),
    wrong(sampled, sampled_by_global_seed, some_values, "Everybody's generator is seeded."),
    right(counted, counted_by_cast, some_values, "Positive values are cut off alike."),
    wrong(counted, counted_by_floor, some_values, "The whole numbers are floats."),
)
