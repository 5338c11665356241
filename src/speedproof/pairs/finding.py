"""What a finding is: a claim of the report, and the pairs of twins that settle it."""

import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

from speedproof.digest import digest, file_digest, source_digest
from speedproof.errors import BadInput, unknown

from .contract import Equivalence, Inputs
from .kit import PLAIN, Kit
from .references import Referred, Target, file_of, given_to, resolve
from .series import Series
from .subjects import Subject, by_name
from .trial import Trial
from .variations import Variation
from .workload import Workload

TWINS = ("sequential", "batched")
"""The two sides of a pair, in the order they are always named."""

CAREFUL = "careful"
"""The arm that a careful user would write without being told: a loop, no graph, the one hook, an early stop."""

MakeInputs = Callable[[Workload, Any, Sequence[int] | None], Inputs]
"""Fresh keyword arguments for one call, given a workload and its subject; the third argument picks and orders the
workload's items, None takes all."""


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
class Arm:
    """A rung of a pair's ladder: a function that stands in for a twin, and what it adds to the rung below."""

    name: str
    adds: str
    function: Callable[..., Any] | str = ""
    """Or a reference to it; nothing for the twin of that name."""


@dataclass(frozen=True, eq=False)
class Pair:
    """The two twins of one function, the inputs they are called with, and when their answers are the same.

    Whatever needs a library may be given as a reference, `module:NAME`.

    Raises:
        ValueError: the first of the arms is not the definition, the batched twin is missing among them, or a name comes
            twice.
    """

    sequential: Referred[Callable[..., Any]] = Referred()
    batched: Referred[Callable[..., Any]] = Referred()
    inputs: Referred[MakeInputs] = Referred()
    equivalence: Referred[Equivalence] = Referred()
    workloads: tuple[Workload, ...] = ()
    kit: Referred[Kit] = Referred(PLAIN)
    """What is known of the libraries that the functions use: their state, memory, devices and threads."""
    subject: Referred[Callable[[Workload], Subject]] = Referred(by_name)
    """What the functions are run on, beside a workload's items. Raises BadInput where a workload names none."""
    trials: Referred[tuple[Trial, ...]] = Referred(())
    """Questions to a candidate that this pair alone has, or the pairs of its kind."""
    items: tuple[str, ...] = ("texts",)
    """Arguments that hold a workload's items; none where the items are files. Every other argument has a variation."""
    variations: Referred[tuple[Variation, ...]] = Referred(())
    refused: Referred[tuple[Refused, ...]] = Referred(())
    """What a candidate must refuse too."""
    unit: str = "items"
    """What a workload's items are, in a reader's word."""
    arms: tuple[Arm, ...] = ()
    """The ladder, where there is one: from the definition up, each with one change more. The batched twin is the last,
    or the finding's claim ends below."""
    earlier_ladders: tuple[str, ...] = ()
    """Fingerprints that the ladder's file had when its arms did the same, so that records of then still stand."""
    series: tuple[Series, ...] = ()
    """The sweeps: workloads that differ in size alone."""

    def __post_init__(self) -> None:
        names = self.ladder
        if self.arms and (names[0] != TWINS[0] or TWINS[1] not in names or len(set(names)) != len(names)):
            raise ValueError(f"{self.name}: expected arms from 'sequential' by way of 'batched', got {list(names)}.")
        for arm in self.arms:
            if (arm.name in TWINS) == bool(arm.function):
                raise ValueError(f"{self.name}: arm {arm.name!r} needs a function of its own, and a twin has none.")

    uses_model: ClassVar[bool] = False
    """Whether the answer hangs on the subject's weights."""
    picks_items: ClassVar[bool] = True
    """Whether inputs can be made of any of a workload's items, in any order. Where not, all trials are the pair's own,
    and what the definition does a candidate may do too."""

    @property
    def name(self) -> str:
        """The function's name, the same on both sides."""
        given = given_to(self, "sequential")
        return given.rpartition(":")[2] if isinstance(given, str) else given.__name__

    def reference(self, subject: Any) -> Any:
        """What knows the right answers: the definition, where nothing knows better."""
        return self.sequential

    def inputs_of(self, arm: Callable[..., Any]) -> MakeInputs:
        """What makes the inputs of this arm."""
        return self.inputs

    def may_write_in(self, inputs: Inputs) -> tuple[Path | str, ...]:
        """Files and folders that a call may write into."""
        return tuple(value for value in inputs.values() if isinstance(value, Path))

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

    def command(self, seed: int) -> str:
        """What asks about this pair alone, with that seed, where it is none of a project's findings."""
        return ""

    @property
    def defaults(self) -> dict[str, Any]:
        """The arguments that may be left out, with their values then."""
        parameters = inspect.signature(self.sequential).parameters.values()
        return {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}

    def twin(self, name: str) -> Callable[..., Any]:
        """The twin called `sequential` or `batched`."""
        return {"sequential": self.sequential, "batched": self.batched}[name]

    def arm(self, name: str) -> Callable[..., Any]:
        """The function that goes by this name: `sequential`, `batched`, or a rung of the ladder.

        Raises:
            BadInput: no such arm.
            ValueError: it is called otherwise, or takes other parameters than the definition.
        """
        if name in TWINS:
            return self.twin(name)
        given = self._given(name)
        function: Callable[..., Any] = resolve(given) if isinstance(given, str) else given
        # A certificate names its function, so an arm goes by the same name; twins go by their sides'.
        if function.__name__ != name:
            raise ValueError(f"{self.name}: arm {name!r} is called {function.__name__!r}.")
        self.require_signature(function)
        return function

    def source_digest(self, name: str) -> str:
        """Fingerprint of the file that holds an arm; nothing is imported for it. Raises BadInput."""
        given = self._given(name)
        path = file_of(given) if isinstance(given, str) else None
        return file_digest(path) if path else source_digest(resolve(given) if isinstance(given, str) else given)

    def is_unchanged(self, name: str, then: str) -> bool:
        """Whether an arm does what it did when its file had that fingerprint. Raises BadInput."""
        return then == self.source_digest(name) or (name not in TWINS and then in self.earlier_ladders)

    def _given(self, name: str) -> Callable[..., Any] | str:
        """An arm's function, or the reference to it."""
        given = {twin: given_to(self, twin) for twin in TWINS}
        given |= {arm.name: arm.function for arm in self.arms if arm.function}
        if name not in given:
            known = ", ".join(self.arm_names)
            raise BadInput(f"{self.name} has no arm {name!r}. Expected one of: {known}.")
        found: Callable[..., Any] | str = given[name]
        return found

    @property
    def ladder(self) -> tuple[str, ...]:
        """The names of the arms from the definition up; none where the pair has no ladder."""
        return tuple(arm.name for arm in self.arms)

    @property
    def arm_names(self) -> tuple[str, ...]:
        """The names of all arms: the ladder's, or the twins where there is none."""
        return self.ladder or TWINS

    @property
    def timed_arm_names(self) -> tuple[str, ...]:
        """The names of the arms that a run times: the twins, and the careful loop where there is one."""
        return tuple(name for name in self.arm_names if name in (*TWINS, CAREFUL))

    @property
    def careful_beside(self) -> tuple[str, str] | None:
        """What the careful arm is timed against, as (baseline, contender): the batched twin, where that goes on from
        it; else the definition, where the careful arm goes beyond the batched twin. None where there is none."""
        if CAREFUL not in self.ladder:
            return None
        is_beyond = self.ladder.index(CAREFUL) > self.ladder.index(TWINS[1])
        return (TWINS[0], CAREFUL) if is_beyond else (CAREFUL, TWINS[1])

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
        return {name: self.source_digest(name) for name in TWINS}

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


