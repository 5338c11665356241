"""The work of users' own functions: each counter by itself, so that what one cannot count leaves the others."""

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from speedproof.own.asking import _Here
from speedproof.own.pair import OwnPair
from speedproof.own.proving import counted
from speedproof.pairs.question import Question


def rows(size: int, rng: torch.Generator) -> dict[str, Tensor]:
    return {"x": torch.randn(size + 1, 4, generator=rng)}


def one_by_one(x: Tensor) -> Tensor:
    return torch.stack([row.tanh() for row in x])


def at_once(x: Tensor) -> Tensor:
    return x.tanh()


def products(x: Tensor) -> Tensor:
    return torch.cat([x @ row[:, None] for row in x], dim=1)


def products_at_once(x: Tensor) -> Tensor:
    return x @ x.T


@pytest.mark.parametrize(
    ("reference", "candidate", "has_flops"), [(one_by_one, at_once, False), (products, products_at_once, True)]
)
def test_operators_are_counted_whether_or_not_there_is_a_matrix_product(
    reference: Callable[..., Any], candidate: Callable[..., Any], has_flops: bool
) -> None:
    pair = OwnPair(reference, candidate, rows, sizes=(9,))
    counts = counted(Question(_Here(pair), pair.workload("report")), pair).counts
    assert counts["sequential"]["operators"] > 3 * counts["batched"]["operators"] > 0
    assert ("flops" in counts["sequential"]) == has_flops


class Price:
    """Compared by a method of its own."""

    def __init__(self, cents: int) -> None:
        self.cents = cents

    def __lt__(self, other: "Price") -> bool:
        return self.cents < other.cents


def some_prices(size: int, rng: random.Random) -> dict[str, Any]:
    return {"prices": [Price(rng.randrange(99)) for _ in range(size + 2)]}


def cheapest_of_sorted(prices: list[Price]) -> int:
    return sorted(prices)[0].cents


def cheapest(prices: list[Price]) -> int:
    return min(prices).cents


def cheapest_by_cents(prices: list[Price]) -> int:
    return min(price.cents for price in prices)


def test_operations_of_the_users_own_types_are_counted_where_there_are_any() -> None:
    pair = OwnPair(cheapest_of_sorted, cheapest, some_prices, sizes=(9,))
    counts = counted(Question(_Here(pair), pair.workload("report")), pair).counts
    name = "operations_of_own_types"
    assert counts["sequential"][name] > counts["batched"][name] == 10
    # What neither of two does at all is no work of theirs.
    pair = OwnPair(cheapest_by_cents, cheapest_by_cents, some_prices, sizes=(9,))
    counts = counted(Question(_Here(pair), pair.workload("report")), pair).counts
    assert name not in counts["batched"] and counts["batched"]["function_calls"] > 0
