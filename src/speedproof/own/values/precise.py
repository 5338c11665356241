"""Floats that remember more digits than they have: the arithmetic of plain Python in higher precision.

A function that does its sums with Python's floats is asked once more with these. They are floats, so that the code
takes the way that it takes; beside that they hold forty digits, and so does everything that is worked out from them by
Python's operators. What a function of a C library works out from one is a float again.
"""

import math
from collections.abc import Callable
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Any, Self

DIGITS = 40
_CONTEXT = Context(prec=DIGITS, traps=[InvalidOperation, DivisionByZero, Overflow])


def _decimal(value: Any) -> Decimal | None:
    """The value in all its digits; None for what is no finite real number."""
    if isinstance(value, Precise):
        return value.digits
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, float) and math.isfinite(value):
        return Decimal(value)
    return None


class Precise(float):
    """A float with forty digits beside its own."""

    digits: Decimal | None

    def __new__(cls, value: float, digits: Decimal | None = None) -> Self:
        """Of a float, or of digits that it is the rounding of."""
        made = super().__new__(cls, value)
        made.digits = digits if digits is not None else _decimal(float(value))
        return made

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __neg__(self) -> "Precise":
        return Precise(-float(self), None if self.digits is None else self.digits.copy_negate())

    def __pos__(self) -> "Precise":
        return self

    def __abs__(self) -> "Precise":
        return Precise(abs(float(self)), None if self.digits is None else self.digits.copy_abs())

    def __reduce__(self) -> tuple[Any, ...]:
        return Precise, (float(self), self.digits)


Operation = Callable[[Decimal, Decimal], Decimal]
FLOATS: dict[str, tuple[Callable[[float, Any], Any], Operation]] = {
    "add": (float.__add__, _CONTEXT.add),
    "sub": (float.__sub__, _CONTEXT.subtract),
    "mul": (float.__mul__, _CONTEXT.multiply),
    "truediv": (float.__truediv__, _CONTEXT.divide),
    "pow": (float.__pow__, _CONTEXT.power),
}


def _operator(plain: Callable[[float, Any], Any], precise: Operation, reflected: bool) -> Callable[..., Any]:
    def operate(self: Precise, other: Any) -> Any:
        if not isinstance(other, int | float):
            return NotImplemented
        # Python's own answer first: it raises what a float would raise.
        usual = plain(float(other), float(self)) if reflected else plain(float(self), float(other))
        mine, theirs = _decimal(self), _decimal(other)
        if mine is None or theirs is None or not isinstance(usual, float):
            return usual
        try:
            return Precise(usual, precise(theirs, mine) if reflected else precise(mine, theirs))
        except ArithmeticError:
            return usual

    return operate


for _name, (_plain, _precise) in FLOATS.items():
    setattr(Precise, f"__{_name}__", _operator(_plain, _precise, False))
    setattr(Precise, f"__r{_name}__", _operator(_plain, _precise, True))


def distance(found: float, right: float) -> float:
    """How far a float is from the right value, of which more digits may be known."""
    digits = right.digits if isinstance(right, Precise) else _decimal(right)
    if digits is None or not math.isfinite(found):
        return abs(found - float(right))
    return float(abs(_CONTEXT.subtract(Decimal(found), digits)))
