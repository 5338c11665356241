"""How far floating-point numbers may be from the right ones, and how far they are."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from speedproof.pairs.marks import is_array, numpy

from .differences import Difference
from .leaf import Leaf, Leaves
from .precise import Precise
from .precise import distance as of_precise


@dataclass(frozen=True)
class Band:
    """How far each floating-point number of an answer may be from the right one."""

    right: Leaves
    """The answer in higher precision where it can be had, else the reference's own."""
    allowed: Mapping[str, Any]
    """Place -> the largest error, one number or an array of them."""
    origin: str
    """Where that comes from, in words."""

    def difference(self, found: Leaves) -> Difference | None:
        """The place that is farthest beyond what is allowed. Structure is the same already."""
        worst: Difference | None = None
        for place, allowed in self.allowed.items():
            seen = _beyond(place, self.right[place], found[place], allowed, self.origin)
            if seen and (worst is None or (seen.excess or 0) > (worst.excess or 0)):
                worst = seen
        return worst

    def loosened(self, factor: float) -> "Band":
        """The same with more room."""
        return Band(self.right, {place: allowed * factor for place, allowed in self.allowed.items()}, self.origin)

    def worst_share(self, found: Leaves) -> float:
        """The largest error, as a share of what is allowed."""
        shares = [_share(self.right[place], found[place], allowed) for place, allowed in self.allowed.items()]
        return max(shares, default=0.0)


BLOCK = 2**16
"""Numbers of an array that are worked on at a time, so that what is worked out in between takes little memory."""


def _blocks(shape: tuple[int, ...], *values: Any) -> Iterator[tuple[slice, tuple[Any, ...]]]:
    """Arrays part by part, flat, and where each part stands; a single number is in every part."""
    flat = [_flat(one, shape) if is_array(one) and one.shape else one for one in values]
    for start in range(0, math.prod(shape), BLOCK):
        part = slice(start, start + BLOCK)
        yield part, tuple(one[part] if is_array(one) and one.shape else one for one in flat)


def _flat(array: Any, shape: tuple[int, ...]) -> Any:
    return (array if array.shape == shape else numpy().broadcast_to(array, shape)).reshape(-1)


def _shape(*values: Any) -> tuple[int, ...]:
    shapes = {one.shape for one in values if is_array(one)}
    return shapes.pop() if len(shapes) == 1 else numpy().broadcast_shapes(*shapes)  # type: ignore[no-any-return]


def distance(one: Any, other: Any) -> Any:
    """Absolute, by element; equal infinities and two NaN are no distance, a NaN and a number an infinite one."""
    if is_array(one) or is_array(other):
        shape = _shape(one, other)
        found = numpy().empty(math.prod(shape))
        for part, (mine, others) in _blocks(shape, one, other):
            found[part] = _apart(mine, others)
        return found.reshape(shape)
    one_f, other_f = float(one), float(other)
    if math.isnan(one_f) and math.isnan(other_f):
        return 0.0
    if isinstance(other, Precise):
        return of_precise(one_f, other)
    if one_f == other_f:
        # A wider float may hold more than what they have in common.
        return float(abs(other - one)) if math.isfinite(one_f) else 0.0
    apart = abs(one_f - other_f)
    return math.inf if math.isnan(apart) else apart


def _apart(one: Any, other: Any) -> Any:
    np = numpy()
    wide = [np.asarray(each, dtype=np.longdouble) for each in (one, other)]
    with np.errstate(all="ignore"):
        apart = np.abs(wide[0] - wide[1])
    alike = (wide[0] == wide[1]) | (np.isnan(wide[0]) & np.isnan(wide[1]))
    return np.where(alike, 0.0, np.where(np.isnan(apart), np.inf, apart)).astype(np.float64)


MANY = 1e9
"""Times the allowed error from which on one reads the exponent and no digit."""
ROUNDINGS = 2.0
"""Roundings of the answer itself that any way of working it out may add, in units of half the last place."""
WIDENED = 2.0**16
"""Times the unit of float32 that bfloat16's is; NumPy holds such values as float32."""


def roundings(leaf: Leaf, times: float = 1.0) -> Any:
    """What rounding an answer itself so many times may do to each of its numbers; nothing to what is not finite.

    The unit of what underflows is that of the largest number beside it, squared: below that nobody works.
    """
    value, np = leaf.value, numpy()
    if not is_array(value):
        number = float(value)
        unit = float(abs(np.spacing(value))) if hasattr(value, "dtype") else math.ulp(number)
        return times * ROUNDINGS * unit / 2 if math.isfinite(number) else 0.0
    eps = float(np.finfo(value.dtype).eps)
    smallest = largest(value) * eps * eps
    widened = WIDENED if "bfloat16" in leaf.kind else 1.0
    found = np.empty(value.size)
    for part, (of,) in _blocks(value.shape, value):
        units = np.abs(np.spacing(np.where(np.isfinite(of), of, 0))).astype(np.float64) / 2 * widened
        found[part] = where_finite(of, times * ROUNDINGS * np.maximum(units, smallest))
    return found.reshape(value.shape)


