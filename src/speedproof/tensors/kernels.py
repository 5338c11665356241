"""Kernels that a machine's slow phases hit differently: what counts and adds over a matrix of features."""

from collections.abc import Callable

import torch

ROWS, COLUMNS = 70, 24_576
"""Texts and features, as finding 3 has them."""
SIDE = 256
"""Side of the product's matrices: they fit the first two levels of cache."""


def kernels() -> dict[str, Callable[[], object]]:
    """Each by how it would be written, in one thread."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    features = torch.randn(ROWS, COLUMNS).relu_()
    strong = features > 1
    square = torch.randn(SIDE, SIDE)
    return {
        "features > 1": lambda: features > 1,
        "matrix product": lambda: square @ square,
        "strong.float().sum(0)": lambda: strong.float().sum(0),
        "strong.sum(0)": lambda: strong.sum(0),
        "uint8 sum(0) to int32": lambda: strong.to(torch.uint8).sum(0, dtype=torch.int32),
    }
