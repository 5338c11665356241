"""What a record can say of a profiler trace: the operators that one call used, and which of them called which."""

from typing import Literal

from pydantic import Field

from speedproof.pairs.workload import Workload

from .base import About, Body, Stated


class Operator(Stated):
    """All calls of one operator in a trace. Its own share alone: what the operators that it calls took is theirs."""

    name: str
    count: int
    self_us: float
    """Microseconds of the processor, under the profiler."""
    self_bytes: int
    """Memory taken less memory given back; below zero where more was given back."""
    self_device_us: float = 0.0
    """Microseconds of the accelerator."""


class Node(Stated):
    """Calls of one operator from one place among the operators, added up."""

    name: str
    count: int
    total_us: float
    """What `inside` took included."""
    inside: tuple["Node", ...] = ()


class Traced(Body):
    """One call of an arm under the profiler, on the workload's first items. Slower than a timed call: no figure."""

    kind: Literal["traced"] = "traced"
    finding: str
    function: str
    arm: str
    workload: Workload
    source: str
    """Fingerprint of the file that holds the arm."""
    n_items: int
    n_calls: int = Field(ge=1)
    total_us: float
    """Microseconds of the call, what is no operator's included: Python, the tokenizer, and the profiler itself."""
    operators: tuple[Operator, ...]
    """Every operator, the one that took longest first."""
    tree: tuple[Node, ...]
    """Operators by who called them, without the many small ones that together hold 1% of the time."""

    @property
    def about(self) -> About:
        """The function, by the arm that was traced."""
        return About.of(self, self.arm)

    @property
    def between_us(self) -> float:
        """Microseconds of the call that no operator took."""
        return max(0.0, self.total_us - sum(one.self_us for one in self.operators))
