"""Wrong twins of finding 2."""

from typing import Any

import torch

import impl_batched.comparison_table as batched

from ..findings.comparison_table import FINDING
from .control import Control

_by_name: dict[str, Any] = {}


def features_cached_by_sae_name(
    model: Any, saes: Any, texts: Any, categories: Any, top_k: int = 5, threshold: float = 5.0
) -> Any:
    """The report's features_cache, made to outlive the call: keyed by the SAEs' names alone."""
    key = " ".join(saes)
    if key not in _by_name:
        _by_name[key] = batched.comparison_table(model, saes, texts, categories, top_k, threshold)
    return _by_name[key]


def ties_left_to_topk(
    model: Any, saes: Any, texts: Any, categories: Any, top_k: int = 5, threshold: float = 5.0
) -> Any:
    """Orders counts by an unstable rule: the largest index wins a tie, as a library may choose to."""
    table = batched.comparison_table(model, saes, texts, categories, top_k, threshold)
    for name, column in table.columns.items():
        features = torch.cat([batched._extract_all(model, {name: saes[name]}, [text])[name] for text in texts])
        counts = (features > threshold).sum(dim=0)
        order = sorted(range(len(counts)), key=lambda i: (-int(counts[i]), -i))[:top_k]
        frequent = tuple(batched.CountedFeature(i, int(counts[i])) for i in order)
        table.columns[name] = batched.Column(column.strongest, frequent, column.most_selective, column.specialists)
    return table


CONTROLS = (
    Control(
        FINDING,
        features_cached_by_sae_name,
        why="the second call with other texts gets the first call's table",
        expect="no such text or feature was given",
    ),
    Control(
        FINDING,
        ties_left_to_topk,
        why="counts are full of exact ties, which torch.topk orders as it likes",
        expect="most frequent",
    ),
)
