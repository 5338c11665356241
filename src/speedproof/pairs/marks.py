"""Marks that tell whether a value is still what it was: plain data and NumPy's arrays by value, others by identity."""

import hashlib
import sys
from pathlib import PurePath
from typing import Any

PLAIN = (str, bytes, int, complex, bool, PurePath, range, slice)


class Same:
    """A value that equals itself alone. It is held, so that no other can take its address."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)

    def __repr__(self) -> str:
        return f"{type(self.value).__name__} at {id(self.value):x}"


def numpy() -> Any:
    """NumPy where somebody has imported it, or None: who does without is not made to import it."""
    return sys.modules.get("numpy")


def is_array(value: Any) -> bool:
    """Whether it is one of NumPy's arrays."""
    found = numpy()
    return found is not None and isinstance(value, found.ndarray)


def of_array(value: Any) -> tuple[str, tuple[int, ...], str]:
    """An array's type, shape and content."""
    return value.dtype.str, value.shape, hashlib.sha256(value.tobytes()).hexdigest()


def mark(value: Any) -> Any:
    """What stands for a value when two states are compared. Containers have marks of their own, from a walk."""
    if value is None or isinstance(value, PLAIN):
        return type(value).__name__, value
    if isinstance(value, float):
        return "float", value.hex()
    if is_array(value):
        return of_array(value)
    kind: Any = type(value)
    if kind.__hash__ and kind.__eq__ is not object.__eq__:
        return value
    return Same(value)
