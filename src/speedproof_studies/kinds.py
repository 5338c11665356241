"""What a record can say of a study: one class a kind, beside the instrument's own."""

from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from speedproof.gate.certificate import Certificate
from speedproof.pairs.workload import Workload
from speedproof.records import kinds
from speedproof.records.base import Body, Stated
from speedproof.timing.launches import Launch

from .breakdown.kind import Breakdown


class Rejected(Stated):
    """A valid rewrite that the gate rejected, which it may not: the trial's seed, what was drawn, the gate's reason."""

    seed: int
    options: dict[str, bool | int | str]
    reason: str


class Rewritten(Body):
    """Trials of valid rewrites of one finding, with the seeds from `seed` on.

    `closest` is the largest error among those that passed, as a share of the error allowed: how much room the gate
    leaves to what is right. `gate` fingerprints what judged them.
    """

    kept = True

    kind: Literal["rewritten"] = "rewritten"
    finding: str
    subject: str
    seed: int
    n_trials: int = Field(ge=1)
    n_rewrites: int
    closest: float
    rejected: tuple[Rejected, ...]
    gate: str


class Read(Body):
    """Textbook rewrites of one name, held against their references with the seeds from `seed` on.

    `gate` fingerprints what judged them; faults were planted with the first seed, where the candidate passed.
    """

    kind: Literal["textbook"] = "textbook"
    entry: str
    right: bool
    seed: int
    n_seeds: int = Field(ge=1)
    n_passed: int
    n_refused: int
    unjudged: tuple[str, ...] = ()
    """Why a seed led to no judgement."""
    why_refused: tuple[str, ...] = ()
    """What was said where a right one was refused."""
    closest: float = 0.0
    """The largest error among those that passed, as a share of what is allowed."""
    n_planted: int = 0
    n_seen: int = 0
    gate: str


class Survived(BaseModel):
    """A mutant that nothing noticed: where, the line as the fault leaves it, why that may be. No reason, no peace."""

    function: str
    operator: str
    line: str
    kind: str
    reason: str


class Mutated(Body):
    """Mutants of one module of the twins or of the gate: those that there are, that were tried, and their fates.

    `killed` counts by what noticed: of a twin the gate's rule, of the gate what was judged wrongly then. The mutants
    tried were drawn from `seed`. `source` and `gate` fingerprint the module and what judged.
    """

    kind: Literal["mutated"] = "mutated"
    module: str
    source: str
    n_mutants: int
    n_tried: int
    killed: dict[str, int]
    survived: tuple[Survived, ...]
    seed: int
    gate: str

    @property
    def n_killed(self) -> int:
        """Mutants that something noticed."""
        return sum(self.killed.values())


class Powered(Body):
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
    rule: str = ""
    """By which rule it was sampled and estimated: trials of one rule alone are added up. Old records name none."""
    seed: int | None = None
    """Of the random orders, where the tool has any."""
    n_products: int | None = None
    """Extra matrix products in a call, which make the injected time."""
    slowdown: float | None = Field(default=None, gt=0)
    """after / before as the tool estimated it, with its interval; this tool's alone."""
    interval: tuple[float, float] | None = None
    withheld: str = ""
    """Why the tool gave no verdict, where it gave none: whoever asked saw no alarm."""


class Planted(Body):
    """One trial of the study of two sides: a change planted into a copy of the twins, and whether it was told."""

    kind: Literal["planted"] = "planted"
    plant: str
    found: bool
    """Whether the comparison told this change; of an identical copy, whether it told any."""
    answers: str
    work: tuple[str, ...]
    time: str
    launches: int
    slowdown: float | None = Field(default=None, gt=0)
    interval: tuple[float, float] | None = None
    budget_s: float


class Interval(Stated):
    """A speed-up with its interval, as one method reads it."""

    speedup: float = Field(gt=0)
    low: float
    high: float


class Burst(Body):
    """One measurement of a pair, in quiet or under bursts of load: what each method reads out of the same samples."""

    kind: Literal["burst"] = "burst"
    finding: str
    function: str
    workload: Workload
    null: bool
    """Whether it was an arm against itself."""
    loaded: bool
    burst_s: float
    share: float
    """Share of the time that bursts take."""
    n_processes: int | None = None
    """Processes that made the load; in records from before they were counted, four a core."""
    seed: int
    n_launches: int = 0
    n_pairs: int = 0
    n_disturbed: int = 0
    slow_share: float = 0.0
    """Of the others, those of slow phases of the machine."""
    told: dict[str, Interval] = Field(default_factory=dict)
    """By the method's name."""
    failure: str = ""
    """Why it came to nothing."""


class Waited(Body):
    """A command that was asked some times, as a process of its own: seconds by the clock and of the processor, the most
    memory that one process of it held, and the seconds that are aimed at, if any are."""

    kind: Literal["latency"] = "latency"
    command: str
    wall_s: tuple[float, ...] = Field(min_length=1)
    cpu_s: tuple[float, ...]
    peak_mib: float = Field(ge=0)
    most_s: float | None = None


