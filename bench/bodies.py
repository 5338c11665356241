"""What a record can say: one class a kind."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from .certificate import Certificate
from .comparison import Launch
from .workload import Workload


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Certified(_Body):
    """A check that passed."""

    kind: Literal["certified"] = "certified"
    certificate: Certificate


class Refused(_Body):
    """A check that did not pass, or a measurement whose timed outputs were wrong: there is no figure."""

    kind: Literal["refused"] = "refused"
    finding: str
    function: str
    workload: Workload
    twin: str
    code: str
    reason: str


class Counted(_Body):
    """Work counts of both twins, taken in a run of their own."""

    kind: Literal["counted"] = "counted"
    finding: str
    function: str
    workload: Workload
    sources: dict[str, str]
    sequential: dict[str, int]
    batched: dict[str, int]
    sequential_tables: dict[str, dict[str, int]] = Field(default_factory=dict)
    """What some counters counted by name, such as operators."""
    batched_tables: dict[str, dict[str, int]] = Field(default_factory=dict)


class Measured(_Body):
    """Paired samples, under a certificate. `null` marks the A/A pair: the batched twin against itself."""

    kind: Literal["measured"] = "measured"
    certificate: Certificate
    launches: tuple[Launch, ...]
    null: bool = False


class Judged(_Body):
    """The gate's answer to a control."""

    kind: Literal["judged"] = "judged"
    finding: str
    control: str
    wrong: bool
    as_expected: bool
    answer: str


class Powered(_Body):
    """What a tool said in one trial of the power study, by its decision rules: has the call become slower?"""

    kind: Literal["powered"] = "powered"
    tool: str
    injected: float
    """Injected extra time, as a share of a call."""
    loaded: bool
    """Whether all other cores were kept busy."""
    budget_s: float
    alarms: dict[str, bool]
    wall_s: float
    """What the trial took in all, the tool's own processes' start included."""


class Begun(_Body):
    """The beginning of a sitting that can be resumed. `scope` stands for all that must then be the same."""

    kind: Literal["begun"] = "begun"
    scope: str
    seed: int
    process: int
    process_began_s: float
    """Seconds since 1970; with the number it names the process for good."""


class Resumed(_Body):
    """A sitting that was interrupted goes on: what stands before it in the sitting was taken in an earlier stretch."""

    kind: Literal["resumed"] = "resumed"
    pause_s: float
    n_kept: int
    """Answers, judgements, counts and measurements of earlier stretches that were not made again."""
    process: int
    process_began_s: float


class Sat(_Body):
    """The end of a sitting: how long its last stretch was, and how much of it went into the code under test."""

    kind: Literal["sat"] = "sat"
    wall_s: float
    under_test_s: float
    peak_host_bytes: int
    seed: int


Body = Annotated[
    Certified | Refused | Counted | Measured | Judged | Powered | Begun | Resumed | Sat, Field(discriminator="kind")
]
"""Any of them; `kind` tells which."""
