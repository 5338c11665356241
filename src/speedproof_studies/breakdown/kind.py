"""What a record says of where a call goes."""

from typing import Literal

from pydantic import Field

from speedproof.machine.roofline import Work
from speedproof.pairs.workload import Workload
from speedproof.records.base import Body, Stated


class Spent(Stated):
    """One call under the profiler, and one without it beside."""

    seconds: float = Field(gt=0)
    """Of the call without the profiler."""
    profiled_s: float = Field(gt=0)
    flops_per_s: float = Field(gt=0)
    """The rate at which the machine multiplied right after both."""
    self_s: dict[str, float]
    """Seconds of each operator's own under the profiler, without those of the operators that it calls."""


class Breakdown(Body):
    """Where the calls of a batched twin went in one fresh process. No figure of a speed-up."""

    kind: Literal["breakdown"] = "breakdown"
    finding: str
    function: str
    workload: Workload
    source: str
    """Fingerprint of the twin's files."""
    work: Work
    """The least work of a call."""
    flops: dict[str, int]
    """Floating-point operations of a call, by operator: matrix products and attention, by torch's own formulas."""
    calls: tuple[Spent, ...] = Field(min_length=1)
