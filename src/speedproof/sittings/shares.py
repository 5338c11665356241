"""Shares: what is left to be proven, shared out to processes that work beside each other."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import psutil

from speedproof.pairs.question import Question

ROOM_FOR_TWO_BYTES = 16 * 2**30
"""Free memory from which on two processes prove at once. The larger one takes up to 6 GiB, the other one 2; below, the
gate would have to leave out the longest hostile texts for want of memory (`lens/hostile.py`)."""

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

        Of two, the first one does all that is on the subjects that work is counted on, so that each of those is loaded
        once; the second one does the rest.
        """
        asked = in_order(self.asked)
        of_counted = {question.workload.subject for question in self.counted}
        first = tuple(q for q in asked if q.workload.subject in of_counted)
        rest = tuple(q for q in asked if q.workload.subject not in of_counted)
        whole = [(asked, self.counted, self.controls)]
        parts = [(first, self.counted, ()), (rest, (), self.controls)]
        return [share for share in (parts if in_two else whole) if any(share)]


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
