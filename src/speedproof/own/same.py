"""When two answers are the same: by default every place of them; or what a user says that counts, with a reason."""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from speedproof.errors import BadInput, NotEquivalent
from speedproof.failures import reason
from speedproof.gate import outputs
from speedproof.pairs.contract import Allowed, Equivalence, Evidence, Examination, Inputs
from speedproof.pairs.kit import Kit
from speedproof.pairs.marks import is_array, numpy

from .answers import Answer, Answers
from .bands import Band, distance
from .leaves import (
    Difference,
    Leaves,
    exact_difference,
    given,
    in_repr,
    is_identical,
    is_tensor,
    leaves,
    n_floats,
    opaque,
)
from .random_state import drawn_apart, random_marks

Judge = Callable[[Answer, Any], Difference | None]
"""What is wrong with an answer to a draw, or None."""


def everything(answer: Answer, found: Any) -> Difference | None:
    """Structure, keys, order, types, shapes, dtypes and discrete values exact; floating point within the band."""
    return _everywhere(answer, leaves(found))


def _everywhere(answer: Answer, mine: Leaves) -> Difference | None:
    right = answer.outcome.leaves
    if difference := exact_difference(right, mine):
        return difference
    return None if is_identical(right, mine) else answer.band.difference(mine)


@dataclass(frozen=True)
class Same:
    """What counts as the same answer where it is not everything: the words of it, and why."""

    words: str
    why: str
    judge: Judge = field(repr=False)

    def __post_init__(self) -> None:
        if not self.why.strip():
            raise BadInput(f"same={self.words} needs a reason. Expected why='...', which the card shows.")


def numbers(rel: float = 0.0, abs: float = 0.0, why: str = "") -> Same:
    """Floating-point numbers within a relative or absolute tolerance; all else exact. `why` says who chose it.

    Raises:
        BadInput: no tolerance, a negative one, or no reason.
    """
    if not (rel >= 0 and abs >= 0 and rel + abs > 0):
        raise BadInput(f"numbers(rel={rel}, abs={abs}) allows nothing. Expected a tolerance above zero.")
    words = f"numbers(rel={rel:g}, abs={abs:g})"

    def judge(answer: Answer, found: Any) -> Difference | None:
        mine, right = leaves(found), answer.outcome.leaves
        if difference := exact_difference(right, mine):
            return difference
        allowed = {place: abs + rel * _size(leaf.value) for place, leaf in right.items() if leaf.is_float}
        band = Band({place: right[place] for place in allowed}, allowed, f"same={words}, because: {why}")
        return band.difference(mine)

    return Same(words, why, judge)


def _size(value: Any) -> Any:
    return numpy().abs(value) if is_array(value) else abs(float(value))


def sets(why: str = "") -> Same:
    """The same items, in whatever order. Raises BadInput without a reason."""

    def judge(answer: Answer, found: Any) -> Difference | None:
        right = answer.outcome.answer
        for value in (right, found):
            if not isinstance(value, list | tuple | set | frozenset) and not is_array(value):
                return Difference("type", "", f"is {type(value).__name__}, expected a collection of items.")
        wanted, given = (sorted(map(_told_whole, value)) for value in (right, found))
        if wanted == given:
            return None
        lost = [one for one in wanted if one not in given][:3]
        return Difference("exact", "", f"has other items: {len(given)} for {len(wanted)}; missing are {lost}.")

    return Same("sets()", why, judge)


def _told_whole(value: Any) -> str:
    """All of a value in words that no two others share."""
    parts = [(place, leaf.kind, _bytes(leaf.value)) for place, leaf in leaves(value).items()]
    return repr(parts)


def _bytes(value: Any) -> Any:
    return value.tobytes() if is_array(value) else in_repr(value)


def clusters(why: str = "") -> Same:
    """Labels up to renaming: what has one label has one label again. Raises BadInput without a reason."""

    def judge(answer: Answer, found: Any) -> Difference | None:
        wanted, given = _items(answer.outcome.answer), _items(found)
        if len(wanted) != len(given):
            return Difference("shape", "", f"has {len(given)} labels, expected {len(wanted)}.")
        there: dict[Any, Any] = {}
        back: dict[Any, Any] = {}
        for i, (one, other) in enumerate(zip(wanted, given, strict=True)):
            if there.setdefault(one, other) != other or back.setdefault(other, one) != one:
                return Difference(
                    "exact", f"[{i}]", f"is in cluster {other!r}, expected the cluster of {there[one]!r}."
                )
        return None

    return Same("clusters()", why, judge)


def ranking(by: Callable[..., Any], why: str = "") -> Same:
    """Indices in the order of scores; which of two comes first counts only where their scores differ.

    `by` takes the functions' arguments and gives the scores, the highest first. Raises BadInput without a reason.
    """

    def judge(answer: Answer, found: Any) -> Difference | None:
        wanted, given = _items(answer.outcome.answer), _items(found)
        if len(wanted) != len(given):
            return Difference("shape", "", f"ranks {len(given)}, expected {len(wanted)}.")
        if strange := next((one for one in given if not _is_place(one, len(_items(by(**answer.draw.make()))))), None):
            return Difference("exact", "", f"ranks {strange!r}, which is the place of no score.")
        if len(set(given)) != len(given):
            return Difference("exact", "", "ranks one twice.")
        scores = _items(by(**answer.draw.make()))
        unit = 2.0**-52 if not _is_single(by(**answer.draw.make())) else 2.0**-23
        room = 4 * unit * max((abs(float(one)) for one in scores), default=0.0)
        for i, (one, other) in enumerate(zip(wanted, given, strict=True)):
            if one != other and abs(float(scores[int(one)]) - float(scores[int(other)])) > room:
                return Difference(
                    "order",
                    f"[{i}]",
                    f"is {other!r} with score {scores[int(other)]!r}, expected {one!r} with {scores[int(one)]!r}.",
                )
        return None

    return Same(f"ranking(by={getattr(by, '__name__', 'by')})", why, judge)


