"""The work of users' own functions: each counter by itself, so that what one cannot count leaves the others."""

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
