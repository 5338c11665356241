"""What a finding is: a claim of the report, and the pairs of twins that settle it."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from .contract import Equivalence, Inputs
from .digest import digest, source_digest
from .errors import unknown
from .kit import PLAIN, Kit
from .subjects import Subject, by_name
from .trial import Trial
from .variations import Variation
from .workload import Workload

TWINS = ("sequential", "batched")
"""The two sides of a pair, in the order they are always named."""

MakeInputs = Callable[[Workload, Any, Sequence[int] | None], Inputs]
"""Fresh keyword arguments for one call, given a workload and its subject; the third argument picks and orders the
workload's items, None takes all."""


@dataclass(frozen=True)
class Claim:
    """What the report says: a speed-up from `low` to `high`, or in words where it gives no figure."""

    words: str
    low: float | None = None
    high: float | None = None


class Refused(NamedTuple):
    """Inputs that the definition refuses by its documentation, and the exception that it does so with."""

    words: str
    changes: Callable[[Inputs], Mapping[str, Any]]
    """From inputs that are fine to the arguments that are not."""
    error: type[Exception]


@dataclass(frozen=True)
class Pair:
    """The two twins of one function, the inputs they are called with, and when their answers are the same."""

    sequential: Callable[..., Any]
    batched: Callable[..., Any]
    inputs: MakeInputs
    equivalence: Equivalence
    workloads: tuple[Workload, ...]
    kit: Kit = PLAIN
    """What is known of the libraries that the functions use: their state, memory, devices and threads."""
    subject: Callable[[Workload], Subject] = by_name
    """What the functions are run on, beside a workload's items. Raises BadInput where a workload names none."""
    trials: tuple[Trial, ...] = ()
    """Questions to a candidate that this pair alone has, or the pairs of its kind."""
    items: tuple[str, ...] = ("texts",)
    """Arguments that hold a workload's items; none where the items are files. Every other argument has a variation."""
    variations: tuple[Variation, ...] = ()
    refused: tuple[Refused, ...] = ()
    """What a candidate must refuse too."""

    uses_model: ClassVar[bool] = False
    """Whether the answer hangs on the subject's weights."""

    @property
    def name(self) -> str:
        """The function's name, the same on both sides."""
        return self.sequential.__name__

    def reference(self, subject: Any) -> Any:
        """What knows the right answers: the definition, where nothing knows better."""
        return self.sequential

    def modules(self, subject: Any) -> Mapping[str, Any]:
        """The subject's modules by name, whose state is watched."""
        return {}

    def subject_digest(self, subject: Any) -> str:
        """Fingerprint of the subject, where the answer hangs on it."""
        return ""

    def device_counters(self, subject: Any) -> tuple[Callable[..., Any], ...]:
        """Counters of a device's work, where the subject is on one."""
        return ()

    def least_work(self, inputs: Inputs) -> Any:
        """The least work of one call, whatever code does it; None where it is not known."""
        return None

    @property
    def defaults(self) -> dict[str, Any]:
        """The arguments that may be left out, with their values then."""
        parameters = inspect.signature(self.sequential).parameters.values()
        return {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}

    def twin(self, name: str) -> Callable[..., Any]:
        """The twin called `sequential` or `batched`."""
        return {"sequential": self.sequential, "batched": self.batched}[name]

    def workload(self, name: str | None = None) -> Workload:
        """The pair's workload of that name; without a name, the one that the report's claim is about.

        Raises:
            BadInput: no such workload.
        """
        by_name = {workload.name: workload for workload in self.workloads}
        if (name or "report") not in by_name:
            raise unknown(f"workload of {self.name}", str(name), list(by_name))
        return by_name[name or "report"]

    def source_digests(self) -> dict[str, str]:
        """Fingerprints of the files that hold the twins."""
        return {name: source_digest(self.twin(name)) for name in ("sequential", "batched")}

    def require_signature(self, function: Callable[..., Any]) -> None:
        """Raises ValueError unless `function` takes the definition's parameters, by name and default.

        More parameters may follow that have defaults, and `*args` and `**kwargs` stand for any; whether they can be
        called so is asked by calling.
        """
        wanted, given = inspect.signature(self.sequential), inspect.signature(function)
        kinds = {p.kind for p in given.parameters.values()}
        if {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD} <= kinds:
            return
        is_open = inspect.Parameter.VAR_KEYWORD in kinds
        want = [(p.name, p.default) for p in wanted.parameters.values() if not is_open or p.name in given.parameters]
        have = [(p.name, p.default) for p in given.parameters.values() if p.name in wanted.parameters]
        more = [p for p in given.parameters.values() if p.name not in wanted.parameters]
        needed = [p for p in more if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        if want != have or needed:
            raise ValueError(f"Expected the parameters {_in_words(wanted)}, got {_in_words(given)}.")


def _in_words(signature: inspect.Signature) -> str:
    """The parameters with their defaults and without annotations."""
    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return str(inspect.Signature(bare))


class Defect(NamedTuple):
    """An input on which a definition is wrong, and the test that shows it, as pytest names it."""

    words: str
    test: str

    def __str__(self) -> str:
        return f"{self.words} ({self.test.partition('::')[2]})"


@dataclass(frozen=True)
class Finding:
    """One finding of the report. The first pair carries the claim."""

    number: int
    name: str
    title: str
    claim: Claim
    pairs: tuple[Pair, ...]
    counters: tuple[Callable[..., Any], ...]
    definition_digest: str
    """Pinned fingerprint of the sequential file. A changed definition stops everything until this is changed too."""
    baseline_defects: tuple[Defect, ...] = ()
    """Inputs on which the definition itself is wrong; outside the contract, each with a test."""

    @property
    def digest(self) -> str:
        """Fingerprint over all pairs' sources and workloads: changes whenever older figures no longer apply."""
        return digest([[pair.source_digests(), [w.digest for w in pair.workloads]] for pair in self.pairs])

    def pair(self, name: str) -> Pair:
        """The pair whose function has that name. Raises BadInput."""
        by_name = {pair.name: pair for pair in self.pairs}
        if name not in by_name:
            raise unknown(f"function of {self.name}", name, list(by_name))
        return by_name[name]
