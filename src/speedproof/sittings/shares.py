"""Shares: what is left to be proven, shared out to processes that work beside each other."""

import os
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import psutil

from speedproof.pairs.question import Question

T = TypeVar("T")

ROOM_FOR_TWO_BYTES = 18 * 2**30
"""Free memory from which on two processes prove at once. Each takes up to 6 GiB; below, the gate would have to leave
out the longest hostile texts for want of memory (`lens/hostile.py`)."""

Share = tuple[tuple[Question, ...], tuple[Question, ...], tuple[tuple[str, str], ...]]
"""Questions to be answered, questions to be counted, and controls by (reference of the card, name)."""


@dataclass(frozen=True)
class Left:
    """What is left to be proven."""

    asked: tuple[Question, ...]
    counted: tuple[Question, ...]
    controls: tuple[tuple[str, str], ...]

    def shared_out(self, in_two: bool) -> list[Share]:
        """What each process does; none where nothing is left.

        Of two, each gets every second one: both load the subjects, and neither waits long for the other. Two arms of a
        function then go apart where they are all that is slow, and each process asks the definition once. They are
        counted together, since one record holds the work of all arms of a function.
        """
        n = 2 if in_two else 1
        asked, counted = in_order(self.asked), _dealt(self.counted, n, _of_any_arm)
        controls = _dealt(self.controls, n, lambda control: control[0])
        shares = [(asked[part::n], counted[part], controls[n - 1 - part]) for part in range(n)]
        return [share for share in shares if any(share)]


def _dealt(items: Sequence[T], n: int, together: Callable[[T], Hashable]) -> list[tuple[T, ...]]:
    """The items in `n` parts, by turns; what is the same by `together` stays in one part, and their order stays."""
    turns: dict[Hashable, int] = {}
    for item in items:
        turns.setdefault(together(item), len(turns) % n)
    return [tuple(item for item in items if turns[together(item)] == part) for part in range(n)]


def in_order(asked: Sequence[Question]) -> tuple[Question, ...]:
    """Those of one subject together, so that it is loaded once, and all arms of one function on one workload, so that
    its definition is asked once."""
    first: dict[Question, int] = {}
    for question in asked:
        first.setdefault(_of_any_arm(question), len(first))
    return tuple(sorted(asked, key=lambda question: (question.workload.subject, first[_of_any_arm(question)])))


def _of_any_arm(question: Question) -> Question:
    return replace(question, arm="", candidate=None, allow=())


def has_room_for_two() -> bool:
    """Whether this process may use two cores, and enough memory is free."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return allowed > 1 and psutil.virtual_memory().available >= ROOM_FOR_TWO_BYTES
