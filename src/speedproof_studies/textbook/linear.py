"""Products, distances and equations, in NumPy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from speedproof_studies.textbook.entry import Entry, right, wrong

Array = NDArray[Any]


def two_matrices(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """A tall matrix and a small one."""
    return {"a": rng.normal(size=(size, 5)), "b": rng.normal(size=(5, 3))}


def product(a: Array, b: Array) -> Array:
    result = np.zeros((a.shape[0], b.shape[1]), dtype=a.dtype)
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            for k in range(a.shape[1]):
                result[i, j] += a[i, k] * b[k, j]
    return result


def product_by_operator(a: Array, b: Array) -> Array:
    return a @ b


def product_by_einsum(a: Array, b: Array) -> Array:
    return np.einsum("ik,kj->ij", a, b)


def product_by_broadcasting(a: Array, b: Array) -> Array:
    return (a[:, :, None] * b[None, :, :]).sum(axis=1)


def product_in_single(a: Array, b: Array) -> Array:
    return (a.astype(np.float32) @ b.astype(np.float32)).astype(a.dtype)


def product_as_single(a: Array, b: Array) -> Array:
    return (a @ b).astype(np.float32)


def product_but_the_last(a: Array, b: Array) -> Array:
    return a[:, :-1] @ b[:-1]


def squares_of_rows(a: Array, b: Array) -> Array:
    """Products of each row with itself."""
    return np.array([(row**2).sum() for row in a], dtype=a.dtype)


def squares_of_rows_by_einsum(a: Array, b: Array) -> Array:
    return np.einsum("ij,ij->i", a, a)


def squares_of_rows_one_dimension_more(a: Array, b: Array) -> Array:
    return (a**2).sum(axis=1, keepdims=True)


def points_far_out(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """Points and a few centres, all near to one another and far from the origin."""
    return {"points": 1e4 + rng.normal(size=(size, 3)), "centres": 1e4 + rng.normal(size=(4, 3))}


def distances(points: Array, centres: Array) -> Array:
    result = np.zeros((len(points), len(centres)), dtype=points.dtype)
    for i, point in enumerate(points):
        for j, centre in enumerate(centres):
            result[i, j] = np.sqrt(((point - centre) ** 2).sum())
    return result


def distances_by_broadcasting(points: Array, centres: Array) -> Array:
    return np.sqrt(((points[:, None] - centres) ** 2).sum(axis=2))


def distances_by_centre(points: Array, centres: Array) -> Array:
    return np.stack([np.sqrt(((points - centre) ** 2).sum(axis=1)) for centre in centres], axis=1)


def distances_by_expanded_squares(points: Array, centres: Array) -> Array:
    squares = (points**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1) - 2 * points @ centres.T
    return np.sqrt(np.maximum(squares, 0))


def squared_distances(points: Array, centres: Array) -> Array:
    return ((points[:, None] - centres) ** 2).sum(axis=2)


def nearest(points: Array, centres: Array) -> Array:
    """Which centre is nearest to each point."""
    places = []
    for point in points:
        squares = [((point - centre) ** 2).sum() for centre in centres]
        places.append(squares.index(min(squares)))
    return np.array(places, dtype=np.int64)


def nearest_by_broadcasting(points: Array, centres: Array) -> Array:
    return ((points[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)


def nearest_by_product(points: Array, centres: Array) -> Array:
    return (points @ centres.T).argmax(axis=1)


def lower_system(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """A triangular system of at most 40 equations with a strong diagonal."""
    n = min(max(size, 1), 40)
    lower = np.tril(rng.uniform(-1, 1, size=(n, n)) / n) + np.eye(n)
    return {"lower": lower, "values": rng.uniform(1, 2, size=n)}


def forward_substitution(lower: Array, values: Array) -> Array:
    x = np.zeros_like(values)
    for i in range(len(values)):
        total = values[i]
        for j in range(i):
            total = total - lower[i, j] * x[j]
        x[i] = total / lower[i, i]
    return x


def forward_substitution_by_rows(lower: Array, values: Array) -> Array:
    x = np.zeros_like(values)
    for i in range(len(values)):
        x[i] = (values[i] - lower[i, :i] @ x[:i]) / lower[i, i]
    return x


def forward_substitution_in_place(lower: Array, values: Array) -> Array:
    for i in range(len(values)):
        values[i] = (values[i] - lower[i, :i] @ values[:i]) / lower[i, i]
    return values.copy()


def one_sweep(lower: Array, values: Array) -> Array:
    diagonal = np.diag(lower)
    x = values / diagonal
    return (values - (lower - np.diag(diagonal)) @ x) / diagonal


def many_right_sides(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """One small system with a strong diagonal and many right sides."""
    return {"matrix": 4 * np.eye(4) + rng.uniform(-1, 1, size=(4, 4)), "sides": rng.uniform(1, 2, size=(size, 4))}


def solutions(matrix: Array, sides: Array) -> Array:
    result = np.zeros_like(sides)
    for place, side in enumerate(sides):
        result[place] = np.linalg.solve(matrix, side)
    return result


def solutions_at_once(matrix: Array, sides: Array) -> Array:
    return np.linalg.solve(matrix, sides.T).T.copy()


def solutions_of_transpose(matrix: Array, sides: Array) -> Array:
    return np.linalg.solve(matrix.T, sides.T).T.copy()


def points_of_a_curve(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """A polynomial of degree 6 at places near one, where its powers look alike."""
    x = np.sort(rng.uniform(1, 2, size=max(size, 20)))
    powers = np.vander(x, 7)
    return {"powers": powers, "heights": powers @ rng.uniform(-1, 1, size=7)}


def fitted(powers: Array, heights: Array) -> Array:
    return np.linalg.lstsq(powers, heights, rcond=None)[0]


def fitted_by_normal_equations(powers: Array, heights: Array) -> Array:
    return np.linalg.solve(powers.T @ powers, powers.T @ heights)


ENTRIES: tuple[Entry, ...] = (
    right(product, product_by_operator, two_matrices, "The same products are summed, in another order at most."),
    right(product, product_by_einsum, two_matrices, "The same products are summed, in another order at most."),
    right(product, product_by_broadcasting, two_matrices, "All products are made, and the inner axis summed."),
    wrong(product, product_in_single, two_matrices, "Single precision inside."),
    wrong(product, product_as_single, two_matrices, "The answer is single precision."),
    wrong(product, product_but_the_last, two_matrices, "The last term of each sum is left out."),
    right(
        squares_of_rows, squares_of_rows_by_einsum, two_matrices, "The same squares, summed without an array of them."
    ),
    wrong(
        squares_of_rows, squares_of_rows_one_dimension_more, two_matrices, "The answer is a column, where it was a row."
    ),
    right(distances, distances_by_broadcasting, points_far_out, "The differences are taken before the squares."),
    right(distances, distances_by_centre, points_far_out, "The differences are taken before the squares."),
    wrong(distances, distances_by_expanded_squares, points_far_out, "Large squares are taken from large squares."),
    wrong(distances, squared_distances, points_far_out, "The root is missing."),
    right(nearest, nearest_by_broadcasting, points_far_out, "The first smallest square is the same one."),
    wrong(
        nearest, nearest_by_product, points_far_out, "The largest product is nearest only for centres of one length."
    ),
    right(
        forward_substitution, forward_substitution_by_rows, lower_system, "Each row's sum is a product of two vectors."
    ),
    wrong(forward_substitution, forward_substitution_in_place, lower_system, "The caller's values are written over."),
    wrong(forward_substitution, one_sweep, lower_system, "One sweep only comes near the solution."),
    right(solutions, solutions_at_once, many_right_sides, "One factorisation serves all right sides."),
    wrong(solutions, solutions_of_transpose, many_right_sides, "It solves the transposed system."),
    wrong(fitted, fitted_by_normal_equations, points_of_a_curve, "The normal equations square the condition number."),
)
