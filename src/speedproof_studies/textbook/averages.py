"""Means, medians and spreads, in NumPy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from speedproof_studies.textbook.entry import Entry, right, wrong

Array = NDArray[Any]


def far_values(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """Measurements whose mean is a million times their spread."""
    return {"values": 1e6 + rng.normal(size=max(size, 1))}


def variance(values: Array) -> Any:
    mean = values.sum() / len(values)
    return ((values - mean) ** 2).sum() / len(values)


def variance_by_library(values: Array) -> Any:
    return np.var(values)


def variance_by_welford(values: Array) -> Any:
    mean = squares = values.dtype.type(0)
    for n, value in enumerate(values, start=1):
        delta = value - mean
        mean = mean + delta / n
        squares = squares + delta * (value - mean)
    return squares / len(values)


def variance_in_one_pass(values: Array) -> Any:
    return np.mean(values**2) - np.mean(values) ** 2


def variance_of_sample(values: Array) -> Any:
    return np.var(values, ddof=min(1, len(values) - 1))


def variance_in_single(values: Array) -> Any:
    return values.dtype.type(np.var(values.astype(np.float32)))


def some_numbers(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """Whole numbers of 32 bits, some of them twice."""
    return {"numbers": rng.integers(-100_000, 100_000, size=max(size, 1), dtype=np.int32)}


def median(numbers: Array) -> float:
    """The middle value, or the mean of the middle two."""
    ordered = sorted(numbers.tolist())
    middle = len(ordered) // 2
    return float(ordered[middle]) if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def median_by_library(numbers: Array) -> float:
    return float(np.median(numbers))


def upper_median(numbers: Array) -> float:
    return float(np.sort(numbers)[len(numbers) // 2])


def sum_of_squares(numbers: Array) -> int:
    return sum(int(number) ** 2 for number in numbers)


def sum_of_squares_in_64_bits(numbers: Array) -> int:
    wide = numbers.astype(np.int64)
    return int(wide @ wide)


def sum_of_squares_in_32_bits(numbers: Array) -> int:
    return int((numbers * numbers).sum())


def running_means(numbers: Array) -> Array:
    """Mean of each beginning."""
    means = np.zeros(len(numbers))
    for end in range(1, len(numbers) + 1):
        means[end - 1] = numbers[:end].sum() / end
    return means


def running_means_by_cumsum(numbers: Array) -> Array:
    return np.cumsum(numbers) / np.arange(1, len(numbers) + 1)


def whole_running_means(numbers: Array) -> Array:
    return (np.cumsum(numbers) // np.arange(1, len(numbers) + 1)).astype(float)


def one_outlier(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """A series with one reading that is far off, and the width of a window."""
    values = rng.uniform(1, 2, size=max(size, 1))
    values[len(values) // 3] = 1e12
    return {"values": values, "width": int(rng.integers(min(len(values), 2), min(len(values), 5) + 1))}


def moving_means(values: Array, width: int) -> Array:
    means = np.zeros(len(values) - width + 1, dtype=values.dtype)
    for start in range(len(means)):
        means[start] = values[start : start + width].sum() / width
    return means


def moving_means_by_view(values: Array, width: int) -> Array:
    return np.lib.stride_tricks.sliding_window_view(values, width).mean(axis=1)


def moving_means_by_shifts(values: Array, width: int) -> Array:
    n = len(values) - width + 1
    total = values[:n].copy()
    for shift in range(1, width):
        total += values[shift : shift + n]
    return total / width


def moving_means_by_difference(values: Array, width: int) -> Array:
    totals = np.concatenate([np.zeros(1, dtype=values.dtype), np.cumsum(values)])
    return (totals[width:] - totals[:-width]) / width


def moving_means_one_short(values: Array, width: int) -> Array:
    return np.lib.stride_tricks.sliding_window_view(values, width)[:-1].mean(axis=1)


def moving_means_filled_up(values: Array, width: int) -> Array:
    return np.convolve(values, np.ones(width) / width, mode="same")


def with_gaps(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """Readings, some of them missing; the first one is there."""
    readings = rng.normal(size=max(size, 1))
    readings[1:][rng.random(len(readings) - 1) < 0.5] = np.nan
    return {"readings": readings}


def mean_of_known(readings: Array) -> Any:
    total, n = readings.dtype.type(0), 0
    for reading in readings:
        if not np.isnan(reading):
            total = total + reading
            n += 1
    return total / n


def mean_of_known_by_library(readings: Array) -> Any:
    return np.nanmean(readings)


def mean_with_zeros(readings: Array) -> Any:
    return np.nan_to_num(readings).mean()


def clipped(readings: Array) -> Array:
    """Readings within -1 and 1; what is missing stays missing."""
    result = readings.copy()
    for place, reading in enumerate(readings):
        if reading < -1:
            result[place] = -1
        elif reading > 1:
            result[place] = 1
    return result


def clipped_by_library(readings: Array) -> Array:
    return np.clip(readings, -1, 1)


def clipped_by_fmin(readings: Array) -> Array:
    return np.fmin(np.fmax(readings, -1), 1)


def not_small(readings: Array) -> Array:
    """Whether each reading is other than at most zero."""
    return np.array([not reading <= 0 for reading in readings], dtype=bool)


def not_small_by_array(readings: Array) -> Array:
    return ~(readings <= 0)


def large(readings: Array) -> Array:
    return readings > 0


ENTRIES: tuple[Entry, ...] = (
    right(variance, variance_by_library, far_values, "The library takes the same two passes."),
    right(variance, variance_by_welford, far_values, "Welford's steps take the mean away as they go."),
    wrong(variance, variance_in_one_pass, far_values, "The difference of two large means has few digits left."),
    wrong(variance, variance_of_sample, far_values, "It divides by one less than the number of values."),
    wrong(variance, variance_in_single, far_values, "Single precision has no digits for the spread."),
    right(median, median_by_library, some_numbers, "The library takes the mean of the middle two as well."),
    wrong(median, upper_median, some_numbers, "Of an even number of values it takes the upper middle one."),
    right(sum_of_squares, sum_of_squares_in_64_bits, some_numbers, "64 bits hold every square and their sum."),
    wrong(sum_of_squares, sum_of_squares_in_32_bits, some_numbers, "32 bits do not hold the squares."),
    right(running_means, running_means_by_cumsum, some_numbers, "Sums of whole numbers are exact in any order."),
    wrong(running_means, whole_running_means, some_numbers, "`//` drops what is behind the point."),
    right(moving_means, moving_means_by_view, one_outlier, "Each window is summed by itself."),
    right(moving_means, moving_means_by_shifts, one_outlier, "Whole arrays are added, each window in the same order."),
    wrong(moving_means, moving_means_by_difference, one_outlier, "The outlier's rounding stays in all later sums."),
    wrong(moving_means, moving_means_one_short, one_outlier, "The last window is left out."),
    wrong(moving_means, moving_means_filled_up, one_outlier, "The ends are filled up with zeros."),
    right(mean_of_known, mean_of_known_by_library, with_gaps, "`nanmean` leaves out what is missing."),
    wrong(mean_of_known, mean_with_zeros, with_gaps, "What is missing counts as zero."),
    right(clipped, clipped_by_library, with_gaps, "`clip` leaves what is missing as it is."),
    wrong(clipped, clipped_by_fmin, with_gaps, "`fmax` takes the bound where the reading is missing."),
    right(not_small, not_small_by_array, with_gaps, "What is missing is not at most zero, and the array says so too."),
    wrong(not_small, large, with_gaps, "What is missing is not above zero either."),
)
