"""The bytes that one operator on NumPy's arrays reads and writes, by what it is given and what it gives back."""

from typing import Any

from speedproof.pairs.marks import numpy

UNREAD = frozenset(
    {f"numpy.{name}" for name in ("empty_like", "full_like", "ndim", "ones_like", "shape", "size", "zeros_like")}
)
"""Functions that want to know an array's form alone."""
SELECTED = {"ndarray.__getitem__": 2, "ndarray.__setitem__": 1}
"""Operators that touch only what an index selects, and how often: read and written, or written alone."""


def bytes_of(name: str, args: Any, kwargs: Any, result: Any) -> int:
    """Bytes read and written: all arrays that were given, and those that came back in memory of their own.

    What only looks at memory in another way takes none. What gives nothing back wrote its first array.
    """
    read = [*_arrays(args), *_arrays({key: value for key, value in kwargs.items() if key != "out"})]
    back = _arrays(result)
    if name in UNREAD:
        return _n_bytes(back)
    # An array to write into may also be given by its place.
    outs = [*_arrays(kwargs.get("out")), *(one for one in read[1:] if len(back) == 1 and one is back[0])]
    read = [one for one in read if not _among(one, outs)]
    views = [one for one in back if not _among(one, outs) and any(numpy().may_share_memory(one, two) for two in read)]
    if back and len(views) == len(back):
        return 0
    if name in SELECTED:
        selected = result if name == "ndarray.__getitem__" else args[0][args[1]]
        return SELECTED[name] * _n_bytes([selected]) + _n_bytes(_arrays(args[2:]))
    written = [one for one in back if not _among(one, views)] if result is not None else outs or read[:1]
    return _n_bytes(read) + _n_bytes(written)


def _among(one: Any, others: list[Any]) -> bool:
    return any(one is other for other in others)


def _n_bytes(arrays: list[Any]) -> int:
    return sum(int(getattr(array, "nbytes", 0)) for array in arrays)


def _arrays(value: Any) -> list[Any]:
    """The arrays in a value, and NumPy's scalars."""
    if isinstance(value, numpy().ndarray | numpy().generic):
        return [value]
    if isinstance(value, dict):
        value = tuple(value.values())
    return [array for part in value for array in _arrays(part)] if isinstance(value, list | tuple) else []
