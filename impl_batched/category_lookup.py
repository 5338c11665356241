"""Texts are looked up once in a table, counts add whole rows, outside is total less inside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

N_CANDIDATES = 5
"""Features that are looked at per category: those strong on most of its texts."""
WIDE = 4096
"""Features from which adding a row costs more than asking for it."""
MOST_IN_A_BYTE = 255


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
    indices_of: defaultdict[str, list[int]] = defaultdict(list)
    for i, text in enumerate(texts):
        indices_of[text].append(i)
    strong = features > threshold
    count = _counter(strong)
    totals = count(range(len(texts)))
    specialists: dict[str, Specialist | None] = {}
    for category, cat_texts in categories.items():
        indices = [i for text in set(cat_texts) for i in indices_of.get(text, ())]
        if not indices:
            specialists[category] = None
            continue
        inside = count(indices)
        specialists[category] = _best(inside, totals - inside)
    return specialists


def _counter(strong: Bool[Tensor, "text d_sae"]) -> Callable[[Sequence[int]], Tensor]:
    """What counts, for some of the texts, on how many of them each feature is strong.

    A sum down the columns goes to another row at every step, and lives off the second-level cache. Whole rows are read
    as they lie; as bytes, of which one holds a count of 255.
    """
    if strong.shape[1] < WIDE or strong.device.type != "cpu":
        return lambda indices: strong[list(indices)].sum(dim=0)
    rows = strong.view(torch.uint8).unbind()

    def count(indices: Sequence[int]) -> Tensor:
        total = torch.zeros(strong.shape[1], dtype=torch.int64)
        for start in range(0, len(indices), MOST_IN_A_BYTE):
            part = torch.zeros(strong.shape[1], dtype=torch.uint8)
            for i in indices[start : start + MOST_IN_A_BYTE]:
                part += rows[i]
            total += part
        return total

    return count


def _best(inside: Tensor, outside: Tensor) -> Specialist | None:
    """From both counts per feature, the candidate with the highest score, the earlier one where scores tie."""
    d_sae = len(inside)
    # One key orders by (-count, index) without ties, so that topk has no choice.
    keys = inside * d_sae + torch.arange(d_sae - 1, -1, -1, device=inside.device)
    candidates = keys.topk(min(N_CANDIDATES, d_sae)).indices
    columns = torch.stack([candidates, (inside - outside)[candidates], inside[candidates], outside[candidates]])
    scored = [Specialist(*row) for row in columns.T.tolist()]
    best = max(scored, key=lambda specialist: specialist.score, default=None)
    return best if best and best.score > -1 else None


def _check(features: Tensor, texts: Sequence[str]) -> None:
    if not texts:
        raise ValueError("texts: expected at least one text, got none")
    if features.shape[0] != len(texts):
        raise ValueError(f"features: expected {len(texts)} rows, one per text, got {features.shape[0]}")