class Disturbed(NamedTuple):
    """What disturbs a finding's figures, in words, and the signs of the machine that tell of it."""

    words: str
    signs: tuple[str, ...]


OF_PRODUCTS = ("cores", "load", "other processes", "threads", "thread pools", "steal", "swap", "governor", "frequency")
"""Signs of what disturbs matrix products."""
OF_SHORT_CALLS = ("load", "other processes", "steal", "switches", "swap", "governor", "frequency")
"""Signs of what disturbs calls that are over soon."""


MOST_NEAR, NEAR = 3, 0.5
"""Of names that are near to one that is none: how many are told, and how near they are, as `difflib` has it."""


@dataclass(frozen=True, eq=False)
class Finding:
    """One finding of the report. The first pair carries the claim."""

    module: str
    """The module that holds it, under the name FINDING."""
    number: int
    name: str
    title: str
    claim: Claim
    pairs: tuple[Pair, ...]
    definition_digest: str
    """Pinned fingerprint of the sequential file. A changed definition stops everything until this is changed too."""
    disturbed_by: Disturbed
    counters: Referred[tuple[Callable[..., Any], ...]] = Referred()
    baseline_defects: tuple[Defect, ...] = ()
    """Inputs on which the definition itself is wrong; outside the contract, each with a test."""
    controls_in: str = ""
    """Reference to a list of functions that are wrong on purpose; those of other findings in it do not count."""

    @cached_property
    def controls(self) -> tuple[Any, ...]:
        """Functions that are wrong on purpose, which the gate must reject."""
        listed = resolve(self.controls_in) if self.controls_in else ()
        return tuple(control for control in listed if control.finding.name == self.name)

    def control(self, name: str) -> Any:
        """The control of that name. Raises BadInput."""
        by_name = {control.name: control for control in self.controls}
        if name not in by_name:
            raise unknown(f"control of {self.name}", name, list(by_name))
        return by_name[name]

    @property
    def card(self) -> str:
        """Reference to the finding itself."""
        return f"{self.module}:FINDING"

    def command(self, verb: str) -> str:
        """What asks for this finding alone."""
        return f"python -m bench {verb} {self.name}"

    def target(self, function: str) -> Target:
        """One of its functions, by reference."""
        return Target(self.card, function)

    def __post_init__(self) -> None:
        given, effect = given_to(self, "counters"), self.claim.effect
        # What is referred to is not imported for this; a test holds the cards to it.
        counted = [] if isinstance(given, str) else [counter.__name__ for counter in given]
        if counted and isinstance(effect, Moved) and effect.counter not in counted:
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


