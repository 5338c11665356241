"""What a user says that counts where not every place of two answers need be the same, each with a reason."""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from speedproof.errors import BadInput
from speedproof.failures import reason
from speedproof.pairs.marks import is_array

from .reference.answers import Answer
from .values.bands import Band, size
from .values.differences import Difference, exact_difference, in_repr
from .values.leaf import is_tensor
from .values.leaves import leaves

Judge = Callable[[Answer, Any], Difference | None]
"""What is wrong with an answer to a draw, or None."""


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
        allowed = {place: abs + rel * size(leaf.value) for place, leaf in right.items() if leaf.is_float}
        band = Band({place: right[place] for place in allowed}, allowed, f"same={words}, because: {why}")
        return band.difference(mine)

    return Same(words, why, judge)


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
