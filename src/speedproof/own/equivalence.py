"""When a candidate did with a draw what the reference did: answer, exception, and what became of the arguments."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from speedproof.errors import BadInput, NotEquivalent
from speedproof.failures import reason
from speedproof.gate import outputs
from speedproof.pairs.contract import Allowed, Equivalence, Evidence, Examination, Inputs
from speedproof.pairs.kit import Kit
from speedproof.pairs.marks import is_array

from .effects.files import FILES, noted, written_outside
from .effects.process import Place, kept_apart, state_objection
from .effects.random_numbers import drawn_apart, random_marks
from .reference.answers import Answer, Answers
from .reference.gradients import gradients, has_graph
from .same import Same
from .values.bands import distance, size
from .values.differences import Difference, exact_difference, in_repr, is_identical, opaque
from .values.leaf import Leaves, torch
from .values.leaves import given, leaves, n_floats


def everything(answer: Answer, found: Any) -> Difference | None:
    """Structure, keys, order, types, shapes, dtypes and discrete values exact; floating point within the band."""
    return _everywhere(answer, leaves(found))


def _everywhere(answer: Answer, mine: Leaves) -> Difference | None:
    right = answer.outcome.leaves
    if difference := exact_difference(right, mine):
        return difference
    return None if is_identical(right, mine) else answer.band.difference(mine)


def require_visible(answer: Answer) -> None:
    """Raises BadInput where an answer holds what cannot be looked into, such as a function or a coroutine."""
    if hidden := opaque(answer.outcome.leaves):
        expected = "data, or --same FILE.py:NAME, a function of both answers that raises where they are not the same"
        if "coroutine" in hidden or "async_generator" in hidden:
            expected = "functions that wait for the answer themselves, as def f(xs): return asyncio.run(g(xs))"
        raise BadInput(f"{hidden}, so two answers cannot be held against each other. Expected {expected}.")


@dataclass(frozen=True, eq=False)
class TheSame(Equivalence):
    """The candidate does with a draw what the reference does: the same answer, or the same kind of exception."""

    answers: Answers
    same: Same | None = None
    exceptions: str = "type"
    why: str = "floating-point sums may be taken in another order"
    seen: dict[str, Any] = field(default_factory=dict)
    """The worst error so far, and where its limit came from."""

    def examine(self, inputs: Inputs, reference: Any, output: Any, allowed: Allowed) -> Examination:
        """Holds an output to the answer of the draw that the inputs were made of."""
        answer = self.answers.of(inputs.draw)  # type: ignore[attr-defined]
        if answer.outcome.error:
            told = f"answers {_shown(output)} where the reference raises {reason(answer.outcome.error)}."
            yield NotEquivalent("refusals", told)
            return Evidence(1)
        yield from self._memory(inputs, answer, output)
        # Once, since what an iterator has given it does not give again.
        with written_outside() as outside, noted() as late:
            mine = {} if self.same else leaves(output)
        if late or outside:
            yield NotEquivalent(FILES, "writes files only while somebody goes through its answer.")
        if self.same is None:
            require_visible(answer)
        difference = self.same.judge(answer, output) if self.same else _everywhere(answer, mine)
        if difference:
            yield NotEquivalent(difference.rule, f"{difference}", difference.excess)
        elif self.same is None and torch() and has_graph(answer.outcome.answer):
            yield from self._gradients(answer, inputs, output)
        return self._evidence(answer, mine)

    def _gradients(self, answer: Answer, inputs: Inputs, output: Any) -> Examination:
        """What flows back through an answer must be the same as well, by the same rule."""
        wanted = answer.gradients.outcome
        try:
            mine, error = gradients(inputs, output), None
        except Exception as raised:
            mine, error = {}, raised
        if type(error) is not type(wanted.error):
            told = [reason(one) if one else "gradients" for one in (error, wanted.error)]
            yield NotEquivalent("autograd", f"gives {told[0]} where one goes back, the reference {told[1]}.")
        elif not error and (difference := _everywhere(answer.gradients, leaves(mine))):
            yield NotEquivalent("autograd", f"in what flows back, {difference}", difference.excess)
        return Evidence(0)

    def _memory(self, inputs: Inputs, answer: Answer, output: Any) -> Examination:
        """Who writes into an answer that is an argument's own memory writes into the argument, and may rely on it."""
        kit, draw = self.answers.kit, answer.draw
        alone = draw.source.has_sizes and draw.size < 2
        if answer.outcome.shares and not alone and self._is_apart(kit, inputs, output):
            yield NotEquivalent(
                "own memory",
                "returns a copy, where the reference's answer is in its argument's own memory: one follows the other.",
            )
        return Evidence(0)

    def _is_apart(self, kit: Kit, inputs: Inputs, output: Any) -> bool:
        return outputs.memory(kit, output).isdisjoint(outputs.memory(kit, dict(inputs)))

    def _evidence(self, answer: Answer, mine: Leaves) -> Evidence:
        found = answer.outcome.leaves
        if not n_floats(found) or self.same:
            return Evidence(len(found))
        share = 0.0 if is_identical(found, mine) else answer.band.worst_share(mine)
        n = n_floats(found) + sum(not leaf.is_float for leaf in found.values())
        return Evidence(n, {"element": share}, answer.draw.words)

    def raised(self, inputs: Inputs, error: BaseException) -> NotEquivalent | None:
        """What is wrong with the exception, or None where the reference raises the like."""
        expected = self.answers.of(inputs.draw).outcome.error  # type: ignore[attr-defined]
        if expected is None:
            return NotEquivalent("raises", f"raised {reason(error)}, where the reference answers.")
        if self.exceptions == "any":
            return None
        if type(error).__qualname__ != type(expected).__qualname__:
            return NotEquivalent(
                "refusals",
                f"raised {reason(error)}, the reference {reason(expected)}. Expected the same type of exception.",
            )
        if self.exceptions == "text" and str(error) != str(expected):
            return NotEquivalent(
                "refusals", f"raised {reason(error)}, the reference {reason(expected)}. Expected the same words."
            )
        return None

    def left(self, inputs: Inputs, is_unchanged: bool) -> NotEquivalent | None:
        """What is wrong with the arguments after the call, or None where the reference leaves them so."""
        answer = self.answers.of(inputs.draw)  # type: ignore[attr-defined]
        return self.after(answer, given(inputs), random_marks(), self.seen.get("behind", {}))

    @contextmanager
    def during(self, inputs: Inputs) -> Iterator[None]:
        """Notes what the call changes of the process's state, and puts it back."""
        with kept_apart(self.answers.kit, self.answers.of_state) as behind:
            self.seen["behind"] = behind
            yield

    def after(self, answer: Answer, mine: Leaves, drawn: Any, left: Mapping[Place, Any]) -> NotEquivalent | None:
        """The same of the arguments' leaves, of where the global random generators stand, and of what a call left
        changed."""
        return self._arguments(answer, mine, drawn) or state_objection(answer.outcome.left, left)

    def _arguments(self, answer: Answer, mine: Leaves, drawn: Any) -> NotEquivalent | None:
        wanted = answer.outcome.after
        difference = exact_difference(wanted, mine)
        if not difference and not is_identical(wanted, mine) and not (answer.changes_inputs and _close(wanted, mine)):
            difference = Difference("inputs", "a number in them", "is another.")
        if difference is None:
            if drawn_apart(answer.outcome.drawn, drawn):
                return NotEquivalent(
                    "inputs",
                    "draws other numbers from the global random generators than the reference does, or in another "
                    "order.",
                )
            return None
        told = (
            "leaves its arguments otherwise than the reference does"
            if answer.changes_inputs
            else "changes its arguments"
        )
        return NotEquivalent("inputs", f"{told}: {_argument(difference.place)} {difference.words}")

    def autograd(self, inputs: Inputs) -> tuple[bool, bool] | None:
        """As it sees the reference's answer to these; where that is one that is gone through once, as nothing."""
        return outputs.autograd(self.answers.kit, self.answers.of(inputs.draw).outcome.answer)  # type: ignore[attr-defined]

    def may_share(self, inputs: Inputs) -> bool:
        """Whether the reference's answer is in memory that an argument holds."""
        return self.answers.of(inputs.draw).outcome.shares  # type: ignore[attr-defined]


def _argument(place: str) -> str:
    """A place in the arguments, as `argument 'items'[3]`."""
    name, _, rest = place.removeprefix("[").partition("]")
    return f"argument {name}{rest}" if place.startswith("[") else place or "the arguments"


def _close(one: Leaves, other: Leaves) -> bool:
    """Within rounding: a change in place may be worked out in another order."""
    for place, leaf in one.items():
        if leaf.is_float:
            apart = distance(leaf.value, other[place].value)
            room = 1e-6 * size(leaf.value)
            if is_array(apart):
                if bool((apart > room).any()):
                    return False
            elif apart > room:
                return False
    return True


def _shown(value: Any) -> str:
    return f"{in_repr(value):.60}"
