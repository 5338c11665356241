"""The content of tensors' memory, whoever wrote it."""

import ctypes
import hashlib
from typing import Any

import numpy as np
from torch import Tensor

WHOLE_BYTES = 2**16
"""Up to this size memory is hashed. Above, rows of words are added up and the sums are hashed, at 25 GB/s instead of 2:
a model and four SAEs of a gigabyte then take 0.05 s (measured on two cores)."""
ROW_WORDS = 509
"""Words of eight bytes in such a row. A prime, so that rows of words and rows of a matrix do not keep step."""
UNSEEN = "unseen"
"""The content of a tensor without memory that can be read, such as a fake or a sparse one."""

Memory = dict[tuple[int, int], str]
"""(address, bytes) -> content, so that memory which several tensors share is read once."""


def content(tensor: Tensor, known: Memory | None = None) -> str:
    """Changes when any byte of the tensor's memory does, whoever wrote it: autograd, `.data` or a NumPy view.

    What can be missed is a rearrangement within a row of words that keeps the row's sum.
    """
    known = {} if known is None else known
    try:
        storage: Any = tensor.untyped_storage()
        place = storage.data_ptr(), storage.nbytes()
        if place not in known:
            # Memory of another device is copied to this one.
            known[place] = _digest(storage if storage.device.type == "cpu" else storage.cpu()) if all(place) else UNSEEN
        return known[place]
    except (RuntimeError, NotImplementedError):
        return UNSEEN


def _digest(storage: Any) -> str:
    # By address, since whatever a function left switched on can intercept a tensor's own methods.
    held: Any = np.frombuffer((ctypes.c_uint8 * storage.nbytes()).from_address(storage.data_ptr()), dtype=np.uint8)
    if held.nbytes <= WHOLE_BYTES:
        return hashlib.sha256(held).hexdigest()
    n_rows = held.nbytes // (8 * ROW_WORDS)
    rows = held[: n_rows * 8 * ROW_WORDS].view(np.uint64).reshape(n_rows, ROW_WORDS)
    rest = held[n_rows * 8 * ROW_WORDS :]
    return hashlib.sha256(rows.sum(axis=1).tobytes() + rest.tobytes()).hexdigest()
