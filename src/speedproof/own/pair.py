"""Anybody's pair: two functions that are to give the same answer, and the inputs that they are asked about."""

import inspect
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from speedproof.callables import name_of, source_file, written
from speedproof.errors import BadInput
from speedproof.failures import reason
from speedproof.pairs import files
from speedproof.pairs.apart import Apart
from speedproof.pairs.carrying import carried
from speedproof.pairs.contract import Equivalence, Inputs
from speedproof.pairs.finding import OF_SHORT_CALLS, Claim, Disturbed, Finding, MakeInputs, Pair
from speedproof.pairs.kit import PLAIN, Kit
from speedproof.pairs.references import given_to, resolve
from speedproof.pairs.trial import Trial
from speedproof.pairs.workload import Workload

from .draws import Draw, Drawn, Make, Source, require_repeatable
from .effects.files import FILES, folder
from .equivalence import TheSame, require_visible
from .inputs import source_of
from .reference.answers import Answers
from .reference.outcome import ONE_TREE, Between
from .same import Same, agreeing, parsed
from .signatures import by_name, require_bound, require_one_signature
from .trials import SIZES, USUAL, Asked, trials
from .values.leaf import is_module, torch

BUDGET_S = 60.0
"""Seconds that a check may take."""
WITH_SEED = "the same check with seed="
"""What asks again about a pair that no command named."""
Exceptions = Literal["type", "text", "any"]
"""What must be the same of an exception that the reference raises."""


class Worked:
    """A field of a pair that is worked out when it is first asked for; what it was given is kept beside it."""

    def __init__(self, work_out: Callable[[Any], Any]) -> None:
        self.work_out = work_out
        self.__doc__ = work_out.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: object | None, owner: type) -> Any:
        if instance is None:
            return self
        key = f"worked out: {self.name}"
        if key not in vars(instance):
            vars(instance)[key] = self.work_out(instance)
        return vars(instance)[key]

    def __set__(self, instance: object, given: Any) -> None:
        vars(instance)[self.name] = given


class Afresh(Worked):
    """The same, worked out each time."""

    def __get__(self, instance: object | None, owner: type) -> Any:
        return self if instance is None else self.work_out(instance)


