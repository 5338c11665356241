"""Series: convolutions, peaks, smoothing, in NumPy."""

from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speedproof_studies.textbook.entry import Entry, right, wrong

Array = NDArray[Any]


def counts_and_kernel(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """A series of counts, and a short kernel of whole numbers."""
    return {"series": rng.integers(1, 100, size=max(size, 1)), "kernel": rng.integers(1, 9, size=5)}


def levels_and_kernel(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """A quiet series with one loud place, and a short kernel."""
    series = rng.uniform(1, 2, size=size + 20)
    series[len(series) // 2] = 1e12
    return {"series": series, "kernel": rng.uniform(0.1, 1, size=5)}


def convolution(series: Array, kernel: Array) -> Array:
    result = np.zeros(len(series) + len(kernel) - 1, dtype=series.dtype)
    for i, value in enumerate(series):
        for j, weight in enumerate(kernel):
            result[i + j] += value * weight
    return result


def convolution_by_library(series: Array, kernel: Array) -> Array:
    return np.convolve(series, kernel)


def convolution_by_shifts(series: Array, kernel: Array) -> Array:
    result = np.zeros(len(series) + len(kernel) - 1, dtype=series.dtype)
    for shift in reversed(range(len(kernel))):
        result[shift : shift + len(series)] += kernel[shift] * series
    return result


def count_convolution_by_fft(series: Array, kernel: Array) -> Array:
    n = len(series) + len(kernel) - 1
    return np.rint(np.fft.irfft(np.fft.rfft(series, n) * np.fft.rfft(kernel, n), n)).astype(series.dtype)


def count_convolution_around(series: Array, kernel: Array) -> Array:
    n = max(len(series), len(kernel))
    around = np.fft.irfft(np.fft.rfft(series, n) * np.fft.rfft(kernel, n), n)
    return np.rint(np.resize(around, len(series) + len(kernel) - 1)).astype(series.dtype)


def convolution_by_fft(series: Array, kernel: Array) -> Array:
    n = len(series) + len(kernel) - 1
    return np.fft.irfft(np.fft.rfft(series, n) * np.fft.rfft(kernel, n), n)


def correlation(series: Array, kernel: Array) -> Array:
    return np.convolve(series, kernel[::-1])


def a_walk(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """A walk of small whole steps, with level stretches."""
    return {"walk": 10.0 + np.cumsum(rng.integers(-1, 2, size=max(size, 1)))}


def peaks(walk: Array) -> Array:
    """Places higher than both neighbours."""
    return np.array([i for i in range(1, len(walk) - 1) if walk[i - 1] < walk[i] > walk[i + 1]], dtype=np.int64)


def peaks_by_slices(walk: Array) -> Array:
    inner = walk[1:-1]
    return np.flatnonzero((walk[: len(inner)] < inner) & (inner > walk[len(walk) - len(inner) :])) + 1


def peaks_with_plateaus(walk: Array) -> Array:
    inner = walk[1:-1]
    return np.flatnonzero((walk[: len(inner)] <= inner) & (inner >= walk[len(walk) - len(inner) :])) + 1


def peaks_one_before(walk: Array) -> Array:
    inner = walk[1:-1]
    return np.flatnonzero((walk[: len(inner)] < inner) & (inner > walk[len(walk) - len(inner) :]))


def steps(walk: Array) -> Array:
    return np.array([walk[i + 1] - walk[i] for i in range(len(walk) - 1)], dtype=walk.dtype)


def steps_by_diff(walk: Array) -> Array:
    return np.diff(walk)


def steps_with_first(walk: Array) -> Array:
    return np.diff(walk, prepend=walk[0])


def smoothed(walk: Array) -> Array:
    """Exponential smoothing with a weight of one quarter."""
    result = walk.copy()
    for i in range(1, len(walk)):
        result[i] = 0.75 * result[i - 1] + 0.25 * walk[i]
    return result


def smoothed_by_accumulation(walk: Array) -> Array:
    return np.array(list(accumulate(walk, lambda level, value: 0.75 * level + 0.25 * value)), dtype=walk.dtype)


def smoothed_from_zero(walk: Array) -> Array:
    levels = accumulate(walk, lambda level, value: 0.75 * level + 0.25 * value, initial=0.0)
    return np.array(list(levels)[1:], dtype=walk.dtype)


def lagged_products(walk: Array) -> Array:
    """Sums of products with itself, one to three steps on."""
    sums = []
    for lag in range(1, 4):
        total = walk.dtype.type(0)
        for i in range(len(walk) - lag):
            total = total + walk[i] * walk[i + lag]
        sums.append(total)
    return np.array(sums, dtype=walk.dtype)


def lagged_products_by_dot(walk: Array) -> Array:
    return np.array([walk[: max(len(walk) - lag, 0)] @ walk[lag:] for lag in range(1, 4)], dtype=walk.dtype)


def lagged_products_around(walk: Array) -> Array:
    return np.array([walk @ np.roll(walk, lag) for lag in range(1, 4)], dtype=walk.dtype)


def a_curve(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """A curve at rising places, and places between them."""
    x = np.cumsum(rng.uniform(0.5, 1.5, size=size + 2))
    return {"x": x, "y": rng.uniform(1, 2, size=size + 2), "places": rng.uniform(x[0], x[-1], size=size)}


def area(x: Array, y: Array, places: Array) -> Any:
    """Area below the curve, by trapezoids."""
    total = x.dtype.type(0)
    for i in range(1, len(x)):
        total = total + (x[i] - x[i - 1]) * (y[i] + y[i - 1]) / 2
    return total


def area_by_library(x: Array, y: Array, places: Array) -> Any:
    return (np.diff(x) * (y[1:] + y[:-1]) / 2).sum()


def area_by_left_sides(x: Array, y: Array, places: Array) -> Any:
    return (np.diff(x) * y[:-1]).sum()


def heights(x: Array, y: Array, places: Array) -> Array:
    """Heights of the curve between its places."""
    result = np.zeros_like(places)
    for i, place in enumerate(places):
        j = 0
        while x[j + 1] < place:
            j += 1
        result[i] = y[j] + (y[j + 1] - y[j]) / (x[j + 1] - x[j]) * (place - x[j])
    return result


def heights_by_interp(x: Array, y: Array, places: Array) -> Array:
    return np.interp(places, x, y)


def heights_of_nearest(x: Array, y: Array, places: Array) -> Array:
    return y[np.abs(x[:, None] - places).argmin(axis=0)]


ENTRIES: tuple[Entry, ...] = (
    right(convolution, convolution_by_library, levels_and_kernel, "Each place is the same sum of five products."),
    right(
        convolution,
        convolution_by_shifts,
        levels_and_kernel,
        "The series is added once for each weight, in the same order.",
    ),
    wrong(
        convolution,
        convolution_by_fft,
        levels_and_kernel,
        "The loud place's rounding error is spread over the quiet ones.",
    ),
    wrong(convolution, correlation, levels_and_kernel, "The kernel is turned around."),
    right(
        convolution,
        count_convolution_by_fft,
        counts_and_kernel,
        "The error is far below one half, and whole numbers are rounded to.",
    ),
    wrong(convolution, count_convolution_around, counts_and_kernel, "Without padding the end runs into the beginning."),
    right(peaks, peaks_by_slices, a_walk, "Shifted slices are the neighbours."),
    wrong(peaks, peaks_with_plateaus, a_walk, "Level stretches count as peaks."),
    wrong(peaks, peaks_one_before, a_walk, "The places are those of the inner part, one too small."),
    right(steps, steps_by_diff, a_walk, "`diff` takes neighbours from each other."),
    wrong(steps, steps_with_first, a_walk, "There is one step too many at the beginning."),
    right(smoothed, smoothed_by_accumulation, a_walk, "Each level is made of the last one and the next value."),
    wrong(smoothed, smoothed_from_zero, a_walk, "It begins at zero, not at the first value."),
    right(lagged_products, lagged_products_by_dot, a_walk, "Whole products add up exactly in any order."),
    wrong(lagged_products, lagged_products_around, a_walk, "`roll` goes around the end."),
    right(area, area_by_library, a_curve, "The same trapezoids, summed in another order."),
    wrong(area, area_by_left_sides, a_curve, "Rectangles take the left side alone."),
    right(heights, heights_by_interp, a_curve, "The library takes the same line between two places."),
    wrong(heights, heights_of_nearest, a_curve, "It takes the nearest height, not the line's."),
)
