"""A control: a plausible function that is wrong on purpose. The gate must reject it, for the reason given."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from speedproof.pairs.finding import Finding, Pair
from speedproof.pairs.subjects import Subject
from speedproof.pairs.workload import Workload

from .certificate import Certificate, Refusal
from .check import certify
from .gate import GATE, Gate


@dataclass(frozen=True)
class Control:
    """Somebody's fix that should not be recorded as a speed-up."""

    finding: Finding
    function: Callable[..., Any]
    why: str
    """Why it is wrong, or not a fix."""
    expect: str
    """Words that the refusal must contain, so that a rejection for another reason is no kill."""
    workload: str | Workload = "smoke"
    kind: Literal["wrong", "at the limit", "no faster"] = "wrong"
    """`at the limit`: wrong by just more than the gate allows, since it has asked the gate for its allowance.
    `no faster`: gives the right answer, and is shown because it is no fix; the gate must pass it."""
    pair_name: str = ""
    only: str = ""
    """The rule, aspect of state or trial without which the gate would pass it; empty where several would catch it."""

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.__name__

    @property
    def who(self) -> str:
        """Who would write it: the function's own words."""
        return (self.function.__doc__ or "").split("\n\n")[0]

    @property
    def pair(self) -> Pair:
        """The pair whose batched twin the control stands in for."""
        return self.finding.pair(self.pair_name) if self.pair_name else self.finding.pairs[0]

    @property
    def on(self) -> Workload:
        """The workload that it is judged on."""
        return self.workload if isinstance(self.workload, Workload) else self.pair.workload(self.workload)

    def judge(self, subject: Subject | None = None, gate: Gate = GATE) -> "Judgement":
        """What the gate says of the control."""
        return Judgement(self, certify(self.finding, self.pair, self.on, self.function, subject, gate, SEED))


SEED = 7
"""Of the fresh texts, so that a control is judged alike every time."""


@dataclass(frozen=True)
class Judgement:
    """The gate's answer to a control."""

    control: Control
    answer: Certificate | Refusal

    @property
    def as_expected(self) -> bool:
        """Whether the gate did its work: rejected what is wrong, for the right reason, and passed what is right."""
        if self.control.kind == "no faster":
            return isinstance(self.answer, Certificate)
        return isinstance(self.answer, Refusal) and self.control.expect in self.answer.reason
