"""How finding 2 is asked: its inputs, its right answers, what may vary and what must be refused."""

import math
from collections.abc import Sequence
from typing import Any

import torch

from speedproof.errors import NotEquivalent
from speedproof.lens.counters import computed_tokens, encodes, forward_passes, hook_fires, real_tokens, token_layers
from speedproof.lens.features import Features
from speedproof.lens.hostile import alone
from speedproof.lens.oracle import Oracle
from speedproof.lens.ranks import Number, Ranked, SameRanks
from speedproof.lens.subject import Subject
from speedproof.lens.variations import OTHER_CATEGORIES, OTHER_MODEL, OTHER_SAES
from speedproof.pairs import texts
from speedproof.pairs.contract import Inputs
from speedproof.pairs.finding import Refused
from speedproof.pairs.variations import numbers
from speedproof.pairs.workload import Workload
from speedproof.tensors.counters import bytes_allocated, bytes_saved_for_backward, flops, operators


def inputs(workload: Workload, subject: Subject, order: Sequence[int] | None) -> Inputs:
    categories = {name: list(members) for name, members in texts.CATEGORIES.items()}
    if workload.form in ("hostile", "given"):
        categories |= alone(workload.texts())
    return {
        "model": subject.model,
        "saes": dict(subject.saes),
        "texts": workload.texts(order),
        "categories": categories,
        "top_k": 5,
        "threshold": 5.0,
    }


def _ranks(inputs: Inputs, oracle: Oracle, output: Any, allowed: float) -> list[Ranked]:
    ranks = []
    for name, column in output.columns.items():
        if list(column.specialists) != list(inputs["categories"]):
            told = f"{name} has specialists of {list(column.specialists)}, expected of {list(inputs['categories'])}."
            raise NotEquivalent("shape", told)
        features = oracle.features(inputs["saes"][name], inputs["texts"])
        ranks += _feature_ranks(name, column, features, inputs, allowed)
        ranks += _specialist_ranks(name, column, features, inputs, allowed)
    return ranks


def _feature_ranks(name: str, column: Any, features: Features, inputs: Inputs, allowed: float) -> list[Ranked]:
    top_k = inputs["top_k"]
    never = torch.tensor(-math.inf)
    lowest, highest = (side.amax(dim=0) for side in features.range(allowed))
    low, high = features.count_range(inputs["threshold"], allowed)
    n_in_band = int((low != high).sum())
    # Fewest first, so values are negated; a feature with no strong text may not be listed.
    fewest = torch.where(high > 0, -low.clamp_min(1), never)
    most = torch.where(low > 0, -high, never)
    strongest = [(i, value) for i, value, _ in column.strongest]
    selective = [(i, -count) for i, count in column.most_selective]
    return [
        Ranked(f"{name} strongest", strongest, lowest, highest, top_k),
        Ranked(f"{name} most frequent", list(map(tuple, column.most_frequent)), low, high, top_k, n_in_band),
        Ranked(f"{name} most selective", selective, most, fewest, top_k, n_in_band),
    ]


def _specialist_ranks(name: str, column: Any, features: Features, inputs: Inputs, allowed: float) -> list[Ranked]:
    ranks = []
    never = torch.tensor(-math.inf)
    # Of all categories at once: [category, text] by [text, feature] counts texts inside; what is left is outside.
    members, given = inputs["categories"], inputs["texts"]
    inside = torch.tensor([text in those for those in members.values() for text in given], dtype=torch.bool)
    inside = inside.reshape(len(members), len(given))
    surely, maybe = (side > inputs["threshold"] for side in features.range(allowed))
    in_low, in_high = (inside.double() @ side.double() for side in (surely, maybe))
    out_low, out_high = ((~inside).double() @ side.double() for side in (surely, maybe))
    lows, highs = in_low - out_high, in_high - out_low
    in_band = (lows != highs).sum(dim=1).tolist()
    lows, highs = torch.where(lows > 0, lows, never), torch.where(highs > 0, highs, never)
    for category, low, high, n_in_band in zip(members, lows, highs, in_band, strict=True):
        specialist = column.specialists[category]
        listed = [] if specialist is None else [tuple(specialist)]
        ranks.append(Ranked(f"{name} specialist of {category}", listed, low, high, top_k=1, n_in_band=n_in_band))
    return ranks


def _numbers(inputs: Inputs, oracle: Oracle, output: Any, allowed: float) -> list[Number]:
    numbers = []
    for name, column in output.columns.items():
        features = oracle.features(inputs["saes"][name], inputs["texts"])
        scale = features.scale.max().item()
        for i, value, text in column.strongest:
            where = f"{name} strongest feature {i} on text {text!r:.40}"
            if text not in inputs["texts"] or not 0 <= i < features.values.shape[1]:
                raise NotEquivalent("entries", f"{where}: no such text or feature was given.")
            expected = features.nearest_at(inputs["texts"].index(text), i, value, allowed)
            numbers.append(Number(value, expected, scale, where))
    return numbers


SAME_TABLE = SameRanks(
    _ranks,
    _numbers,
    lambda inputs: tuple(inputs["saes"]),
    why="float32 sums in another order, and at another batch shape",
)
OTHER = (
    *(OTHER_MODEL, OTHER_SAES),
    OTHER_CATEGORIES,
    numbers("top_k", 3, 40, 1),
    numbers("threshold", -1.0, 2.0, 1.0, 0.5, 10.0, 20.0, 40.0),
)
REFUSED = (
    Refused("no texts", lambda inputs: {"texts": []}, ValueError),
    Refused("a string in place of texts", lambda inputs: {"texts": ""}, TypeError),
    Refused("no SAEs", lambda inputs: {"saes": {}}, ValueError),
)

COUNTERS = (
    forward_passes,
    computed_tokens,
    real_tokens,
    token_layers,
    hook_fires,
    encodes,
    flops,
    bytes_saved_for_backward,
    bytes_allocated,
    operators,
)
