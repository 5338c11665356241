"""Whether many objects are still the very same ones, told without a step of Python for each."""

from collections.abc import Iterable, Sequence
from itertools import chain
from operator import is_, methodcaller
from types import MappingProxyType
from typing import Any


def are_same(now: Sequence[Any], then: Sequence[Any]) -> bool:
    """Whether each object is the one that stood in its place. None is asked whether it equals the other: what replaced
    something can answer that it does."""
    return len(now) == len(then) and all(map(is_, now, then))


class Held:
    """Containers, and what each of them held, where, when it was looked at."""

    def __init__(self, containers: Iterable[Any]) -> None:
        self._containers = [*containers]
        self._tables = [one for one in self._containers if isinstance(one, dict | MappingProxyType)]
        self._lengths, self._inside = self._look()

    def stands(self) -> bool:
        """Whether each holds the very same objects, in the same order, and none beside."""
        lengths, inside = self._look()
        return lengths == self._lengths and are_same(inside, self._inside)

    def _look(self) -> tuple[list[int], list[Any]]:
        values = chain.from_iterable(map(methodcaller("values"), self._tables))
        return [*map(len, self._containers)], [*chain.from_iterable(self._containers), *values]
