"""How a rewrite ranks: always by (-value, index), which a careless use of a library does not give."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from .rewrite import Choices


def _stable_sort(values: Tensor, top_k: int) -> list[int]:
    return values.sort(descending=True, stable=True).indices[:top_k].tolist()


def _python(values: Tensor, top_k: int) -> list[int]:
    listed = values.tolist()
    return sorted(range(len(listed)), key=lambda i: (-listed[i], i))[:top_k]


def _heap(values: Tensor, top_k: int) -> list[int]:
    listed = values.tolist()
    return heapq.nsmallest(top_k, range(len(listed)), key=lambda i: (-listed[i], i))


def _lexsort(values: Tensor, top_k: int) -> list[int]:
    listed = values.detach().numpy()
    return [int(i) for i in np.lexsort((np.arange(len(listed)), -listed))[:top_k]]


def _topk(values: Tensor, top_k: int) -> list[int]:
    """Its order among ties is its own affair, so everything that ties with the last one is ranked anew."""
    if not len(values):
        return []
    least = values.topk(min(top_k, len(values))).values[-1]
    chosen = (values >= least).nonzero().flatten().tolist()
    return sorted(chosen, key=lambda i: (-values[i].item(), i))[:top_k]


RANKS: dict[str, Callable[[Tensor, int], list[int]]] = {
    "stable sort": _stable_sort,
    "python": _python,
    "heap": _heap,
    "lexsort": _lexsort,
    "topk": _topk,
}


@dataclass(frozen=True)
class Ranking(Choices):
    """How features are counted, how each one's strongest text is found, and how they are put in order."""

    rank_by: str
    count_by: str
    peak_by: str

    ALTERNATIVES: ClassVar = {
        "rank_by": tuple(RANKS),
        "count_by": ("sum", "bincount", "product"),
        "peak_by": ("max", "running maximum"),
    }

    def ranked(self, values: Tensor, top_k: int) -> list[int]:
        """Indices by (-value, index), at most `top_k`."""
        return RANKS[self.rank_by](values, top_k)

    def counts(self, strong: Tensor) -> Tensor:
        """How many rows of `strong`, of shape [text, feature], are true for each feature."""
        if self.count_by == "bincount":
            return torch.bincount(strong.nonzero()[:, 1], minlength=strong.shape[1])
        if self.count_by == "product":
            return (torch.ones(len(strong), dtype=torch.float64) @ strong.double()).long()
        return strong.sum(dim=0)

    def peaks(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Each feature's largest value over the texts, and a text that has it."""
        if self.peak_by == "max":
            values, rows = features.max(dim=0)
            return values, rows
        values, rows = features[0], torch.zeros(features.shape[1], dtype=torch.long)
        for row, found in enumerate(features[1:], start=1):
            rows = torch.where(found > values, row, rows)
            values = torch.maximum(values, found)
        return values, rows
