"""Series: the workloads of a sweep, plain data, one axis each."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from speedproof.errors import BadInput

from .workload import Workload

if TYPE_CHECKING:
    from .finding import Finding

PREFIX = "sweep-"
"""Beginning of the names of workloads that are points of a series."""

Axis = Literal["n_items", "n_categories"]
"""What of a workload grows along a series."""


@dataclass(frozen=True)
class Series:
    """One function on workloads that differ in size alone, smallest first.

    What is generated is drawn so that a smaller workload's items are the first of a larger one's.
    """

    finding: str
    function: str
    unit: str
    """What the size counts: texts, files or categories."""
    kind: str
    """What the items are like, in words."""
    workloads: tuple[Workload, ...]
    growth: float = 1.0
    """Power of the size with which the definition's time grows at worst: guesses whether the next call is too long."""
    axis: Axis = "n_items"
    note: str = ""
    """What a reader of its figures must know."""

    def size(self, workload: Workload) -> int:
        """The workload's place on the axis."""
        return int(getattr(workload, self.axis))

    def command(self, workload: Workload) -> str:
        """What asks again about the sizes up to that workload's, which has no name that `check` knows."""
        words = ["sweep", self.finding, "--subject", workload.subject, "--largest", str(self.size(workload))]
        return f"python -m bench {shlex.join(words)}"

    @property
    def title(self) -> str:
        """What all its points share."""
        return f"{self.kind}, {self.workloads[0].subject}"


def series_of(
    findings: Sequence["Finding"],
    subject: str | None = None,
    largest: int | None = None,
    known: Sequence["Finding"] = (),
) -> list[Series]:
    """The findings' series. A subject given replaces the series' own; sizes above `largest` are left out.

    `known` are the findings that an error offers in place of one without a series.

    Raises:
        BadInput: none of the findings has a series, or no size is left.
    """
    swept = [list(_series_of(finding)) for finding in findings]
    if not any(swept):
        offered = ", ".join(finding.name for finding in known if any(_series_of(finding)))
        raise BadInput(f"{', '.join(f.name for f in findings)} has no sweep. Expected one of: {offered or 'none has'}.")
    if subject:
        swept = [_of_subject(of_finding, subject) for of_finding in swept]
    chosen = [series for of_finding in swept for series in of_finding]
    smallest = {one.unit: one.size(one.workloads[0]) for one in reversed(chosen)}
    if largest is not None:
        kept = [(s, tuple(w for w in s.workloads if s.size(w) <= largest)) for s in chosen]
        chosen = [replace(s, workloads=workloads) for s, workloads in kept if workloads]
    if not chosen:
        expected = ", ".join(f"{size} or more for {unit}" for unit, size in smallest.items())
        raise BadInput(f"--largest {largest} leaves no size. Expected {expected}.")
    return chosen


def _series_of(finding: "Finding") -> Iterator[Series]:
    return (series for pair in finding.pairs for series in pair.series)


def _of_subject(of_finding: Sequence[Series], subject: str) -> list[Series]:
    """One finding's series on the subject: those whose own subject it is a variant of, else those of the first."""
    own = [series.workloads[0].subject for series in of_finding]
    meant = next((name for name in own if name == subject.split(":")[0]), own[0] if own else "")
    return [_on(series, subject) for series, name in zip(of_finding, own, strict=True) if name == meant]


def _on(series: Series, subject: str) -> Series:
    return replace(series, workloads=tuple(replace(w, subject=subject) for w in series.workloads))
