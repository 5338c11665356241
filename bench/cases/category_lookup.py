"""How finding 3 is asked: its inputs, its right answers, what may vary and what must be refused."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

import impl_sequential.category_lookup as sequential
from speedproof.counters.source import string_comparisons
from speedproof.gate.exact import Exactly
from speedproof.gate.trials import altered
from speedproof.lens.hostile import alone
from speedproof.lens.subject import Subject
from speedproof.lens.trials import of_texts
from speedproof.lens.variations import OTHER_CATEGORIES
from speedproof.pairs import texts
from speedproof.pairs.contract import Inputs
from speedproof.pairs.finding import Refused
from speedproof.pairs.variations import numbers
from speedproof.pairs.workload import N_CATEGORIES, WORD_RANGE, Workload, fresh
from speedproof.tensors.counters import bytes_allocated, operators

DEALT = (*WORD_RANGE, "hostile", "given")
"""Forms whose texts are dealt to the categories in turn."""

N_ACTIVE = 60
"""Features that fire per text."""
LATE = slice(5, 19)
"""Texts of a category whose candidates get better down to the sixth on the small subject, found by trying slices."""


def inputs(workload: Workload, subject: Subject, order: Sequence[int] | None) -> Inputs:
    all_texts = workload.texts()
    picked = list(range(workload.n_items)) if order is None else list(order)
    return {
        "features": _features(workload, subject.d_sae)[picked],
        "texts": [fresh(all_texts[i]) for i in picked],
        "categories": _categories(all_texts, workload) if workload.form in DEALT else _own_categories(),
        "threshold": 5.0,
    }


def _features(workload: Workload, d_sae: int) -> torch.Tensor:
    """Sparse features in steps of a half, so that many lie exactly on the threshold and counts tie."""
    generator = torch.Generator().manual_seed(workload.seed)
    features = torch.zeros(workload.n_items, d_sae)
    n_active = min(N_ACTIVE, d_sae // 4)
    where = torch.randint(d_sae, (workload.n_items, n_active), generator=generator)
    features.scatter_(1, where, torch.randint(0, 25, where.shape, generator=generator) / 2)
    rows = torch.arange(workload.n_items)
    features[rows, rows % N_CATEGORIES] = 9.0
    return features


def _own_categories() -> dict[str, list[str]]:
    """The seven, one with texts that are nowhere, one that shares texts with two others, and one whose best feature is
    only the fifth candidate while the sixth would be better still."""
    categories = {name: [fresh(text) for text in members] for name, members in texts.CATEGORIES.items()}
    mixed = [fresh(text) for text in (*texts.CATEGORIES["Math"][:5], *texts.CATEGORIES["Formal"][:5])]
    late = [fresh(text) for text in texts.own(70)[LATE]]
    return {**categories, "Absent": ["no such text", "nor this"], "Mixed": mixed, "Late": late}


def _categories(all_texts: list[str], workload: Workload) -> dict[str, list[str]]:
    n = workload.n_categories
    dealt = {f"category {k}": [fresh(text) for text in all_texts[k::n]] for k in range(n)}
    return dealt if workload.form in WORD_RANGE else dealt | alone(list(map(fresh, all_texts)))


def _expected(inputs: Inputs, reference: Any) -> dict[str, Any]:
    """The definition's rule worked out anew, from one table of who is strong where."""
    # In float64, whose products of whole numbers are exact, since those of integers take fifty times as long.
    strong = (inputs["features"] > inputs["threshold"]).to(torch.float64)
    lower_first = torch.arange(strong.shape[1], dtype=torch.float64) / strong.shape[1]
    answer: dict[str, Any] = {}
    for category, members in inputs["categories"].items():
        named = set(members)
        inside = torch.tensor([text in named for text in inputs["texts"]], dtype=torch.float64)
        counts, others = inside @ strong, (1 - inside) @ strong
        answer[category] = None
        if not inside.any():
            continue
        best = -1
        for i in (counts - lower_first).topk(min(5, len(counts))).indices.tolist():
            n_inside, n_outside = int(counts[i]), int(others[i])
            if n_inside - n_outside > best:
                best = n_inside - n_outside
                answer[category] = sequential.Specialist(i, best, n_inside, n_outside)
    return answer


@contextmanager
def _rows_rolled(inputs: Inputs, subject: Any, reference: Any) -> Iterator[Any]:
    """The features keep their identity, and each text gets another's."""
    inputs["features"].copy_(inputs["features"].roll(1, dims=0))
    yield reference


SAME_SPECIALISTS = Exactly(_expected)
OTHER = (OTHER_CATEGORIES, numbers("threshold", -1.0, 2.0, 8.5))
REFUSED = (
    Refused("no texts", lambda inputs: {"texts": []}, ValueError),
    Refused("features of fewer texts", lambda inputs: {"features": inputs["features"][1:]}, ValueError),
)
TRIALS = (
    *of_texts(),
    altered("features written into", "the answer is known by the features' identity", _rows_rolled),
)

COUNTERS = (string_comparisons, operators, bytes_allocated)