def largest(value: Any) -> float:
    """The largest finite number in it, in absolute value."""
    if not is_array(value):
        return abs(float(value)) if math.isfinite(float(value)) else 0.0
    np = numpy()
    parts = (np.abs(np.where(np.isfinite(of), of, 0)).max(initial=0.0) for _, (of,) in _blocks(value.shape, value))
    return float(max(parts, default=0.0))


def size(value: Any) -> Any:
    """How large a number is, or each of an array's."""
    return numpy().abs(value) if is_array(value) else abs(float(value))


def where_finite(value: Any, amount: Any) -> Any:
    """The amount where the value is a finite number, else nothing: an infinity or a NaN is allowed no other."""
    if is_array(value):
        return numpy().where(numpy().isfinite(value), amount, 0.0)
    return amount if math.isfinite(float(value)) else 0.0


def known(own: Any, precise: Any) -> Any:
    """The right value: in higher precision where the reference's own is finite, else the reference's own."""
    if is_array(own):
        return numpy().where(numpy().isfinite(own), precise, own)
    return precise if math.isfinite(float(own)) else own


def exceeds(error: Any, limit: Any, value: Any) -> bool:
    """Whether an error goes beyond the limit at any finite number."""
    if is_array(error) or is_array(limit) or is_array(value):
        blocks = _blocks(_shape(error, limit, value), error, limit, value)
        return any(bool(numpy().any(where_finite(of, far) > most)) for _, (far, most, of) in blocks)
    return bool(where_finite(value, error) > limit)


def larger(one: Any, other: Any) -> Any:
    return numpy().maximum(one, other) if is_array(one) or is_array(other) else max(one, other)


def of_whole_number(place: str, leaf: Leaf, amounts: Mapping[str, Any]) -> Any:
    """The amount at a place; for a part of a complex number the larger of both parts', since rounding moves the number
    by as much as it is large, whatever way (Higham, Accuracy and Stability of Numerical Algorithms, section 3.6)."""
    if "complex" not in leaf.kind:
        return amounts[place]
    whole, _, part = place.rpartition(".")
    return larger(amounts[place], amounts.get(f"{whole}.{'imag' if part == 'real' else 'real'}", 0.0))


def _share(right: Leaf, found: Leaf, allowed: Any) -> float:
    one, other = found.value, right.value
    if is_array(one) or is_array(other):
        blocks = _blocks(_shape(one, other), one, other, allowed)
        return max((float(_shares(_apart(a, b), room).max(initial=0.0)) for _, (a, b, room) in blocks), default=0.0)
    apart = distance(one, other)
    if apart == 0:
        return 0.0
    return float(apart / allowed) if allowed > 0 else math.inf


def _shares(apart: Any, allowed: Any) -> Any:
    np = numpy()
    with np.errstate(all="ignore"):
        shares = np.where(apart == 0, 0.0, apart / np.asarray(allowed, dtype=np.float64))
    return np.nan_to_num(shares, nan=math.inf, posinf=math.inf)


def _beyond(place: str, right: Leaf, found: Leaf, allowed: Any, origin: str) -> Difference | None:
    share = _share(right, found, allowed)
    if not share > 1:
        return None
    apart = distance(found.value, right.value)
    value, expected, limit, more = found.value, right.value, allowed, ""
    if is_array(apart):
        np = numpy()
        shares = _shares(apart, allowed)
        at = np.unravel_index(int(shares.argmax()), apart.shape)
        where = ", ".join(str(int(i)) for i in at)
        place, value, expected, apart = f"{place}[{where}]" if where else place, value[at], expected[at], apart[at]
        limit = np.broadcast_to(np.asarray(allowed), shares.shape)[at]
        wrong = int((shares > 1).sum())
        more = f" {wrong} of {shares.size} are beyond it." if shares.size > 1 else ""
    told = f"is {float(value)!r}, expected {float(expected)!r}"
    if not math.isfinite(share):
        return Difference("element", place, f"{told}, which no rounding explains.{more}", share)
    times = f"{share:.1e}" if share >= MANY else f"{share:,.0f}" if share >= 10 else f"{share:.1f}"
    why = f"off by {float(apart):.1e}, {times} times the {float(limit):.1e} that is allowed ({origin})"
    return Difference("element", place, f"{told}: {why}.{more}", share)
