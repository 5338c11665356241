"""Floats with forty digits: what Python's operators make of them is exact to that, and the code takes a float's way."""

import copy
import math
import operator
import pickle
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from speedproof.own.values.precise import DIGITS, Precise, distance

VALUES = (0.1, 3.0, -7.25, 1e-9, 12345.678)
ROUNDED = 10.0 ** (2 - DIGITS)
"""What is rounded off in a few operations of forty digits, as a share."""


def off(found: Any, exact: Fraction) -> float:
    """How far the digits are from the exact value, as a share of it."""
    assert isinstance(found, Precise) and found.digits is not None
    return abs(float((Fraction(found.digits) - exact) / exact)) if exact else abs(float(found.digits))


@pytest.mark.parametrize("operation", [operator.add, operator.sub, operator.mul, operator.truediv])
@pytest.mark.parametrize("one", VALUES)
def test_arithmetic_has_forty_digits_and_rounds_to_the_float(operation: Callable[[Any, Any], Any], one: float) -> None:
    for other in (0.3, 7, Precise(1 / 3)):
        for left, right in ((Precise(one), other), (other, Precise(one))):
            found = operation(left, right)
            assert off(found, operation(Fraction(left), Fraction(right))) < ROUNDED
            assert float(found) == operation(float(left), float(right))


def test_a_sum_that_floats_lose_is_kept() -> None:
    values = [1e16, 1.0, -1e16]
    assert sum(values) == 0.0
    found = sum(map(Precise, values))
    assert isinstance(found, Precise) and found.digits == 1
    assert distance(0.0, found) == 1.0


def test_powers_have_forty_digits() -> None:
    assert off(Precise(1.1) ** 3, Fraction(1.1) ** 3) < ROUNDED
    assert off((Precise(2.0) ** 0.5) ** 2, Fraction(2)) < ROUNDED
    assert off(2 ** Precise(3.0), Fraction(8)) < ROUNDED


def test_signs_are_turned_with_all_digits() -> None:
    third: Any = Precise(1.0) / 3
    assert off(-third, Fraction(-1, 3)) < ROUNDED
    assert off(abs(-third), Fraction(1, 3)) < ROUNDED
    assert off(+third, Fraction(1, 3)) < ROUNDED


def test_a_float_in_between_would_be_seen() -> None:
    assert off(Precise(float(Precise(1.0) / 3)), Fraction(1, 3)) > ROUNDED


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: x / (x - x),
        lambda x: x % 0,
        lambda x: x // 0,
        lambda x: (x - x) ** -1,
        lambda x: (x * 1e300) ** 3,
        lambda x: x + "1",
        lambda x: x < "1",
        lambda x: [0][x],
        lambda x: int(x * math.inf),
    ],
)
def test_what_a_float_raises_is_raised(operation: Callable[[Any], Any]) -> None:
    with pytest.raises(Exception) as usual:
        operation(2.0)
    with pytest.raises(type(usual.value)) as found:
        operation(Precise(2.0))
    assert str(found.value).replace("Precise", "float") == str(usual.value)


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: x < 0.3,
        lambda x: x == 0.1 + 0.2,
        lambda x: x in (0.30000000000000004,),
        lambda x: {0.30000000000000004: "there"}.get(x),
        lambda x: sorted([x, 0.3, 0.4]),
        lambda x: max(x, 0.3),
        lambda x: x if x else 0.0,
        lambda x: round(x, 3),
        lambda x: int(x * 10),
        lambda x: x // 0.1,
        lambda x: x % 0.1,
        lambda x: divmod(x, 0.1),
        lambda x: f"{x:.20f} {x!r} {x}",
        lambda x: x.is_integer(),
        lambda x: math.floor(x),
        lambda x: math.sqrt(x),
        lambda x: x * math.inf,
        lambda x: repr(x * math.nan),
        lambda x: (-x) ** 0.5,
        lambda x: x * 1e308 * 1e10,
        lambda x: x + 1j,
        lambda x: x * True,
    ],
)
def test_all_else_is_as_with_the_float(operation: Callable[[Any], Any]) -> None:
    assert operation(Precise(0.1) + Precise(0.2)) == operation(0.1 + 0.2)


def test_a_branch_goes_where_the_float_goes_though_the_digits_say_otherwise() -> None:
    found: Any = Precise(0.1) * 3 - Precise(0.3)
    assert found.digits is not None and found.digits > 0
    assert (found > 0) is (0.1 * 3 - 0.3 > 0)
    assert bool(Precise(0.1) * 10 == 1.0)


def test_copies_keep_the_digits() -> None:
    third: Any = Precise(1.0) / 3
    for made in (copy.copy(third), copy.deepcopy(third), pickle.loads(pickle.dumps(third))):
        assert made.digits == third.digits


def test_a_distance_is_told_from_the_digits_and_else_from_the_floats() -> None:
    assert 0 < distance(1 / 3, Precise(1.0) / 3) < math.ulp(1 / 3)
    assert distance(0.5, 0.25) == 0.25
    assert distance(math.inf, Precise(1.0)) == math.inf
    assert distance(0.5, 0.5) == 0.0
