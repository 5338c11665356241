"""Shares: what is left to be proven, shared out to processes that work beside each other."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import psutil

from speedproof.environment import n_cores_allowed
from speedproof.pairs.question import Question

T = TypeVar("T")

ROOM_FOR_TWO_BYTES = 18 * 2**30
"""Free memory from which on two processes prove at once. Each takes up to 6 GiB; below, the gate would have to leave
out the longest hostile texts for want of memory (`lens/hostile.py`)."""

Group = tuple[Question, ...]
"""All arms of one function on one workload."""
Further = tuple[str, tuple[Any, ...]]
"""Further work that times nothing: the reference of a function that yields bodies and what it is at, and its
arguments."""
Asked = tuple[tuple[Group, ...], tuple[Group, ...], tuple[tuple[str, str], ...], tuple[Further, ...]]
"""Questions to be answered, questions to be counted, controls by (reference of the card, name), and what comes then."""


@dataclass(frozen=True)
class Claims:
    """Who does what of work that processes share: each takes what nobody has taken yet, one from either end.

    So none waits for another: what one of them takes long for, the other needs not.
    """

    folder: str
    """Where a taken item is a folder of its own: the system makes it for one process alone."""
    backwards: bool = False

    def each(self, kind: str, items: Sequence[T]) -> Iterator[tuple[int, T]]:
        """The items of that kind that are this process's, when it takes them, and how many nobody had taken before."""
        numbers = range(len(items))
        for i in reversed(numbers) if self.backwards else numbers:
            with suppress(FileExistsError):
                os.mkdir(os.path.join(self.folder, f"{kind} {i}"))
                n_taken = sum(name.startswith(f"{kind} ") for name in os.listdir(self.folder))
                yield len(items) - n_taken + 1, items[i]


@dataclass(frozen=True)
class Left:
    """What is left to be proven."""

    asked: tuple[Question, ...]
    counted: tuple[Question, ...]
    controls: tuple[tuple[str, str], ...]
    further: tuple[Further, ...] = ()

    @property
    def ordered(self) -> Asked:
        """All of it, in the order in which it is best done."""
        return groups(self.asked), groups(self.counted), self.controls, self.further

    def shared_out(self, folder: str, in_two: bool) -> list[tuple[Asked, Claims]]:
        """What each process is given: all of it, and its claims, for which `folder` is; none where nothing is left."""
        n_items = sum(map(len, self.ordered))
        sides = (False, True)[: min(n_items, 1 + in_two)]
        return [(self.ordered, Claims(folder, backwards)) for backwards in sides]


def groups(asked: Sequence[Question]) -> tuple[Group, ...]:
    """All arms of a function on a workload together, so that its definition is asked once and one record holds their
    work; and those of one subject together, so that it is loaded once, functions with most arms first: what takes long
    is begun early, so that no process ends long after the other."""
    found: dict[Question, list[Question]] = {}
    for question in asked:
        found.setdefault(_of_any_arm(question), []).append(question)
    return tuple(sorted(map(tuple, found.values()), key=lambda group: (group[0].workload.subject, -len(group))))


def _of_any_arm(question: Question) -> Question:
    return replace(question, arm="", candidate=None, allow=())


def has_room_for_two() -> bool:
    """Whether this process may use two cores, and enough memory is free."""
    return n_cores_allowed() > 1 and psutil.virtual_memory().available >= ROOM_FOR_TWO_BYTES
