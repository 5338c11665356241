"""What a record can say of two sides held against each other."""

from typing import Literal

from pydantic import Field

from speedproof.pairs.workload import Workload
from speedproof.timing.launches import Launch
from speedproof.timing.method import PLAIN

from .base import About, Body, Stated


class SideSeen(Stated):
    """One side of a comparison of two: how it was named, what it came to."""

    text: str
    commit: str
    """Empty where the twins are of no commit."""
    tree: str
    """Fingerprint of the twins' source."""
    requirements: tuple[str, ...]
    versions: dict[str, str]


class AnswersCompared(Stated):
    """The answers of two sides: each against the oracle, and against each other."""

    status: Literal["same", "rounding", "different", "unstable"]
    n_different: int = 0
    """Values whose bits differ."""
    largest: float | None = 0.0
    """Largest difference as a share of the largest value; None where something other than a number differs."""
    first: str = ""
    errors: tuple[float, float] = (0.0, 0.0)
    """Worst error against the oracle, before and after, as a share of the scale."""
    allowed: float = 0.0
    wrong: tuple[str, str] = ("", "")
    """What the gate says of each side's answer; empty where it is right."""


class Hotspot(Stated):
    """An operator whose number or time moved between two sides, a call."""

    operator: str
    count: tuple[float, float]
    self_us: tuple[float, float]
    lines: tuple[str, ...]
    """Where it is called from on the side that has more of it."""


class Compared(Body):
    """One twin on two sides. The launches' baseline is before, their contender after; `confirming` are independent."""

    kind: Literal["compared"] = "compared"
    before: SideSeen
    after: SideSeen
    finding: str
    function: str
    workload: Workload
    twin: str
    failure: str = ""
    """Why there is nothing to compare; empty where there is."""
    answers: AnswersCompared | None = None
    counts: dict[str, tuple[int | None, int | None]] = Field(default_factory=dict)
    """Counter -> number before and after."""
    tables: dict[str, dict[str, tuple[int, int]]] = Field(default_factory=dict)
    """What counters counted by name, where it differs."""
    launches: tuple[Launch, ...] = ()
    method: str = PLAIN.name
    """By which method they were sampled and are read; records from before methods had names have none."""
    confirming: tuple[Launch, ...] = ()
    timing_failure: str = ""
    hotspots: tuple[Hotspot, ...] = ()

    @property
    def about(self) -> About:
        """The function, by the twin that was compared."""
        return About.of(self, self.twin)
