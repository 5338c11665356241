"""The question of the study: finding 3's batched twin on inputs of its own, a pair that stands on no card.

Its inputs need no library of models, so that a worker starts as fast as a peer's process.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import torch

from bench.findings import find
from speedproof.gate.exact import Exactly
from speedproof.pairs.contract import Inputs
from speedproof.pairs.finding import TWINS, Pair
from speedproof.pairs.question import Question
from speedproof.pairs.workload import Workload

from .slowed_call import FILE, FUNCTION

WORKLOAD = Workload("power", "features", 1_000, "equal", n_threads=1)
"""A call of some milliseconds, in one thread so that the other cores can be loaded."""
WIDTH, N_STRONG = 1_000, 60
"""Features of a text, and how many of them fire."""


def inputs(workload: Workload, subject: Any, order: Sequence[int] | None) -> Inputs:
    """Features of generated texts, which are dealt to the categories in turn; nothing is shared between calls."""
    texts = workload.texts(order)
    picked = list(range(workload.n_items)) if order is None else list(order)
    of_categories = workload.texts()
    n = workload.n_categories
    return {
        "features": _features(workload)[picked],
        "texts": texts,
        "categories": {f"category {k}": of_categories[k::n] for k in range(n)},
        "threshold": 5.0,
    }


@cache
def _features(workload: Workload) -> torch.Tensor:
    """In steps of a half, so that counts tie; each category has a specialist."""
    generator = torch.Generator().manual_seed(workload.seed)
    features = torch.zeros(workload.n_items, WIDTH)
    where = torch.randint(WIDTH, (workload.n_items, N_STRONG), generator=generator)
    features.scatter_(1, where, torch.randint(0, 25, where.shape, generator=generator) / 2)
    rows = torch.arange(workload.n_items)
    features[rows, rows % workload.n_categories] = 9.0
    return features


FINDING = replace(
    find(FILE),
    module=__name__,
    pairs=(
        Pair(
            sequential=f"impl_sequential.{FILE}:{FUNCTION}",
            batched=f"impl_batched.{FILE}:{FUNCTION}",
            inputs=inputs,
            equivalence=Exactly(),
            workloads=(WORKLOAD,),
            kit="speedproof.tensors.kit:TORCH",
            items=("features", "texts"),
            unit="texts",
        ),
    ),
    # Named, since the card's own are not to be looked up: they come with the libraries of models.
    counters=(),
)
QUESTION = Question(FINDING.target(FUNCTION), WORKLOAD, arm=TWINS[1])
