"""How two values differ, and how a value is told.

Structure, keys and their order, types, shapes and dtypes are exact, and so is whatever is no floating-point number.
"""

import math
from itertools import chain
from typing import Any, NamedTuple

from speedproof.pairs.marks import is_array, numpy

from .leaf import OPAQUE, READ_ONLY, SHOWN, Leaf, Leaves


class Difference(NamedTuple):
    """Where two values differ first: the gate's rule, the place, and words that follow it."""

    rule: str
    place: str
    words: str
    excess: float | None = None

    def __str__(self) -> str:
        return f"{self.place or 'the answer'} {self.words}"


def exact_difference(expected: Leaves, found: Leaves) -> Difference | None:
    """The first place where kinds, or values that are no floating-point numbers, differ."""
    for place, leaf in expected.items():
        if place not in found:
            return Difference("shape", place, f"is missing; expected {shown(leaf)}.")
        other = found[place]
        if leaf.kind != other.kind:
            rule = "shape" if _without_shape(leaf.kind) == _without_shape(other.kind) else "type"
            rule = "type" if (is_read_only := READ_ONLY in other.kind) != (READ_ONLY in leaf.kind) else rule
            hint = " A .copy() of it can be written into." if is_read_only and READ_ONLY not in leaf.kind else ""
            return Difference(rule, place, f"is {shown(other)}, expected {shown(leaf)}.{hint}")
        if not leaf.is_float and not _equal(leaf.value, other.value):
            return Difference(*_told(leaf, other, place))
    for place, leaf in found.items():
        if place not in expected:
            return Difference("shape", place, f"is {shown(leaf)}, where nothing is expected.")
    return None


def exact_part(found: Leaves) -> Leaves:
    """What of a value is no floating-point number."""
    return {place: leaf for place, leaf in found.items() if not leaf.is_float}


def _without_shape(kind: str) -> str:
    return kind.partition(" (")[0]


def _told(leaf: Leaf, other: Leaf, place: str) -> tuple[str, str, str]:
    if is_array(leaf.value) and leaf.value.shape:
        at = tuple(int(i) for i in numpy().argwhere(_apart(leaf.value, other.value))[0])
        n, where = int(_apart(leaf.value, other.value).sum()), ", ".join(map(str, at))
        more = f" ({n} of {leaf.value.size} differ)" if leaf.value.size > 1 else ""
        return "exact", f"{place}[{where}]", f"is {other.value[at]!r}, expected {leaf.value[at]!r}{more}."
    if isinstance(leaf.value, frozenset) and isinstance(other.value, frozenset):
        lost, new = leaf.value - other.value, other.value - leaf.value
        words = [f"lacks {sorted(map(repr, lost))[:3]}"] if lost else []
        words += [f"has {sorted(map(repr, new))[:3]}, which are not expected"] if new else []
        return "exact", place, f"{' and '.join(words)}."
    rule = "shape" if str(leaf.value).endswith((" items", " entries")) else "exact"
    return rule, place, f"is {shown(other)}, expected {shown(leaf)}."


def _apart(one: Any, other: Any) -> Any:
    if one.dtype.kind in "mM":
        return ~((one == other) | (numpy().isnat(one) & numpy().isnat(other)))
    return one != other


def _equal(one: Any, other: Any) -> bool:
    if is_array(one):
        return bool(not _apart(one, other).any())
    try:
        # The expected one is asked, as its class says; what a candidate made may say anything of itself.
        kind: Any = type(one)
        said = kind.__eq__(one, other)
        return bool(one == other if said is NotImplemented else said)
    except Exception:
        return one is other


def shown(leaf: Leaf) -> str:
    """A leaf in words."""
    if is_array(leaf.value) and leaf.value.shape:
        return f"{leaf.kind}"
    value = leaf.value
    if isinstance(value, str) and leaf.kind != "str":
        return f"a {leaf.kind} of {value}" if value else f"a {leaf.kind}"
    if leaf.kind == OPAQUE:
        return f"an {OPAQUE}, {in_repr(value)}"
    return f"{_float(value) if leaf.is_float else in_repr(value):.{SHOWN}} ({leaf.kind})"


def in_repr(value: Any) -> str:
    """The value as Python writes it; words where it will not be written."""
    try:
        return repr(value)
    except Exception as error:
        return f"<{type(value).__name__}, whose repr raises {type(error).__name__}>"


def _float(value: Any) -> str:
    return repr(float(value)) if math.isfinite(float(value)) else str(float(value))


def first_apart(one: Leaves, other: Leaves) -> str:
    """The first place that is not the same in both to the last bit, or that only one has."""
    apart = (p for p, leaf in one.items() if p not in other or not is_identical({p: leaf}, {p: other[p]}))
    return next(chain(apart, (p for p in other if p not in one)), "")


def is_identical(one: Leaves, other: Leaves) -> bool:
    """Whether both are the same to the last bit; zeros of both signs are one, and so is every NaN."""
    if exact_difference(one, other):
        return False
    return all(_same_floats(leaf.value, other[place].value) for place, leaf in one.items() if leaf.is_float)


def _same_floats(one: Any, other: Any) -> bool:
    if is_array(one):
        # Whether all are equal takes far less memory to say than whether they are, or are both no number.
        return bool(numpy().array_equal(one, other) or numpy().array_equal(one, other, equal_nan=True))
    return one == other or (math.isnan(one) and math.isnan(other))


def opaque(found: Leaves) -> str:
    """The first place that cannot be looked into, in words; nothing where there is none."""
    return next(
        (f"{place or 'the answer'} is {shown(leaf)}" for place, leaf in found.items() if leaf.kind == OPAQUE), ""
    )
