"""A pair of NumPy's arrays."""

from typing import Any

import numpy as np


def centred(rows: Any) -> Any:
    """Each row less its mean."""
    return np.array([row - row.mean() for row in rows])


def centred_at_once(rows: Any) -> Any:
    """The same without a loop."""
    return rows - rows.mean(axis=1, keepdims=True)


def make(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """Rows of eight numbers."""
    return {"rows": rng.normal(size=(max(1, size), 8))}


def make_large(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """Rows of 20,000 numbers: 160 MB of a thousand rows."""
    return {"rows": rng.normal(size=(max(1, size), 20_000))}


if __name__ == "__main__":
    centred(**make_large(1_000, np.random.default_rng(0)))