def argmax(by: Callable[..., Any], why: str = "") -> Same:
    """One index of a largest score; which one counts only where the scores differ. Raises BadInput without a reason."""
    ranked = ranking(by, why)

    def judge(answer: Answer, found: Any) -> Difference | None:
        scores = _items(by(**answer.draw.make()))
        if not _is_place(found, len(scores)):
            return Difference("exact", "", f"is {in_repr(found):.60}, which is the place of no score.")
        wanted, given = int(answer.outcome.answer), int(found)
        room = (
            4 * 2.0**-23 * abs(float(scores[wanted]))
            if _is_single(by(**answer.draw.make()))
            else 4 * 2.0**-52 * abs(float(scores[wanted]))
        )
        if abs(float(scores[wanted]) - float(scores[given])) <= room:
            return None
        return Difference(
            "order", "", f"is {given} with score {scores[given]!r}, expected {wanted} with {scores[wanted]!r}."
        )

    return Same(ranked.words.replace("ranking", "argmax"), why, judge)


def agreeing(judge: Callable[[Any, Any], Any], why: str = "as the user's own function judges it") -> Same:
    """What a function of the user's says of the reference's answer and another: it raises where they differ."""

    def told(answer: Answer, found: Any) -> Difference | None:
        try:
            judge(answer.outcome.answer, found)
        except Exception as error:
            return Difference("exact", "", f"is not the same: {reason(error)}.")
        return None

    return Same(f"{getattr(judge, '__name__', 'a function')}(reference's answer, candidate's answer)", why, told)


def _is_place(value: Any, n: int) -> bool:
    """Whether it is a whole number from 0 to below n, and no other way to write one."""
    is_whole = isinstance(value, int) or "int" in str(getattr(value, "dtype", ""))
    return is_whole and not isinstance(value, bool) and 0 <= int(value) < n


def _items(value: Any) -> list[Any]:
    listed = value.tolist() if is_array(value) or is_tensor(value) else list(value)
    return [listed] if not isinstance(listed, list) else listed


def _is_single(value: Any) -> bool:
    return str(getattr(value, "dtype", "")).endswith("float32")


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
        mine = {} if self.same else leaves(output)
        if hidden := opaque(answer.outcome.leaves) if self.same is None else "":
            raise BadInput(
                f"{hidden}, so two answers cannot be held against each other. Expected data, or --same FILE.py:NAME, a "
                "function of both answers that raises where they are not the same."
            )
        difference = self.same.judge(answer, output) if self.same else _everywhere(answer, mine)
        if difference:
            yield NotEquivalent(difference.rule, f"{difference}", difference.excess)
        return self._evidence(answer, mine)

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
        return self.after(self.answers.of(inputs.draw), given(inputs), random_marks())  # type: ignore[attr-defined]

    def after(self, answer: Answer, mine: Leaves, drawn: Any) -> NotEquivalent | None:
        """The same of the arguments' leaves, and of where the global random generators stand, after any call."""
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
            size = _size(leaf.value)
            if is_array(apart):
                if bool((apart > 1e-6 * size).any()):
                    return False
            elif apart > 1e-6 * size:
                return False
    return True


def _shown(value: Any) -> str:
    return f"{in_repr(value):.60}"


KINDS: Mapping[str, Callable[..., Same]] = {
    "numbers": numbers,
    "sets": sets,
    "clusters": clusters,
    "ranking": ranking,
    "argmax": argmax,
}


def parsed(text: str, load: Callable[[str], Any]) -> Same | Callable[[Any, Any], Any]:
    """What a user wrote: `numbers(rel=1e-6, why="...")`, or the name of a function, which `load` looks up.

    Raises:
        BadInput: neither.
    """
    name, parenthesis, _ = text.partition("(")
    if not parenthesis:
        found: Callable[[Any, Any], Any] = load(text)
        return found
    if name not in KINDS:
        raise BadInput(f"--same {text!r}: {name!r} is no way to compare. Expected {', '.join(KINDS)}, or FILE.py:NAME.")
    try:
        call = ast.parse(text, mode="eval").body
        if not isinstance(call, ast.Call) or call.args:
            raise ValueError("expected keyword arguments alone")
        given = {str(one.arg): ast.literal_eval(one.value) for one in call.keywords}
        if "by" in given:
            given["by"] = load(str(given["by"]))
        return KINDS[name](**given)
    except (SyntaxError, TypeError, ValueError) as error:
        example = "numbers(rel=1e-6, why='...')"
        raise BadInput(f"--same {text!r} cannot be read: {reason(error)}. Expected such as {example}.") from error
