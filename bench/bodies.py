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


class Rejected(_Body):
    """A valid rewrite that the gate rejected, which it may not: the trial's seed, what was drawn, the gate's reason."""

    seed: int
    options: dict[str, bool | int | str]
    reason: str


class Rewritten(_Body):
    """Trials of valid rewrites of one finding, with the seeds from `seed` on.

    `closest` is the largest error among those that passed, as a share of the error allowed: how much room the gate
    leaves to what is right. `gate` fingerprints what judged them.
    """

    kind: Literal["rewritten"] = "rewritten"
    finding: str
    subject: str
    seed: int
    n_trials: int = Field(ge=1)
    n_rewrites: int
    closest: float
    rejected: tuple[Rejected, ...]
    gate: str


class Sat(_Body):
    """The end of a sitting: how long it was, and how much of it went into the code under test."""

    kind: Literal["sat"] = "sat"
    wall_s: float
    under_test_s: float
    peak_host_bytes: int
    seed: int


Body = Annotated[Certified | Refused | Counted | Measured | Judged | Rewritten | Sat, Field(discriminator="kind")]
"""Any of them; `kind` tells which."""
