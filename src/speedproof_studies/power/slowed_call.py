"""What the tools time: the batched twin of finding 3 with some extra matrix products, on inputs from a file.

Imports nothing heavy but torch: every tool starts processes of its own, and their start is not what is compared.
"""

import os
import pickle
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

import torch

from impl_batched.category_lookup import analyze_specialists

FOLDER, PRODUCTS = "SPEEDPROOF_POWER_FOLDER", "SPEEDPROOF_POWER_PRODUCTS"
"""Environment variables that tell a tool's process where the inputs are, and how many products to add to a call."""
SIDE = 48
"""Side of the matrices of one extra product: some ten microseconds, a thousandth of a call."""
FILE, FUNCTION = "category_lookup", analyze_specialists.__name__


def slowed(n_products: int) -> Callable[..., Any]:
    """The twin, which does that many extra matrix products first. The answer stays the same."""
    left = torch.ones(SIDE, SIDE)

    @wraps(analyze_specialists)
    def call(*args: Any, **kwargs: Any) -> Any:
        for _ in range(n_products):
            left @ left
        return analyze_specialists(*args, **kwargs)

    return call


def code(n_products: int) -> str:
    """The same slowdown as code, to be put at the end of a copy of the twin's file."""
    return f"""

def _slowed(plain):
    import functools

    left = torch.ones({SIDE}, {SIDE})

    @functools.wraps(plain)
    def call(*args, **kwargs):
        for _ in range({n_products}):
            left @ left
        return plain(*args, **kwargs)

    return call


{FUNCTION} = _slowed({FUNCTION})
"""


def save_inputs(folder: Path, inputs: Mapping[str, Any], n_threads: int) -> None:
    """Puts the inputs where `from_environment` finds them."""
    (folder / "inputs").write_bytes(pickle.dumps((dict(inputs), n_threads)))


def from_environment() -> Callable[[], Any]:
    """One call without arguments, as the environment says; for the tools' processes."""
    inputs, n_threads = pickle.loads((Path(os.environ[FOLDER]) / "inputs").read_bytes())
    torch.set_num_threads(n_threads)
    function = slowed(int(os.environ[PRODUCTS]))
    return lambda: function(**inputs)