class OwnPair(Pair):
    """Two functions that are to give the same answer.

    `reference` and `candidate` are functions, or names of them: FILE.py:NAME, package.module:NAME, and with REV: before
    it what a commit had. `inputs` is a function `make(size, rng)` that returns keyword arguments, one example, a
    Hypothesis strategy, a name of one of these, or None where annotations say enough. `same` says what counts as the
    same answer where it is not everything (`numbers`, `ranking`, `argmax`, `sets`, `clusters`), or is a function of the
    two answers that raises. `specials` also asks about infinite, tiny and missing numbers. `grow` also asks about items
    in another order, repeated, fewer, none, ragged and of subclasses, which a generator may have kept out on purpose.
    `allow` names aspects of state that the candidate may leave changed, each as "aspect: reason".

    Raises:
        BadInput: a name that names nothing, two functions of other parameters, inputs that do not bind. A name is
            looked up when it is first needed.
    """

    picks_items: ClassVar[bool] = False

    def __init__(
        self,
        reference: Callable[..., Any] | str,
        candidate: Callable[..., Any] | str,
        inputs: Any = None,
        *,
        same: Same | Callable[[Any, Any], Any] | str | None = None,
        sizes: Sequence[int] | None = None,
        exceptions: Exceptions = "type",
        specials: bool = False,
        grow: bool = False,
        allow: Sequence[str] = (),
        budget_s: float = BUDGET_S,
        asked_by: Sequence[str] = (),
    ) -> None:
        if exceptions not in ("type", "text", "any"):
            raise BadInput(f"exceptions={exceptions!r} is no way to compare them. Expected type, text or any.")
        if sizes is not None and (not sizes or not all(isinstance(size, int) and size >= 0 for size in sizes)):
            raise BadInput(f"sizes={sizes!r} are no sizes. Expected whole numbers from 0 on.")
        self._set("inputs_given", inputs)
        self._set("same_given", same)
        self._set("sizes", {size: SIZES.get(size, 2) for size in sizes} if sizes else SIZES)
        self._set("exceptions", exceptions)
        self._set("specials", specials)
        self._set("grow", grow)
        self._set("allow", tuple(allow))
        self._set("budget_s", budget_s)
        self._set("asked_by", tuple(asked_by))
        self._set("card_at", "")
        self._set("usual", usual := _usual(self.sizes))
        super().__init__(
            sequential=reference,
            batched=candidate,
            inputs=self._drawn,
            equivalence="",
            workloads=(
                Workload("smoke", "", usual, "none", n_threads=1),
                Workload("report", "", max(self.sizes), "none", n_threads=1),
            ),
            items=(),
            unit="size",
        )

    inputs_given: Any
    same_given: Any
    sizes: dict[int, int]
    exceptions: Exceptions
    specials: bool
    grow: bool
    allow: tuple[str, ...]
    budget_s: float
    asked_by: tuple[str, ...]
    usual: int
    card_at: str
    """Where the pair is written down, as FILE.py:NAME or module:NAME, so that another process finds it."""

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    @property
    def name(self) -> str:
        """The reference's name."""
        given = given_to(self, "sequential")
        return given.rpartition(":")[2] if isinstance(given, str) else name_of(given)

    @cached_property
    def functions(self) -> tuple[Callable[..., Any], Callable[..., Any]]:
        """Reference and candidate. Raises BadInput unless both take the same parameters."""
        found = tuple(_function(given_to(self, name)) for name in ("sequential", "batched"))
        reference, candidate = (by_name(one, found) for one in found)
        require_one_signature(reference, candidate)
        return reference, candidate

    @Worked
    def sequential(self) -> Callable[..., Any]:
        """The reference."""
        return self.functions[0]

    @Worked
    def batched(self) -> Callable[..., Any]:
        """The candidate."""
        return self.functions[1]

    @cached_property
    def source(self) -> Source:
        """Where inputs come from. Raises BadInput."""
        given, words = self.inputs_given, "inputs"
        if isinstance(given, str):
            words, given = f"--inputs {_shown(given)}", files.load(given)
            if given is None:
                raise BadInput(f"{words} is None. Expected make(size, rng), an example, or a Hypothesis strategy.")
        elif callable(given):
            words = f"inputs {name_of(given)}"
        parameters = inspect.signature(self.functions[0]).parameters.values()
        optional = frozenset(p.name for p in parameters if p.default is not p.empty)
        source = source_of(given, words, self.functions[0])
        source = replace(source, given=self._carried_from_today(source.given), optional=optional)
        size = max((size for size in self.sizes if size <= USUAL), default=min(self.sizes))
        require_repeatable(source, size)
        require_bound(source, size, self.functions[0])
        return source

    @cached_property
    def answers(self) -> Answers:
        """The reference's answers."""
        return Answers(self.functions[0], self.kit, self._between)

    @Worked
    def kit(self) -> Kit:
        """torch's where something of the pair has imported it."""
        _ = self.functions
        found: Kit = resolve("speedproof.tensors.kit:TORCH") if torch() else PLAIN
        return found

    @Worked
    def equivalence(self) -> Equivalence:
        """When two answers are the same."""
        given = self.same_given
        if isinstance(given, str):
            given = parsed(given, files.load)
        same = given if given is None or isinstance(given, Same) else agreeing(given)
        return TheSame(self.answers, same, self.exceptions)

    @Afresh
    def trials(self) -> tuple[Trial, ...]:
        """The questions to the candidate."""
        return trials(
            Asked(
                self.source,
                self.answers,
                self.sizes,
                self.usual,
                self.budget_s,
                self.specials,
                self.grow,
                self.not_carried,
            )
        )

    @cached_property
    def _trees(self) -> tuple[Apart | None, Apart | None]:
        """The commits that reference and candidate are of; None for today's."""
        given = (given_to(self, name) for name in ("sequential", "batched"))
        reference, candidate = (files.tree_of(one) if isinstance(one, str) else None for one in given)
        return reference, candidate

    def _carried_from_today(self, make: Make) -> Make:
        """The candidate's arguments: what is made is of today's classes."""
        candidate = self._trees[1]
        return (lambda size, seed: carried(make(size, seed), None, candidate, self._tell)) if candidate else make

    def _tell(self, why: str) -> None:
        """Notes why arguments were not made objects of a commit's classes."""
        self.not_carried[f"objects of the commit's own classes, which could not be made of today's: {why}"] = None

    @cached_property
    def not_carried(self) -> dict[str, None]:
        """What is told beside the verdict of a commit's arguments."""
        return {}

    @cached_property
    def _between(self) -> Between:
        """How values go from the candidate's tree to the reference's."""
        reference, candidate = self._trees
        if reference is candidate:
            return ONE_TREE
        return Between(
            lambda values: carried(values, candidate, reference, self._tell),
            lambda values: carried(values, reference, candidate),
        )

    def made(self, draw: Draw, function: Callable[..., Any]) -> Drawn:
        """The arguments of that draw for one of the two, of the classes that its tree has."""
        made = draw.make()
        return self._between.reference_inputs(made) if function is self.sequential else made

    def inputs_of(self, arm: Callable[..., Any]) -> MakeInputs:
        """What makes the inputs of one of the two."""
        return lambda workload, subject, order: self.made(self._draw(workload, order), arm)

    def may_write_in(self, inputs: Inputs) -> tuple[Path | str, ...]:
        """The folder whose content is compared."""
        return (folder(),)

    def _drawn(self, workload: Workload, subject: Any, order: Sequence[int] | None) -> Inputs:
        return self._draw(workload, order).make()

    def _draw(self, workload: Workload, order: Sequence[int] | None) -> Draw:
        wanted = workload.n_items if order is None else len(order)
        size = min(self.sizes, key=lambda size: abs(size - wanted))
        return Draw(self.source, size, workload.seed)

    def reference(self, subject: Any) -> Any:
        """The reference, which must say the same twice. Raises BadInput where it does not."""
        self.require_sound()
        return self.functions[0]

    def modules(self, subject: Any) -> Mapping[str, Any]:
        """torch's modules among the arguments, by name: their hooks, modes and attributes are watched."""
        made = self.source.make(min(self.sizes, key=lambda size: abs(size - 1)), 0)
        return {name: value for name, value in made.items() if is_module(value)}

    def require_sound(self) -> None:
        """Raises BadInput where the reference raises whatever it is asked, or says one thing and then another."""
        sizes = [size for size in self.sizes if size <= self.usual] if self.source.has_sizes else [0]
        draws = [Draw(self.source, size, 0) for size in sizes]
        # Answers may be large, so what is wanted of one is noted before the next is asked for.
        outcomes = ((draw, self.answers.of(draw).outcome) for draw in draws)
        seen = [(draw, bool(one.left), one.error, one.outside) for draw, one in outcomes]
        self.answers.of_state = any(left for _, left, _, _ in seen)
        if all(error for _, _, error, _ in seen):
            draw, _, error, _ = seen[-1]
            assert error is not None
            raise BadInput(
                f"{self.name}, the reference, raises on all inputs that it was asked about: {reason(error)} "
                f"({draw.words}). Expected inputs that it can answer."
            )
        if outside := next((outside for *_, outside in seen if outside), ()):
            self._require_allowed(outside[0])
        for draw in draws:
            answer = self.answers.of(draw)
            if self.same_given is None and not answer.outcome.error:
                require_visible(answer)
            if not answer.repeats():
                raise BadInput(
                    f"{self.name}, the reference, answers the same inputs ({draw.words}) differently each time: "
                    f"{answer.told_twice()}. Expected one answer: pass a seeded generator in, or sort what comes out "
                    "of a set."
                )

    def _require_allowed(self, written: str) -> None:
        """Raises BadInput where the reference writes what nobody compares, and no reason was given why it may."""
        if not any(one.partition(":")[0].strip() == FILES for one in self.allow):
            raise BadInput(
                f"{self.name}, the reference, writes {written}. Only what it writes below the folder for temporary "
                "files is compared. Expected a path from tempfile.mkdtemp() that make(size, rng) returns, or --allow "
                '"files: WHY" where what is written does not matter.'
            )

    def asked_as(self, *words: str) -> Self:
        """The same pair, which these words of a command name."""
        self._set("asked_by", words)
        return self

    def given_names(self) -> tuple[str, ...]:
        """Names of reference, candidate and inputs, of those that were given by name or can be found so."""
        given = [given_to(self, "sequential"), given_to(self, "batched"), self.inputs_given]
        return tuple(one if isinstance(one, str) else name_in_file(one) for one in given if one is not None)

    def command(self, seed: int) -> str:
        """The command that the pair was named by, with the seed."""
        if not self.asked_by:
            return f"{WITH_SEED}{seed}"
        return f"speedproof check {shlex.join(self.asked_by)} --seed {seed}"

    @property
    def same_words(self) -> str:
        """What counts as the same answer where it is not everything, with the reason."""
        given = self.same_given
        if given is None or isinstance(given, str):
            return given or ""
        return f"{given.words}, because: {given.why}" if isinstance(given, Same) else name_of(given)

    @property
    def _title(self) -> str:
        """The candidate in place of the reference; with their files where both have one name."""
        both = [given_to(self, name) for name in ("batched", "sequential")]
        short = [_shown_name(given) for given in both]
        if short[0] == short[1]:
            short = [*reversed(self.asked_by[:2])] if len(self.asked_by) > 2 else [_shown(given) for given in both]
        return " in place of ".join(short)

    @cached_property
    def finding(self) -> Finding:
        """The pair as a finding of its own."""
        return OwnFinding(
            module="",
            number=0,
            name=self.name,
            title=self._title,
            claim=Claim.faster("faster"),
            pairs=(self,),
            definition_digest="",
            disturbed_by=Disturbed("short calls: interruptions, and the processor's frequency", OF_SHORT_CALLS),
            counters=(),
            card_at=self.card_at,
        )


