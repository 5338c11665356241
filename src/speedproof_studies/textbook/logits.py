"""Exponentials, logarithms and norms that must not overflow, in NumPy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from speedproof_studies.textbook.entry import Entry, right, wrong

Array = NDArray[Any]


def some_logits(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """Rows of logits, some too large to take the exponential of."""
    logits = rng.uniform(-100, 100, size=(max(size, 1), 5))
    logits[::2] += 800
    return {"logits": logits}


def softmax(logits: Array) -> Array:
    """Softmax of each row, its largest logit taken away first."""
    result = np.zeros_like(logits)
    for row, values in enumerate(logits):
        powers = np.exp(values - values.max())
        result[row] = powers / powers.sum()
    return result


def softmax_of_all_rows(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def softmax_in_place(logits: Array) -> Array:
    result = logits.copy()
    result -= result.max(axis=1, keepdims=True)
    np.exp(result, out=result)
    result /= result.sum(axis=1, keepdims=True)
    return result


def naive_softmax(logits: Array) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):
        powers = np.exp(logits)
        return powers / powers.sum(axis=1, keepdims=True)


def softmax_below_the_largest_of_all(logits: Array) -> Array:
    with np.errstate(invalid="ignore"):
        powers = np.exp(logits - logits.max())
        return powers / powers.sum(axis=1, keepdims=True)


def softmax_of_columns(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(axis=0))
    return powers / powers.sum(axis=0)


def some_log_likelihoods(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """Logarithms of probabilities that are zero as floats."""
    return {"logs": rng.uniform(-9000, -1000, size=max(size, 1))}


def log_of_sum(logs: Array) -> Any:
    """Logarithm of the sum of the exponentials."""
    largest = logs.max()
    return largest + np.log(np.exp(logs - largest).sum())


def log_of_sum_by_pairs(logs: Array) -> Any:
    return np.logaddexp.reduce(logs)


def naive_log_of_sum(logs: Array) -> Any:
    with np.errstate(divide="ignore"):
        return np.log(np.exp(logs).sum())


def small_rows(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """Rows whose lengths span six decades, none of them zero."""
    scales = 10.0 ** rng.uniform(-6, 0, size=max(size, 1))
    return {"rows": rng.uniform(0.5, 1, size=(max(size, 1), 4)) * scales[:, None]}


def unit_rows(rows: Array) -> Array:
    result = np.zeros_like(rows)
    for place, row in enumerate(rows):
        result[place] = row / np.sqrt((row**2).sum())
    return result


def unit_rows_by_norm(rows: Array) -> Array:
    return rows / np.sqrt((rows**2).sum(axis=1, keepdims=True))


def unit_rows_with_epsilon(rows: Array) -> Array:
    return rows / (np.sqrt((rows**2).sum(axis=1, keepdims=True)) + 1e-8)


def unit_rows_by_largest(rows: Array) -> Array:
    return rows / np.abs(rows).max(axis=1, keepdims=True)


def log_ratios(rows: Array) -> Array:
    """`log(1 + x)` for each, as for small rates of growth."""
    return np.log1p(rows)


def log_ratios_of_columns(rows: Array) -> Array:
    return np.stack([np.log1p(column) for column in rows.T], axis=1)


def log_ratios_of_sum(rows: Array) -> Array:
    return np.log(1 + rows)


def some_angles(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """Angles of both signs in degrees, and small ones among them."""
    angles = rng.integers(-720, 720, size=size) + 0.5
    angles[::3] = rng.uniform(1e-4, 1e-3, size=len(angles[::3]))
    return {"angles": angles}


def around(angles: Array) -> Array:
    """Angles from 0 to below 360."""
    result = angles.copy()
    for place, angle in enumerate(angles):
        result[place] = angle - 360 * np.floor(angle / 360)
    return result


def around_by_remainder(angles: Array) -> Array:
    return np.mod(angles, 360)


def around_by_fmod(angles: Array) -> Array:
    return np.fmod(angles, 360)


def haversines(angles: Array) -> Array:
    """Squares of the sines of half the angles."""
    return np.sin(np.radians(angles) / 2) ** 2


def haversines_one_by_one(angles: Array) -> Array:
    return np.array([np.sin(np.radians(angle) / 2) ** 2 for angle in angles], dtype=angles.dtype)


def haversines_by_cosine(angles: Array) -> Array:
    return (1 - np.cos(np.radians(angles))) / 2


ENTRIES: tuple[Entry, ...] = (
    right(softmax, softmax_of_all_rows, some_logits, "Every row's own largest logit is taken away."),
    right(softmax, softmax_in_place, some_logits, "What is changed in place is its own copy."),
    wrong(softmax, naive_softmax, some_logits, "Large logits overflow to NaN."),
    wrong(softmax, softmax_below_the_largest_of_all, some_logits, "A row far below the largest of all underflows."),
    wrong(softmax, softmax_of_columns, some_logits, "It goes down the columns."),
    right(log_of_sum, log_of_sum_by_pairs, some_log_likelihoods, "`logaddexp` takes the larger of two away."),
    wrong(log_of_sum, naive_log_of_sum, some_log_likelihoods, "The exponentials underflow to a sum of zero."),
    right(unit_rows, unit_rows_by_norm, small_rows, "Every row is divided by its own length."),
    wrong(unit_rows, unit_rows_with_epsilon, small_rows, "The epsilon counts where a row is short."),
    wrong(unit_rows, unit_rows_by_largest, small_rows, "The largest value is another norm."),
    right(log_ratios, log_ratios_of_columns, small_rows, "The same function, by columns."),
    wrong(log_ratios, log_ratios_of_sum, small_rows, "Adding 1 first rounds small rates away."),
    right(around, around_by_remainder, some_angles, "The remainder takes the sign of the divisor."),
    wrong(around, around_by_fmod, some_angles, "`fmod` keeps the sign of the angle."),
    right(haversines, haversines_one_by_one, some_angles, "The same function, one by one."),
    wrong(haversines, haversines_by_cosine, some_angles, "One minus a cosine near one has few digits left."),
)
