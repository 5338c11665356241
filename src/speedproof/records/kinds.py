"""What a record can say: one class a kind, of those that the instrument itself writes."""

import math
from dataclasses import fields
from statistics import fmean, median
from typing import Literal, Self

from pydantic import Field, model_validator

from speedproof.gate.certificate import Certificate, Refusal
from speedproof.machine.condition import Conditions
from speedproof.machine.rates import Rate
from speedproof.machine.roofline import Work
from speedproof.pairs.finding import TWINS
from speedproof.pairs.workload import Workload
from speedproof.timing.comparison import Comparison
from speedproof.timing.launches import Launch
from speedproof.timing.method import PLAIN, method_named

from .base import About, Body
from .sides import Compared
from .trace import Traced


class Certified(Body):
    """A check that passed."""

    kept = True

    kind: Literal["certified"] = "certified"
    certificate: Certificate
    largest: int | None = None
    """The largest size of inputs that was asked about; None where sizes mean nothing, or where nobody looked."""

    @property
    def about(self) -> About:
        """The function, by the arm that was certified."""
        return About.of(self.certificate, self.certificate.twin)


class Refused(Body):
    """A check that did not pass, or a measurement whose timed outputs were wrong: there is no figure."""

    kept = True

    kind: Literal["refused"] = "refused"
    finding: str
    function: str
    workload: Workload
    twin: str
    code: str
    reason: str
    rule: str = ""
    trial: str = ""
    excess: float | None = None
    """Error as a multiple of what is allowed, where the rule is about a number."""
    baseline: str = ""
    """The arm that it was to be timed against; none where the gate itself refused."""

    @property
    def about(self) -> About:
        """The function, by the arm that was refused, after its baseline if it had one."""
        arms = (self.baseline, self.twin) if self.baseline else (self.twin,)
        return About.of(self, *arms)


def as_answered(answer: Certificate | Refusal) -> Certified | Refused:
    """The gate's answer as a record says it, whole."""
    return Certified(certificate=answer) if isinstance(answer, Certificate) else Refused(**vars(answer))


def answer_of(body: Certified | Refused) -> Certificate | Refusal:
    """The gate's answer that a record says."""
    if isinstance(body, Certified):
        return body.certificate
    return Refusal(**{field.name: getattr(body, field.name) for field in fields(Refusal)})


class CounterExampled(Body):
    """Arguments on which a candidate does not do what the reference does, and what both do, in words."""

    kind: Literal["counter-example"] = "counter-example"
    finding: str
    function: str
    workload: Workload
    inputs: str
    expected: str
    got: str
    file: str
    """Python that shows it without this project."""
    draw: str
    """Size and seed."""


class Faulted(Body):
    """What became of small faults that were planted in a candidate, under the very check that it passed."""

    kind: Literal["faults"] = "faults"
    finding: str
    function: str
    workload: Workload
    n_planted: int
    n_seen: int
    unseen: tuple[str, ...]
    unreached: tuple[str, ...]
    """Lines that no input reached."""
    why_none: str = ""
    n_possible: int = 0


class Counted(Body):
    """Work counts by arm, taken in a run of their own: the definition first, then every arm that passed the gate."""

    kept = True

    kind: Literal["counted"] = "counted"
    finding: str
    function: str
    workload: Workload
    sources: dict[str, str]
    counts: dict[str, dict[str, int]]
    """Counter -> number, by arm."""
    tables: dict[str, dict[str, dict[str, int]]] = Field(default_factory=dict)
    """What some counters counted by name, such as operators, by arm."""
    n_items: int | None = None
    """Items of the workload that the counted calls were on; None where all were."""

    @property
    def call(self) -> str:
        """What was counted, to be read."""
        return f"one call on {self.n_items} of {self.workload.n_items} items" if self.n_items else "one call"


class Needed(Body):
    """The least work that a call's answer takes, whatever code gives it."""

    kind: Literal["needed"] = "needed"
    finding: str
    function: str
    workload: Workload
    work: Work


class Rated(Body):
    """What the machine could do, before or after the timing: raw seconds of products and of moving memory."""

    kind: Literal["rated"] = "rated"
    n_threads: int
    multiplied: tuple[Rate, ...]
    moved: tuple[Rate, ...]

    @property
    def flops_per_s(self) -> dict[str, float]:
        """FLOP/s by shape."""
        return {rate.what: rate.per_s for rate in self.multiplied}

    @property
    def bytes_per_s(self) -> float:
        """Bytes/s, the faster of reading and copying."""
        return max(rate.per_s for rate in self.moved)