@dataclass(frozen=True, eq=False)
class OwnFinding(Finding):
    """The finding of one pair, wherever that is written down."""

    card_at: str = ""

    def command(self, verb: str) -> str:
        """What asks for the pair by the names that it was asked for."""
        asked: tuple[str, ...] = getattr(self.pairs[0], "asked_by", ())
        return f"speedproof {verb} {shlex.join(asked)}"

    @property
    def card(self) -> str:
        """Reference to the pair."""
        return self.card_at


def name_in_file(function: Any) -> str:
    """FILE.py:NAME of a function; empty where another process could not find it by that."""
    inner = written(function) if callable(function) else None
    path = source_file(inner) if inner else None
    name = getattr(inner, "__qualname__", "")
    return f"{path}:{name}" if path and name and "<" not in name else ""


def _usual(sizes: Mapping[int, int]) -> int:
    """The size at which all that hangs on no size is asked: the largest that takes no long time, and that is some."""
    some = [size for size in sizes if size > 1]
    return max((size for size in some if size <= USUAL), default=min(some, default=max(sizes)))


def _function(given: Any) -> Callable[..., Any]:
    found = files.load(given) if isinstance(given, str) else given
    if not callable(found):
        raise BadInput(
            f"{_shown(given)} is {type(found).__name__} {found!r:.60}, no function. Expected one that can be called."
        )
    return found  # type: ignore[no-any-return]


def _shown(given: Any) -> str:
    """A name as a user would write it: its file by name alone where the path is long."""
    if not isinstance(given, str):
        return name_of(given) if callable(given) else repr(given)
    name = files.parsed(given)
    where = Path(name.where)
    try:
        where = where.relative_to(Path.cwd())
    except ValueError:
        pass
    return f"{name.revision[:9]}:{where}:{name.attribute}" if name.revision else f"{where}:{name.attribute}"


def _shown_name(given: Any) -> str:
    return _shown(given).rpartition(":")[2] if isinstance(given, str) else name_of(given)


def settings(pair: OwnPair) -> Mapping[str, Any]:
    """What the pair was given beside its functions, as plain data."""
    return {
        "sizes": list(pair.sizes),
        "exceptions": pair.exceptions,
        "specials": pair.specials,
        "grow": pair.grow,
        "allow": list(pair.allow),
    }