def named(findings: Sequence[Finding], name: str) -> Finding:
    """The one of that name or number. Raises BadInput."""
    for finding in findings:
        if name in (finding.name, str(finding.number)):
            return finding
    if of := [finding.name for finding in findings if name in _functions(finding)]:
        raise BadInput(f"{name!r} is no finding but a function of {', '.join(of)}. Expected a finding's name.")
    raise unknown("finding", name, [finding.name for finding in findings])


def with_function(findings: Sequence[Finding], name: str) -> tuple[Finding, ...]:
    """Those of all findings that have a function of that name. Raises BadInput, with the nearest names."""
    return _having(findings, "function", name, _functions)


def with_workload(findings: Sequence[Finding], name: str) -> tuple[Finding, ...]:
    """Those of all findings whose every function has a workload of that name. Raises BadInput, with near names."""
    return _having(findings, "workload", name, _workloads)


def _functions(finding: Finding) -> list[str]:
    return [pair.name for pair in finding.pairs]


def _workloads(finding: Finding) -> list[str]:
    listed = [[workload.name for workload in pair.workloads] for pair in finding.pairs]
    return [name for name in listed[0] if all(name in names for names in listed)]


def _having(
    findings: Sequence[Finding], kind: str, name: str, names_of: Callable[[Finding], list[str]]
) -> tuple[Finding, ...]:
    if found := tuple(finding for finding in findings if name in names_of(finding)):
        return found
    known = list(dict.fromkeys(one for finding in findings for one in names_of(finding)))
    near = difflib.get_close_matches(name, known, MOST_NEAR, NEAR)
    told = ", ".join(f"{one} ({_whose(findings, one, names_of)})" for one in near or known)
    raise BadInput(f"No finding has a {kind} {name!r}. Expected one of{' the nearest' * bool(near)}: {told}.")


def _whose(findings: Sequence[Finding], name: str, names_of: Callable[[Finding], list[str]]) -> str:
    found = [finding.name for finding in findings if name in names_of(finding)]
    return "all" if len(found) == len(findings) > 1 else ", ".join(found)
