"""Each text is looked up once in a table of who names it, rows are summed by category, outside is total less inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import embedding_bag

N_CANDIDATES = 5
"""Features that are looked at per category: those strong on most of its texts."""
WIDE = 4096
"""Features from which rows of bytes are added as they lie: as floats they would take four times the memory to pass."""
MOST_IN_A_BYTE = 255
COUNTS_AT_ONCE = 2**20
"""Counts that are held at once, categories times features: a few megabytes, and enough to make one call of many."""


class Specialist(NamedTuple):
    """The feature that best tells a category's texts from all others."""

    feature_idx: int
    score: int
    inside_count: int
    outside_count: int


def analyze_specialists(
    features: Float[Tensor, "text d_sae"],
    texts: Sequence[str],
    categories: Mapping[str, Sequence[str]],
    threshold: float = 5.0,
) -> dict[str, Specialist | None]:
    """Each category's specialist: strong on its texts, not on the others, in time near-linear in the texts.

    A feature is strong on a text where it is strictly above the threshold. The score is the number of strong texts
    inside the category less the number outside. None where no candidate scores above -1, or no text belongs.

    Raises:
        ValueError: no texts, or not one row of features per text.
    """
    _check(features, texts)
    count = _counter(features > threshold)
    totals = count([range(len(texts))])
    specialists: dict[str, Specialist | None] = dict.fromkeys(categories)
    members = {name: rows for name, rows in _members(texts, categories).items() if rows}
    for names in _runs(list(members), max(1, COUNTS_AT_ONCE // features.shape[1])):
        inside = count([members[name] for name in names])
        specialists.update(zip(names, _best(inside, totals - inside), strict=True))
    return specialists


def _members(texts: Sequence[str], categories: Mapping[str, Sequence[str]]) -> dict[str, list[int]]:
    """The texts of each category by their places, in ascending order."""
    members: dict[str, list[int]] = {category: [] for category in categories}
    named_by: dict[str, tuple[list[int], ...]] = {}
    for category, cat_texts in categories.items():
        # One object for all texts that no other category names: whoever adds it to nothing gets it itself.
        alone = (members[category],)
        for text in set(cat_texts):
            named_by[text] = named_by.get(text, ()) + alone
    for i, text in enumerate(texts):
        for rows in named_by.get(text, ()):
            rows.append(i)
    return members


def _runs(names: list[str], most: int) -> Iterator[list[str]]:
    return (names[start : start + most] for start in range(0, len(names), most))


def _counter(strong: Bool[Tensor, "text d_sae"]) -> Callable[[Sequence[Sequence[int]]], Int[Tensor, "set d_sae"]]:
    """What counts, for some sets of the texts, on how many texts of each set each feature is strong.

    A sum down the columns goes to another row at every step, and lives off the second-level cache. Whole rows are read
    as they lie: as floats, exact up to 16 million texts, or where they are wide as bytes, of which one holds 255.
    """
    if strong.shape[1] < WIDE or strong.device.type != "cpu":
        values = strong.to(torch.float32)

        def count_in_bags(sets: Sequence[Sequence[int]]) -> Tensor:
            chosen = torch.tensor([i for rows in sets for i in rows], device=strong.device)
            ends = torch.tensor([len(rows) for rows in sets], device=strong.device).cumsum(0)
            starts = torch.cat([ends.new_zeros(1), ends[:-1]])
            return embedding_bag(chosen, values, starts, mode="sum").to(torch.int64)

        return count_in_bags
    rows_of = strong.view(torch.uint8).unbind()

    def count_bytes(indices: Sequence[int]) -> Tensor:
        total = torch.zeros(strong.shape[1], dtype=torch.int64)
        for start in range(0, len(indices), MOST_IN_A_BYTE):
            part = torch.zeros(strong.shape[1], dtype=torch.uint8)
            for i in indices[start : start + MOST_IN_A_BYTE]:
                part += rows_of[i]
            total += part
        return total

    return lambda sets: torch.stack([count_bytes(indices) for indices in sets])


def _best(inside: Int[Tensor, "set d_sae"], outside: Int[Tensor, "set d_sae"]) -> list[Specialist | None]:
    """From both counts per feature, each set's candidate with the highest score, the earlier one where scores tie."""
    d_sae = inside.shape[1]
    # One key orders by (-count, index) without ties, so that topk has no choice.
    keys = inside * d_sae + torch.arange(d_sae - 1, -1, -1, device=inside.device)
    candidates = keys.topk(min(N_CANDIDATES, d_sae)).indices
    told = [candidates, *(counts.gather(1, candidates) for counts in (inside - outside, inside, outside))]
    scored = ([Specialist(*row) for row in rows] for rows in torch.stack(told, dim=2).tolist())
    best = (max(rows, key=lambda specialist: specialist.score, default=None) for rows in scored)
    return [one if one and one.score > -1 else None for one in best]


def _check(features: Tensor, texts: Sequence[str]) -> None:
    if not texts:
        raise ValueError("texts: expected at least one text, got none")
    if features.shape[0] != len(texts):
        raise ValueError(f"features: expected {len(texts)} rows, one per text, got {features.shape[0]}")