class Measured(Body):
    """Paired samples of a contender, which `certificate` is of, against a baseline: another certified arm, or the
    definition where there is no `baseline` certificate. An arm against itself is the A/A pair."""

    kept = True

    kind: Literal["measured"] = "measured"
    certificate: Certificate
    baseline: Certificate | None = None
    launches: tuple[Launch, ...]
    method: str = PLAIN.name
    """By which method they were sampled and are read; records from before methods had names have none."""

    @model_validator(mode="after")
    def _compares(self) -> Self:
        """Raises where certificates and samples make no comparison, so that whoever reads it later need not ask."""
        Comparison(self.certificate, self.launches, self.baseline)
        return self

    @property
    def about(self) -> About:
        """The function, by both arms."""
        return About.of(self.certificate, *self.arms)

    @property
    def arms(self) -> tuple[str, str]:
        """Names of baseline and contender."""
        return self.baseline.twin if self.baseline else TWINS[0], self.certificate.twin

    @property
    def null(self) -> bool:
        """Whether this is an A/A pair."""
        return self.about.is_null

    @property
    def comparison(self) -> Comparison:
        """What the samples say."""
        return Comparison(self.certificate, self.launches, self.baseline, method_named(self.method))


class Alone(Body):
    """Seconds of an arm alone, at a size at which the definition would take too long. No speed-up comes of it.

    `certificate` is of a smaller size of the same series; at this one the answers about `n_sampled` of the items were
    held to the definition's.
    """

    kind: Literal["alone"] = "alone"
    finding: str
    function: str
    workload: Workload
    certificate: Certificate
    n_sampled: int = Field(ge=1)
    samples_s: tuple[tuple[float, ...], ...]
    """Seconds per call, a fresh process each."""

    @property
    def about(self) -> About:
        """The function, by the arm that was timed."""
        return About.of(self, self.certificate.twin)

    @property
    def seconds(self) -> float:
        """Geometric mean over processes of the middle sample."""
        return math.exp(fmean(math.log(median(taken)) for taken in self.samples_s))


class Judged(Body):
    """The gate's answer to a control."""

    kept = True

    kind: Literal["judged"] = "judged"
    finding: str
    control: str
    wrong: bool
    as_expected: bool
    answer: str
    rule: str = ""
    """The rule that rejected it; empty where it passed."""
    trial: str = ""
    excess: float | None = None
    """Error as a multiple of what is allowed, where the rule is about a number."""
    at_the_limit: bool = False
    """Whether the control is made from the gate's own allowance, so that its error is just above it."""
    only: str = ""
    """The rule, aspect or trial that alone rejects it, where one does."""
    who: str = ""
    """Who would write it."""
    why: str = ""
    """Why it is wrong, or no fix."""


class Begun(Body):
    """The beginning of a sitting that can be resumed. `scope` stands for all that must then be the same."""

    kind: Literal["begun"] = "begun"
    scope: str
    seed: int
    process: int
    process_began_s: float
    """Seconds since 1970; with the number it names the process for good."""


class Resumed(Body):
    """A sitting that was interrupted goes on: what stands before it in the sitting was taken in an earlier stretch."""

    kind: Literal["resumed"] = "resumed"
    pause_s: float
    n_kept: int
    """Answers, judgements, counts and measurements of earlier stretches that were not made again."""
    process: int
    process_began_s: float


class Sat(Body):
    """The end of a sitting: how long its last stretch was, and how much of it went into the code under test."""

    kind: Literal["sat"] = "sat"
    wall_s: float
    under_test_s: float
    peak_host_bytes: int
    seed: int
    conditions: Conditions | None = None
    """What the machine was doing before and after; None in records from before this was read."""
    spent_s: dict[str, float] = Field(default_factory=dict)
    """Seconds by stage; "at once" are those that have to be taken off, since two stages shared them."""


KINDS: tuple[type[Body], ...] = (
    *(Certified, Refused, CounterExampled, Faulted, Counted, Needed, Rated, Measured, Alone, Judged, Compared, Traced),
    *(Begun, Resumed, Sat),
)
"""The instrument's own. A project may have more, which it hands to `read` beside these."""
