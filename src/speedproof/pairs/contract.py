"""The contract between twins' outputs: what an equivalence is, what examining an output yields, what is evidence.

An examination yields objections and goes on where it can; the first that counts is the refusal.
"""

from abc import ABC, abstractmethod
from collections.abc import Container, Generator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from speedproof.errors import NotEquivalent

Inputs = Mapping[str, Any]
"""Keyword arguments of one call of a twin."""
Allowed = Mapping[str, float]
"""Largest error per measure, each a share of the output's scale."""
TELLING_DISTANCE = 2.0
"""Times the allowed error by which outputs of different items must differ. Two answers that are both within the allowed
error of one number are at most that far apart (triangle inequality), so a mix-up beyond it cannot pass."""


@dataclass(frozen=True)
class Evidence:
    """What a check saw: how much was compared, how far off the worst was, and where.

    `worst_errors` are shares of the output's scale, by measure (element, length, direction); `n_in_band` counts the
    decisions that were too close to call, which are not among the `n_compared`.
    """

    n_compared: int
    worst_errors: Mapping[str, float] = field(default_factory=dict)
    worst_at: str = ""
    n_in_band: int = 0


Examination = Generator[NotEquivalent, None, Evidence]


class Equivalence(ABC):
    """When two outputs are the same answer: a value whose `examine` holds an output against the reference."""

    why: str
    """Why equal does not mean bitwise equal; empty where it does, and then nothing is allowed."""

    @abstractmethod
    def examine(self, inputs: Inputs, reference: Any, output: Any, allowed: Allowed) -> Examination:
        """Yields an objection for each rule that `output` breaks; returns what was seen.

        `reference` is what the pair says knows the right answers (`Pair.reference`).
        """

    def floor(self, subject: Any) -> Allowed:
        """The errors that rounding alone may cause on that subject, by measure; none where answers are exact."""
        return {}

    def raised(self, inputs: Inputs, error: BaseException) -> NotEquivalent | None:
        """What is wrong with a function that raises on these inputs; None where the definition raises the like."""
        return NotEquivalent("raises", f"raised {type(error).__name__}: {str(error)[:300]}.")

    def left(self, inputs: Inputs, is_unchanged: bool) -> NotEquivalent | None:
        """What is wrong with the inputs after the call; `is_unchanged` says whether they are what they were."""
        if is_unchanged:
            return None
        return NotEquivalent("inputs", "changes its inputs. Expected them as they were given.")

    def during(self, inputs: Inputs) -> AbstractContextManager[Any]:
        """What is to hold while a function is called with these inputs."""
        return nullcontext()

    def may_share(self, inputs: Inputs) -> bool:
        """Whether the answer to these inputs may be in memory that they hold."""
        return False

    def autograd(self, inputs: Inputs) -> tuple[bool, bool] | None:
        """How autograd sees the answer to these inputs: whether it carries a graph, whether it can never join one. None
        where that is the same of all inputs."""
        return None

    def diagnose(self, inputs: Inputs, reference: Any, output: Any, allowed: Allowed) -> str:
        """What a wrong output looks like, in the user's words; empty where no pattern is known."""
        return ""


def settle(examination: Examination, *, without: Container[str] = ()) -> Evidence:
    """The evidence. Raises NotEquivalent at the first objection, but for rules that do not count (`without`)."""
    while True:
        try:
            objection = next(examination)
        except StopIteration as end:
            evidence: Evidence = end.value
            return evidence
        if objection.rule not in without:
            raise objection
