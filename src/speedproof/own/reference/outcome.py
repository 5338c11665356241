"""What a function did with one set of arguments, and what the reference said to one draw."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from speedproof.callables import name_of
from speedproof.clock import cpu_s
from speedproof.errors import BadInput
from speedproof.gate import outputs
from speedproof.own.draws import Draw, Drawn
from speedproof.own.effects.files import FILES, noted, written_outside
from speedproof.own.effects.process import Place, kept_apart
from speedproof.own.effects.random_numbers import put_back, random_marks, random_states, seed_all
from speedproof.own.values.differences import is_identical
from speedproof.own.values.leaf import Leaves
from speedproof.own.values.leaves import given, leaves
from speedproof.pairs.kit import Kit
from speedproof.pairs.marks import is_array

LEAF_BYTES = 200
"""Bytes that one place of an answer takes, about."""

Carry = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Makes of one side's values the other's: the same, but for objects of classes that each side's tree has."""


def as_they_are(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """What both sides take alike."""
    return values


class Between(NamedTuple):
    """How values go from the candidate's tree to the reference's, and back."""

    there: Carry = as_they_are
    back: Carry = as_they_are

    def reference_inputs(self, inputs: Drawn) -> Drawn:
        """The reference's arguments, of the candidate's."""
        found = Drawn(self.there(inputs))
        found.draw = inputs.draw
        return found


ONE_TREE = Between()


@dataclass(frozen=True)
class Outcome:
    """What a function did with one set of arguments."""

    answer: Any
    error: Exception | None
    after: Leaves
    """The arguments after the call."""
    shares: bool
    """Whether the answer is in memory that an argument holds."""
    drawn: Any = None
    """Where the global random generators stand afterwards, from the draw's own start."""
    left: Mapping[Place, Any] = field(default_factory=dict)
    """What it left changed in files, and of the process's state, where that was watched."""
    outside: tuple[str, ...] = ()
    """Files that it wrote outside the folder for temporary files, which nobody compares."""

    @cached_property
    def leaves(self) -> Leaves:
        """The answer, leaf by leaf."""
        return leaves(self.answer)

    @property
    def files(self) -> dict[str, Any]:
        """What it left in files, by path."""
        return {path: entry for (aspect, path), entry in self.left.items() if aspect == FILES}


def ask(
    function: Callable[..., Any],
    inputs: Mapping[str, Any],
    kit: Kit,
    seed: int = 0,
    of_state: bool = False,
    back: Carry = as_they_are,
) -> Outcome:
    """Calls the function, with the global random generators at a start of their own. What it raises is part of the
    outcome, and so is what it wrote and, with `of_state`, what it changed of the process's state; both are put back.
    `back` makes of its values what they are held against."""
    held = outputs.memory(kit, dict(inputs))
    before = random_states()
    seed_all(seed)
    answer, raised, shares = None, None, False
    try:
        with written_outside() as outside, kept_apart(kit, of_state) as left:
            try:
                answer = function(**inputs)
            except Exception as error:
                raised = error
            else:
                shares = not outputs.memory(kit, answer).isdisjoint(held)
                answer = back({"": answer})[""]
            after, drawn = given(back(inputs)), random_marks()
        return Outcome(answer, raised, after, shares, drawn, left, tuple(outside))
    finally:
        put_back(before)


class Run:
    """One run of the reference: what it answered to one draw. It is asked again as often as somebody wants."""

    def __init__(
        self,
        reference: Callable[..., Any],
        draw: Draw,
        kit: Kit,
        of_state: bool = False,
        between: Between = ONE_TREE,
    ) -> None:
        self.reference, self.draw, self.kit, self._of_state, self.between = reference, draw, kit, of_state, between
        start_s = cpu_s()
        self.outcome = self.ask(reference, self.inputs())
        self.took_cpu_s = cpu_s() - start_s
        if self.outcome.left or self.outcome.outside:
            # What it loads or sets up once is no part of what it does.
            self.outcome = self.ask(reference, self.inputs())

    def inputs(self) -> Drawn:
        """The reference's arguments, made anew."""
        return self.between.reference_inputs(self.draw.make())

    def ask(self, function: Callable[..., Any], inputs: Mapping[str, Any]) -> Outcome:
        """What this function, the reference or another form of it, does with the inputs."""
        return ask(function, inputs, self.kit, self.draw.seed, self._of_state, self.between.back)

    def says(self, function: Callable[..., Any], inputs: Mapping[str, Any]) -> Leaves | None:
        """What it answers, leaf by leaf, and nothing else of what it does; None where it raises."""
        found = self.ask(function, inputs)
        return None if found.error else found.leaves

    @cached_property
    def n_bytes(self) -> int:
        """About how much memory it holds."""
        held = (*self.outcome.after.values(), *(() if self.outcome.error else self.outcome.leaves.values()))
        return sum(leaf.value.nbytes if is_array(leaf.value) else LEAF_BYTES for leaf in held)

    def repeats(self) -> bool:
        """Whether the reference, asked again, says the same."""
        again = self.ask(self.reference, self.inputs())
        if self.outcome.error or again.error:
            return type(self.outcome.error) is type(again.error)
        return is_identical(self.outcome.leaves, again.leaves) and self.outcome.files == again.files

    def told_twice(self) -> str:
        """What it says of the same inputs one time and the next."""
        again = self.ask(self.reference, self.inputs())
        if self.outcome.files != again.files:
            return " and ".join(f"the files {', '.join(one.files) or 'none'}" for one in (self.outcome, again))
        return f"{self.outcome.answer!r:.80}, then {again.answer!r:.80}"

    def require_written_at_once(self) -> None:
        """Raises BadInput where the reference writes files only while somebody goes through its answer."""
        if self.outcome.error:
            return
        with written_outside() as outside, noted() as late:
            _ = self.outcome.leaves
        if late or outside:
            path = next(iter(outside), "") or next(iter(late))[1]
            raise BadInput(
                f"{name_of(self.reference)}, the reference, writes {path} while somebody goes through its answer. "
                "Expected a function that has written everything when it returns."
            )

    @cached_property
    def changes_inputs(self) -> bool:
        """Whether the reference leaves its arguments as others than it got them."""
        return not is_identical(given(self.inputs()), self.outcome.after)
