"""Every text is compared with every text. Efficiency report, finding 3, the whole function as written there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

N_CANDIDATES = 5
"""Features that are looked at per category: those strong on most of its texts."""


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
    """Each category's specialist: strong on its texts, not on the others, by the lists as they stand.

    A feature is strong on a text where it is strictly above the threshold. The score is the number of strong texts
    inside the category less the number outside. None where no candidate scores above -1, or no text belongs.

    Raises:
        ValueError: no texts, or not one row of features per text.
    """
    _check(features, texts)
    specialists: dict[str, Specialist | None] = {}
    for category, cat_texts in categories.items():
        indices = [i for i, text in enumerate(texts) if text in cat_texts]
        counts = (features[indices] > threshold).sum(dim=0)
        candidates = counts.sort(descending=True, stable=True).indices[:N_CANDIDATES].tolist()
        best_score = -1
        specialists[category] = None
        for feature_idx in candidates if indices else []:
            other_indices = [i for i in range(len(texts)) if i not in indices]
            inside = int((features[indices, feature_idx] > threshold).sum())
            outside = int((features[other_indices, feature_idx] > threshold).sum())
            if inside - outside > best_score:
                best_score = inside - outside
                specialists[category] = Specialist(feature_idx, best_score, inside, outside)
    return specialists


def _check(features: Tensor, texts: Sequence[str]) -> None:
    if not texts:
        raise ValueError("texts: expected at least one text, got none")
    if features.shape[0] != len(texts):
        raise ValueError(f"features: expected {len(texts)} rows, one per text, got {features.shape[0]}")
