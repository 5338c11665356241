"""Counts, bins and rankings of arrays, in NumPy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from speedproof_studies.textbook.entry import Entry, right, wrong

Array = NDArray[Any]


def labels_and_weights(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """Labels from 0 up, most of them several times, and a weight for each."""
    n_labels = size // 4 + 2
    labels = rng.integers(n_labels, size=size)
    return {"labels": labels, "weights": rng.uniform(1, 2, size=size), "n_labels": n_labels}


def label_counts(labels: Array, weights: Array, n_labels: int) -> Array:
    counts = np.zeros(n_labels, dtype=np.int64)
    for label in labels:
        counts[label] += 1
    return counts


def label_counts_by_bincount(labels: Array, weights: Array, n_labels: int) -> Array:
    return np.bincount(labels, minlength=n_labels)


def label_counts_by_index(labels: Array, weights: Array, n_labels: int) -> Array:
    counts = np.zeros(n_labels, dtype=np.int64)
    counts[labels] += 1
    return counts


def label_counts_of_those_there(labels: Array, weights: Array, n_labels: int) -> Array:
    return np.unique(labels, return_counts=True)[1]


def label_weights(labels: Array, weights: Array, n_labels: int) -> Array:
    """Sum of the weights of each label."""
    totals = np.zeros(n_labels, dtype=weights.dtype)
    np.add.at(totals, labels, weights)
    return totals


def label_weights_by_bincount(labels: Array, weights: Array, n_labels: int) -> Array:
    return np.bincount(labels, weights=weights, minlength=n_labels).astype(weights.dtype)


def label_weights_in_single(labels: Array, weights: Array, n_labels: int) -> Array:
    return np.bincount(labels, weights=weights.astype(np.float32), minlength=n_labels)


def label_order(labels: Array, weights: Array, n_labels: int) -> Array:
    """The labels that occur, in the order of first sight."""
    seen: list[int] = []
    for label in labels.tolist():
        if label not in seen:
            seen.append(label)
    return np.array(seen, dtype=labels.dtype)


def label_order_by_first_index(labels: Array, weights: Array, n_labels: int) -> Array:
    first = np.unique(labels, return_index=True)[1]
    return labels[np.sort(first)]


def label_order_by_unique(labels: Array, weights: Array, n_labels: int) -> Array:
    return np.unique(labels)


def values_and_edges(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """Whole values as floats, and edges of bins that some of them lie on."""
    n = max(size, 1)
    return {"values": rng.integers(0, 10, size=n).astype(float), "edges": np.array([0.0, 2.0, 5.0, 9.0])}


def bins(values: Array, edges: Array) -> Array:
    """How many edges are at or below each value."""
    return np.array([sum(edge <= value for edge in edges.tolist()) for value in values.tolist()], dtype=np.int64)


def bins_by_search(values: Array, edges: Array) -> Array:
    return np.searchsorted(edges, values, side="right")


def bins_by_comparison(values: Array, edges: Array) -> Array:
    return (edges <= values[:, None]).sum(axis=1)


def bins_from_the_left(values: Array, edges: Array) -> Array:
    return np.searchsorted(edges, values)


def some_scores(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """Scores with many ties, and how many of the best are wanted."""
    return {"scores": rng.integers(size // 4 + 2, size=max(size, 1)), "count": max(size // 2, 1)}


def best(scores: Array, count: int) -> Array:
    """Places of the best scores, best first, the earlier first where they tie."""
    order = sorted(range(len(scores)), key=lambda place: -int(scores[place]))
    return np.array(order[:count])


def best_by_stable_sort(scores: Array, count: int) -> Array:
    return np.argsort(-scores, kind="stable")[:count].copy()


def best_by_two_keys(scores: Array, count: int) -> Array:
    return np.lexsort((np.arange(len(scores)), -scores))[:count].copy()


def best_by_partition(scores: Array, count: int) -> Array:
    return np.argpartition(-scores, count - 1)[:count].copy()


def best_by_reversed_sort(scores: Array, count: int) -> Array:
    return np.argsort(scores, kind="stable")[::-1][:count].copy()


def competition_ranks(scores: Array, count: int) -> Array:
    """One more than the number of better scores."""
    return np.array([1 + int((scores > score).sum()) for score in scores])


def competition_ranks_by_search(scores: Array, count: int) -> Array:
    return 1 + len(scores) - np.searchsorted(np.sort(scores), scores, side="right")


def competition_ranks_by_argsort(scores: Array, count: int) -> Array:
    return 1 + np.argsort(np.argsort(-scores, kind="stable"), kind="stable")


def run_lengths(scores: Array, count: int) -> Array:
    """Lengths of the runs of equal neighbours."""
    lengths = [1]
    for before, after in zip(scores.tolist(), scores.tolist()[1:], strict=False):
        if before == after:
            lengths[-1] += 1
        else:
            lengths.append(1)
    return np.array(lengths)


def run_lengths_by_difference(scores: Array, count: int) -> Array:
    starts = np.flatnonzero(np.diff(scores)) + 1
    return np.diff(np.concatenate(([0], starts, [len(scores)])))


def run_lengths_but_the_last(scores: Array, count: int) -> Array:
    starts = np.flatnonzero(np.diff(scores)) + 1
    return np.diff(np.concatenate(([0], starts)))


ENTRIES: tuple[Entry, ...] = (
    right(
        label_counts, label_counts_by_bincount, labels_and_weights, "`bincount` counts every label, repeats included."
    ),
    wrong(
        label_counts,
        label_counts_by_index,
        labels_and_weights,
        "A label that occurs twice in the index is counted once.",
    ),
    wrong(label_counts, label_counts_of_those_there, labels_and_weights, "Labels that do not occur have no place."),
    right(label_weights, label_weights_by_bincount, labels_and_weights, "The weights are added in the same order."),
    wrong(label_weights, label_weights_in_single, labels_and_weights, "The weights are rounded to single precision."),
    right(
        label_order, label_order_by_first_index, labels_and_weights, "Sorted first places are the order of first sight."
    ),
    wrong(label_order, label_order_by_unique, labels_and_weights, "`unique` sorts."),
    right(bins, bins_by_search, values_and_edges, "The search from the right passes the edges that are equal."),
    right(bins, bins_by_comparison, values_and_edges, "The same comparisons, all at once."),
    wrong(bins, bins_from_the_left, values_and_edges, "A value on an edge falls in the bin before."),
    right(best, best_by_stable_sort, some_scores, "A stable sort of the negated scores keeps ties in order."),
    right(best, best_by_two_keys, some_scores, "The place is the second key, so no tie is left."),
    wrong(best, best_by_partition, some_scores, "A partition says which are the best, not in which order."),
    wrong(best, best_by_reversed_sort, some_scores, "Reversing puts the later first where scores tie."),
    right(
        competition_ranks, competition_ranks_by_search, some_scores, "Those to the right of the last equal are better."
    ),
    wrong(competition_ranks, competition_ranks_by_argsort, some_scores, "Equal scores get different ranks."),
    right(run_lengths, run_lengths_by_difference, some_scores, "A run ends where the difference is not zero."),
    wrong(run_lengths, run_lengths_but_the_last, some_scores, "The last run is left out."),
)
