"""How finding 1 is asked: its inputs, its right answers, what may vary and what must be refused."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from speedproof.lens.counters import computed_tokens, encodes, forward_passes, hook_fires, real_tokens, token_layers
from speedproof.lens.features import Features
from speedproof.lens.oracle import Oracle
from speedproof.lens.ranks import ListOf, Number, Ranked, SameRanks
from speedproof.lens.rows import SameRows
from speedproof.lens.subject import Subject
from speedproof.lens.variations import OTHER_HOOK, OTHER_MODEL, OTHER_SAE
from speedproof.pairs.contract import Inputs
from speedproof.pairs.finding import Refused
from speedproof.pairs.variations import Changed, Variation, numbers
from speedproof.pairs.workload import Workload
from speedproof.tensors.counters import bytes_allocated, bytes_saved_for_backward, flops, operators

BUSY_FEATURE = {"tiny": 11, "solved": 14, "gpt2-small-shape": 18_682}
"""A feature per subject that fires on many of the texts, differently strongly."""

OTHER_THRESHOLDS = (-1.0, 2.0, 1.0, 0.5, 10.0, 20.0, 40.0)
"""Below zero, where silent features count; then below and above the report's, for weaker and stronger features."""

WHY = "float32 sums in another order, and at another batch shape"


def inputs(workload: Workload, subject: Subject, order: Sequence[int] | None) -> Inputs:
    return {
        "model": subject.model,
        "sae": subject.sae,
        "hook_name": subject.hook_name,
        "texts": workload.texts(order),
    }


def explore_inputs(workload: Workload, subject: Subject, order: Sequence[int] | None) -> Inputs:
    return {**inputs(workload, subject, order), "feature_idx": BUSY_FEATURE.get(subject.name.split(":")[0], 0)}


def concept_inputs(workload: Workload, subject: Subject, order: Sequence[int] | None) -> Inputs:
    return {**inputs(workload, subject, order), "top_k": 10, "activation_threshold": 5.0}


def _features(inputs: Inputs, oracle: Oracle) -> Features:
    return oracle.features(inputs["sae"], inputs["texts"], inputs["hook_name"])


def _other_features(inputs: Inputs, subject: Subject, oracle: Oracle) -> Iterator[Changed]:
    """Features by how differently strongly they fire on these texts, the most different first."""
    values = _features(inputs, oracle).values
    for index in (values.amax(dim=0) - values.amin(dim=0)).argsort(descending=True).tolist():
        if index != inputs["feature_idx"]:
            yield {"feature_idx": index}, oracle


REFUSED = (
    Refused("no texts", lambda inputs: {"texts": []}, ValueError),
    Refused("a string in place of texts", lambda inputs: {"texts": ""}, TypeError),
    Refused("a hook that the model lacks", lambda inputs: {"hook_name": "no.such_hook"}, ValueError),
)
"""The string is the empty one: what iterates over any other takes its letters for texts, and answers about those."""


def _explore_ranks(inputs: Inputs, oracle: Oracle, output: Any, allowed: float) -> list[Ranked]:
    low, high = (side[:, inputs["feature_idx"]] for side in _features(inputs, oracle).range(allowed))
    positions = {text: [i for i, other in enumerate(inputs["texts"]) if other == text] for text in inputs["texts"]}
    # Equal texts have equal values, so each takes the next position that its text has. A foreign text gets -1.
    listed = [(positions[text].pop(0) if positions.get(text) else -1, value) for text, value in output]
    return [Ranked("ranking", listed, low, high, len(low))]


def _explore_numbers(inputs: Inputs, oracle: Oracle, output: Any, allowed: float) -> list[Number]:
    features, column = _features(inputs, oracle), inputs["feature_idx"]
    row = {text: i for i, text in enumerate(inputs["texts"])}
    numbers = []
    for text, value in output:
        if text in row:
            expected = features.nearest_at(row[text], column, value, allowed)
            numbers.append(Number(value, expected, features.scale[row[text]].item(), f"text {text!r:.40}"))
    return numbers


def _concept_ranks(inputs: Inputs, oracle: Oracle, output: Any, allowed: float) -> list[Ranked]:
    low, high = _features(inputs, oracle).count_range(inputs["activation_threshold"], allowed)
    listed = [(feature_idx, count) for feature_idx, count, _ in output]
    never = torch.tensor(-torch.inf)
    n_in_band = int((low != high).sum())
    low, high = torch.where(low > 0, low, never), torch.where(high > 0, high, never)
    return [Ranked("strong counts", listed, low, high, inputs["top_k"], n_in_band)]


def _concept_numbers(inputs: Inputs, oracle: Oracle, output: Any, allowed: float) -> list[Number]:
    features, threshold = _features(inputs, oracle), inputs["activation_threshold"]
    strong = features.values > threshold
    low, high = features.count_range(threshold, allowed)
    scale = features.scale.max().item()
    return [
        Number(mean, features.values[strong[:, i], i].mean().item(), scale, f"mean strength of feature {i}")
        for i, count, mean in output
        # Where a text lies on the threshold, the mean is over other texts; whether it may is judged with the ranks.
        if 0 <= i < len(low) and low[i] == high[i] == count
    ]


SAME_FEATURES = SameRows(_features, why=WHY)
SAME_RANKING = SameRanks(_explore_ranks, _explore_numbers, lambda inputs: ListOf((str, float)), WHY)
SAME_CONCEPT = SameRanks(_concept_ranks, _concept_numbers, lambda inputs: ListOf((int, int, float)), WHY)

OTHER = (OTHER_MODEL, OTHER_SAE, OTHER_HOOK)
OTHER_RANKING = (*OTHER, Variation("feature_idx", _other_features))
OTHER_CONCEPT = (*OTHER, numbers("top_k", 3, 40, 1), numbers("activation_threshold", *OTHER_THRESHOLDS))

REFUSED_RANKING = (
    *REFUSED,
    Refused("feature_idx -1", lambda inputs: {"feature_idx": -1}, IndexError),
    Refused(
        "a feature that the SAE lacks",
        lambda inputs: {"feature_idx": int(inputs["sae"].cfg.d_sae)},
        IndexError,
    ),
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
