"""Kits: what the instrument must know of the libraries behind a pair's functions. The plain one knows Python and NumPy.

A pair names its kit. One for another library extends the plain one where that library has state, memory or devices of
its own.
"""

import math
import sys
from collections.abc import Mapping, Set
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

from .aspect import Aspect
from .marks import is_array, numpy, of_array


class Apart(NamedTuple):
    """Where two arrays first differ, in words that follow a place's; in how many values; and by what share of the
    largest value, infinite where something other than a number differs."""

    where: str
    n: int
    share: float


class Kit:
    """Of pairs whose functions need nothing but Python, and NumPy where they import it."""

    aspects: tuple[Aspect, ...] = ()
    """Aspects of state beside those that every process has (`gate/state.py`). What can intercept calls comes first."""
    aliases: Set[str] = frozenset()
    """Full names in the namespaces that follow an aspect of their own, and so are no replaced function."""

    def namespaces(self) -> Mapping[str, Any]:
        """Modules and classes of the library whose functions nobody may replace, by their full names."""
        return {}

    def classes(self, modules: Mapping[str, Any]) -> Set[type]:
        """The classes of all that a subject's modules are made of, on which nobody may replace or add anything."""
        return frozenset()

    def undisturbed(self) -> AbstractContextManager[Any]:
        """While it lasts, what a function left switched on is not asked about itself."""
        return nullcontext()

    def memory(self, part: Any) -> Set[int]:
        """Addresses of what a later call could write into, of one part of an output or an input."""
        if is_array(part):
            while is_array(part.base):
                part = part.base
            return {part.__array_interface__["data"][0]}
        return {id(part)} if isinstance(part, list | dict | set | bytearray) else frozenset()

    def autograd(self, part: Any) -> tuple[bool, bool]:
        """Whether a part of an output carries an autograd graph, and whether it can never join one."""
        return False, False

    def mark(self, value: Any) -> Any:
        """Plain data that change when an input's value does; what can be no input's value goes by its identity."""
        if isinstance(value, set | frozenset):
            return sorted(map(repr, value))
        if is_array(value):
            return list(map(str, (id(value), *of_array(value))))
        return value if isinstance(value, str | int | float | None) else id(value)

    def apart(self, before: Any, after: Any) -> list[Apart] | None:
        """How two of the library's arrays differ, to the last bit; None where they are none of its."""
        if not is_array(before):
            return None
        kinds = [f"{one.shape} of {one.dtype}" for one in (before, after)]
        if kinds[0] != kinds[1]:
            return [Apart(f": {' and '.join(kinds)}", 1, math.inf)]
        # By bits: minus zero is not zero, and one NaN may be another.
        wrong = numpy().array([one != other for one, other in zip(_bits(before), _bits(after), strict=True)], bool)
        if not wrong.any():
            return []
        where = [int(i) for i in numpy().argwhere(wrong.reshape(before.shape))[0]]
        return [Apart(str(where), int(wrong.sum()), _share(before, after))]

    def wait(self) -> None:
        """Returns once every device has finished what was asked of it."""

    def use_threads(self, n_threads: int) -> None:
        """Has the library compute on that many threads."""


def _bits(array: Any) -> list[bytes]:
    return [one.tobytes() for one in array.reshape(-1)]


def _share(before: Any, after: Any) -> float:
    """The largest difference, as a share of the largest value; infinite where the values are no numbers."""
    try:
        scale = max(float(abs(before).max()), sys.float_info.min)
        largest = float(abs(before - after).max()) / scale
    except TypeError:
        return math.inf
    return largest if math.isfinite(largest) else math.inf


PLAIN = Kit()
