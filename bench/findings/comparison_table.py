"""Features are extracted three times per SAE.

Source: efficiency report, finding 2. Claim: 3x.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

import impl_batched.comparison_table as batched
import impl_sequential.comparison_table as sequential

from .. import texts
from ..counters import (
    bytes_allocated,
    computed_tokens,
    encodes,
    flops,
    forward_passes,
    hook_fires,
    operators,
    real_tokens,
    token_layers,
)
from ..equivalence import Inputs, Ranked, SameRanks, count_range, row_scale
from ..errors import NotEquivalent
from ..finding import Claim, Finding, Pair
from ..oracle import Oracle
from ..subject import Subject
from ..suite import Suite
from ..workload import Workload

SMOKE = Workload("smoke", "tiny", 70)
SOLVED = Workload("solved", "solved", 70)
HOSTILE = Workload("hostile", "tiny", 19, "hostile")
RAGGED = Workload("ragged", "tiny", 60, "ragged")
REPORT = Workload("report", "gpt2-small-shape", 70)


def _inputs(workload: Workload, subject: Subject, order: Sequence[int] | None) -> Inputs:
    return {
        "model": subject.model,
        "saes": dict(subject.saes),
        "texts": workload.texts(order),
        "categories": {name: list(members) for name, members in texts.CATEGORIES.items()},
        "top_k": 5,
        "threshold": 5.0,
    }


def _ranks(inputs: Inputs, oracle: Oracle, output: Any, allowed: float) -> list[Ranked]:
    ranks = []
    for name, column in output.columns.items():
        features = oracle.features(name, inputs["texts"])
        ranks += _feature_ranks(name, column, features, inputs, allowed)
        ranks += _specialist_ranks(name, column, features, inputs, allowed)
    return ranks


def _feature_ranks(name: str, column: Any, features: Tensor, inputs: Inputs, allowed: float) -> list[Ranked]:
    top_k = inputs["top_k"]
    never = torch.tensor(-math.inf)
    peaks = features.amax(dim=0)
    band = allowed * row_scale(features).max()
    low, high = count_range(features, inputs["threshold"], allowed)
    n_in_band = int((low != high).sum())
    # Fewest first, so values are negated; a feature with no strong text may not be listed.
    fewest = torch.where(high > 0, -low.clamp_min(1), never)
    most = torch.where(low > 0, -high, never)
    strongest = [(i, value) for i, value, _ in column.strongest]
    selective = [(i, -count) for i, count in column.most_selective]
    return [
        Ranked(f"{name} strongest", strongest, peaks - band, peaks + band, top_k),
        Ranked(f"{name} most frequent", list(map(tuple, column.most_frequent)), low, high, top_k, n_in_band),
        Ranked(f"{name} most selective", selective, most, fewest, top_k, n_in_band),
    ]


def _specialist_ranks(name: str, column: Any, features: Tensor, inputs: Inputs, allowed: float) -> list[Ranked]:
    ranks = []
    never = torch.tensor(-math.inf)
    for category, members in inputs["categories"].items():
        inside = torch.tensor([text in members for text in inputs["texts"]])
        in_low, in_high = count_range(features[inside], inputs["threshold"], allowed, row_scale(features)[inside])
        out_low, out_high = count_range(features[~inside], inputs["threshold"], allowed, row_scale(features)[~inside])
        low, high = in_low - out_high, in_high - out_low
        low, high = torch.where(low > 0, low, never), torch.where(high > 0, high, never)
        specialist = column.specialists[category]
        listed = [] if specialist is None else [tuple(specialist)]
        ranks.append(Ranked(f"{name} specialist of {category}", listed, low, high, top_k=1))
    return ranks


def _floats(inputs: Inputs, oracle: Oracle, output: Any) -> list[tuple[float, float, float, str]]:
    numbers = []
    for name, column in output.columns.items():
        features = oracle.features(name, inputs["texts"])
        scale = row_scale(features).max().item()
        for i, value, text in column.strongest:
            where = f"{name} strongest feature {i} on text {text!r:.40}"
            if text not in inputs["texts"] or not 0 <= i < features.shape[1]:
                raise NotEquivalent(f"{where}: no such text or feature was given.")
            numbers.append((value, features[inputs["texts"].index(text), i].item(), scale, where))
    return numbers


FINDING = Finding(
    number=2,
    name="comparison_table",
    title="Features are extracted three times per SAE",
    claim=Claim("3x", low=3, high=3),
    pairs=(
        Pair(
            sequential.comparison_table,
            batched.comparison_table,
            _inputs,
            SameRanks(
                _ranks,
                _floats,
                lambda inputs: tuple(inputs["saes"]),
                why="float32 sums in another order, and at another batch shape",
            ),
            (SMOKE, SOLVED, HOSTILE, RAGGED, REPORT),
        ),
    ),
    counters=(
        forward_passes,
        computed_tokens,
        real_tokens,
        token_layers,
        hook_fires,
        encodes,
        flops,
        bytes_allocated,
        operators,
    ),
    definition_digest="f995e4e2b68232e6",
)


class ComparisonTable(Suite):
    finding = FINDING
