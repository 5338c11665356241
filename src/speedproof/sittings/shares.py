"""Shares: what is left to be proven, shared out to processes that work beside each other."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import psutil

from speedproof.pairs.question import Question

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
        function then go apart where they are all that is slow, and each process asks the definition once.
        """
        n = 2 if in_two else 1
        asked, controls = in_order(self.asked), _dealt_by_card(self.controls, n)
        shares = [(asked[part::n], self.counted[part::n], controls[part]) for part in range(n)]
        return [share for share in shares if any(share)]


def _dealt_by_card(controls: Sequence[tuple[str, str]], n: int) -> list[tuple[tuple[str, str], ...]]:
    """The controls likewise, a finding's together, in the other direction: who has fewer questions begins."""
    turns: dict[str, int] = {}
    for card, _ in controls:
        turns.setdefault(card, (n - 1 - len(turns)) % n)
    return [tuple(control for control in controls if turns[control[0]] == part) for part in range(n)]


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
