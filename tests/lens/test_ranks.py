"""Ranked lists: who is listed, with which value, in which order, and who may not be left out."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from speedproof.lens.ranks import ListOf, Ranked, SameRanks
from speedproof.pairs.contract import settle

VALUES = torch.tensor([0.5, 4.0, 3.0, 2.0, 2.0, -math.inf])
"""What each of six entries is worth; the last one may not be listed."""
EXACT = Ranked("list", [(1, 4.0), (2, 3.0), (3, 2.0)], VALUES, VALUES, top_k=3)
OPEN = replace(
    EXACT,
    listed=[(1, 4.0), (2, 3.0)],
    low=torch.tensor([-math.inf, 4.0, 3.0]),
    high=torch.tensor([3.5, 4.0, 3.0]),
    n_in_band=1,
)
"""Whether the first entry is above the threshold is too close to call."""


def rules(ranked: Ranked) -> list[str]:
    return [objection.rule for objection in ranked.objections()]


def test_the_right_list_passes() -> None:
    assert rules(EXACT) == []
    assert rules(replace(EXACT, listed=[*EXACT.listed, (4, 2.0), (0, 0.5)], top_k=9)) == []


@pytest.mark.parametrize(
    ("listed", "wanted"),
    [
        # As many as wanted, and one that is worth more is not among them.
        ([(1, 4.0), (3, 2.0), (4, 2.0)], {"entries"}),
        # Of two that are worth the same, the one with the higher index.
        ([(1, 4.0), (2, 3.0), (4, 2.0)], {"entries"}),
        ([(1, 4.0), (2, 3.0)], {"entries"}),
        ([(1, 4.0), (2, 3.0), (3, 2.0), (4, 2.0)], {"entries"}),
        ([(1, 4.0), (1, 4.0), (2, 3.0)], {"entries"}),
        ([(1, 4.0), (2, 3.0), (6, 2.0)], {"entries"}),
        ([(1, 4.0), (2, 3.0), (True, 4.0)], {"entries"}),
        ([(2, 3.0), (1, 4.0), (3, 2.0)], {"order"}),
        ([(1, 4.0), (2, 3.1), (3, 2.0)], {"value"}),
        ([(1, 4.0), (2, 3.0), (5, 1.0)], {"value", "entries"}),
        ([(1, 4.0), (2, "3.0"), (3, 2.0)], {"type"}),
    ],
)
def test_a_wrong_list_is_refused_by_its_rule(listed: list[Any], wanted: set[str]) -> None:
    assert set(rules(replace(EXACT, listed=listed))) == wanted


def test_a_list_of_no_entries_is_empty() -> None:
    assert rules(replace(EXACT, listed=[], top_k=0)) == []
    assert rules(replace(EXACT, listed=[(1, 4.0)], top_k=0)) == ["entries"]


def test_an_entry_that_is_too_close_to_call_may_be_listed_or_not() -> None:
    assert rules(OPEN) == []
    assert rules(replace(OPEN, listed=[(1, 4.0), (0, 3.4), (2, 3.0)])) == []
    assert rules(replace(OPEN, listed=[(1, 4.0), (0, 3.6), (2, 3.0)])) == [
        "value",
    ]
    assert rules(replace(OPEN, listed=[(1, 4.0)])) == ["entries", "entries"]


def judged(ranked: Ranked) -> str:
    """The rule that an output with this list breaks first."""
    same = SameRanks(lambda *_: [ranked], lambda *_: [], lambda _: ListOf((int, float)), "")
    try:
        settle(same.examine({}, None, list(ranked.listed), {"element": 0.0}))  # type: ignore[arg-type]
    except Exception as error:
        return str(getattr(error, "rule", error))
    return ""


def test_a_check_in_which_nothing_must_be_listed_proves_nothing() -> None:
    assert judged(EXACT) == ""
    nothing = torch.full((3,), -math.inf)
    assert judged(Ranked("list", [], nothing, torch.zeros(3), top_k=3)) == "informative"
