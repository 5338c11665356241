"""What a finding is: a claim of the report, and the pairs of twins that settle it."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from .alterations import Alter
from .digest import digest, source_digest
from .equivalence import Equivalence, Inputs
from .errors import unknown
from .subject import Subject
from .variations import Variation
from .workload import Workload

TWINS = ("sequential", "batched")
"""The two sides of a pair, in the order they are always named."""

MakeInputs = Callable[[Workload, Subject, Sequence[int] | None], Inputs]
"""Fresh keyword arguments for one call; the third argument picks and orders the workload's items, None takes all."""


@dataclass(frozen=True)
class Faster:
    """A call takes less time: by a factor within `band`, or at every size where the claim gives no figure."""

    band: tuple[float, float] | None = None


@dataclass(frozen=True)
class Unchanged:
    """A call takes as long as before: what is gained is something else."""


@dataclass(frozen=True)
class Moved:
    """A counter's number falls, or else rises. The time may do what it will."""

    counter: str
    falls: bool = True


@dataclass(frozen=True)
class Claim:
    """What the source of a finding claims: its words, and the effect that is held against figures."""

    words: str
    effect: Faster | Unchanged | Moved

    @classmethod
    def speedup(cls, low: float, high: float, words: str) -> Self:
        """A speed-up from `low` to `high`. Raises ValueError where that is no range of speed-ups."""
        if not 0 < low <= high:
            raise ValueError(f"{words}: expected a speed-up from a lower to a higher factor, got {low} to {high}.")
        return cls(words, Faster((low, high)))

    @classmethod
    def faster(cls, words: str) -> Self:
        """A speed-up, without a figure."""
        return cls(words, Faster())

    @classmethod
    def no_change(cls, words: str) -> Self:
        """The speed stays as it is."""
        return cls(words, Unchanged())

    @classmethod
    def counter(cls, name: str, words: str, falls: bool = True) -> Self:
        """A counter of the finding falls, or rises."""
        return cls(words, Moved(name, falls))

    @property
    def band(self) -> tuple[float, float] | None:
        """Where the speed-up lies by the claim; None where it gives no figure."""
        if isinstance(self.effect, Faster):
            return self.effect.band
        return (1, 1) if isinstance(self.effect, Unchanged) else None


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
    uses_model: bool = True
    alterations: tuple[tuple[str, str, Alter], ...] = ()
    """Further trials, as (name, what is wrong with who fails it, what is changed under the inputs)."""
    items: tuple[str, ...] = ("texts",)
    """Arguments that hold a workload's items; none where the items are files. Every other argument has a variation."""
    variations: tuple[Variation, ...] = ()
    refused: tuple[Refused, ...] = ()
    """What a candidate must refuse too."""
    unit: str = "items"
    """What a workload's items are, in a reader's word."""

    @property
    def name(self) -> str:
        """The function's name, the same on both sides."""
        return self.sequential.__name__

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

    def __post_init__(self) -> None:
        counted = [counter.__name__ for counter in self.counters]
        effect = self.claim.effect
        if isinstance(effect, Moved) and effect.counter not in counted:
            known = ", ".join(counted)
            raise ValueError(
                f"{self.name} claims something of {effect.counter}. Expected a counter of its own: {known}."
            )

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