class Peered(Body):
    """Another library's way beside the batched twin, on one workload. The launches' baseline is the peer, in a place of
    its own, their contender the twin; there are none where the answers are not right, or it cannot be run here."""

    kind: Literal["peer"] = "peer"
    finding: str
    function: str
    workload: Workload
    peer: str
    way: str
    """What it calls, in words."""
    requirements: tuple[str, ...] = ()
    """What its environment has beside the project's own libraries; none where it ran among these."""
    left_out: tuple[str, ...] = ()
    """What was taken out of it again, since it does not load here and is not called."""
    versions: dict[str, str] = Field(default_factory=dict)
    unsupported: str = ""
    """Why it cannot be run here."""
    refused: str = ""
    """The gate's reason, or what is wrong with its answer on this workload."""
    certificate: Certificate | None = None
    """The gate's whole answer about the peer, on the workload that it names; answers on another one are held to what
    it allows."""
    twin_certificate: Certificate | None = None
    made_s: float | None = None
    """Seconds that it took, outside the timed calls, to make the library's object of the same weights."""
    launches: tuple[Launch, ...] = ()
    method: str = ""
    """By which method they were sampled and are read."""
    failure: str = ""
    """Why the timing came to nothing."""

    @model_validator(mode="after")
    def _is_proven_before_timed(self) -> Self:
        """Raises where there are samples of what no certificate covers."""
        unproven = self.unsupported or self.refused or not (self.certificate and self.twin_certificate)
        if self.launches and unproven:
            raise ValueError(f"{self.peer} has samples without a certificate. Expected the gate's answer first.")
        return self


class Tried(Body):
    """A small random model of one kind, saved and loaded by one API, with SAEs and a tokenizer, put to the gate."""

    kind: Literal["tried"] = "tried"
    model: str
    api: str
    """What stands behind the folder's name; empty for the bridge in compatibility mode."""
    tokenizer: str
    sae: str
    away: dict[str, float] = Field(default_factory=dict)
    """The oracle's distance from Transformers' own forward pass in float64, as a share of a row's largest number, by
    how they are compared."""
    refused: dict[str, str] = Field(default_factory=dict)
    """Function and why it got no certificate; empty words where it got one."""
    unsupported: str = ""
    """Why nothing could be asked."""


class Cost(Stated):
    """What one arm's features are off by against float64, over all texts. Ranks are those of each text's strongest
    features; `worst_error` is a share of the text's largest feature."""

    n_appeared: int
    """Times that a feature fires and should not."""
    n_vanished: int
    """Times that one is silent and should fire."""
    n_moved: int
    """Of the strongest, those at another rank."""
    most_moved: int
    """Ranks that one of them moved, at most."""
    n_replaced: int
    """Of the strongest, those that no longer are."""
    worst_error: float
    peak_bytes: int
    """Of one call, beyond what was there before."""
    refused: str = ""
    """What the gate's rules for answers say, held to float32's rounding bound; empty where it is right."""


class Reduced(Body):
    """What a batched twin costs in features where it is run in reduced precision, beside the twin as it is. It has no
    place for samples: what is not the definition's answer is no speed-up."""

    kind: Literal["reduced"] = "reduced"
    finding: str
    function: str
    workload: Workload
    source: str
    """Fingerprint of what answered."""
    n_firing: int
    """Times that a feature fires in float64."""
    n_undecided: int
    """Times that one is closer to its threshold than float32 can tell."""
    n_ranked: int
    """Features whose ranks are followed."""
    allowed: float
    """What rounding in float32 may do, as a share of a text's largest feature."""
    weight_bytes: int
    batch_bytes: int
    """Of one batch's activations, by formula."""
    fast_by: tuple[str, ...]
    """The processor's instructions for bfloat16."""
    costs: dict[str, Cost]
    """By precision."""


class Trained(Body):
    """How good an SAE is that was trained here on a real model: losses are in nats a token, on tokens held back."""

    kind: Literal["trained"] = "trained"
    subject: str
    sae: str
    weights: str
    """Fingerprint of the SAE's files."""
    loss_as_it_is: float
    loss_reconstructed: float
    """With the SAE's reconstruction in place."""
    loss_zeros: float
    """With zeros in place."""
    recovered: float
    """Share of what zeros lose that the reconstruction keeps."""
    l0: float
    """Features that fire on a token, on average."""
    first_token: float | None = None
    """How many times as large the stream in front of the layer is at the first token as at the others, by medians."""
    n_tokens: int
    n_epochs: int
    held_back: int


KINDS: tuple[type[Body], ...] = (
    *kinds.KINDS,
    *(Read, Rewritten, Mutated, Powered, Planted, Burst, Waited, Peered, Tried, Reduced, Trained, Breakdown),
)
"""Every kind that this project writes."""
