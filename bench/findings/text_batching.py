"""Texts are run one at a time.

Source: efficiency report, finding 1. Claim: 5-10x.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch

import impl_batched.text_batching as batched
import impl_sequential.text_batching as sequential

from ..counters import (
    bytes_allocated,
    bytes_saved_for_backward,
    computed_tokens,
    encodes,
    flops,
    forward_passes,
    hook_fires,
    operators,
    real_tokens,
    token_layers,
)
from ..equivalence import Inputs, SameRows
from ..features import Features
from ..finding import Claim, Defect, Finding, Pair, Refused
from ..oracle import Oracle
from ..plain import ListOf
from ..ranks import Number, Ranked, SameRanks
from ..subject import Subject
from ..suite import Suite
from ..variations import OTHER_HOOK, OTHER_MODEL, OTHER_SAE, Changed, Variation, numbers
from ..workload import Workload

SMOKE = Workload("smoke", "tiny", 70)
SOLVED = Workload("solved", "solved", 70)
HOSTILE = Workload("hostile", "tiny", 32, "hostile")
RAGGED = Workload("ragged", "tiny", 60, "ragged")
REPORT = Workload("report", "gpt2-small-shape", 70)
CONCEPT = Workload("report", "gpt2-small-shape", 10)
"""The report explores a feature or a concept on about ten texts at a time."""

BUSY_FEATURE = {"tiny": 11, "solved": 14, "gpt2-small-shape": 18_682}
"""A feature per subject that fires on many of the texts, differently strongly."""

OTHER_THRESHOLDS = (-1.0, 2.0, 1.0, 0.5, 10.0, 20.0, 40.0)
"""Below zero, where silent features count; then below and above the report's, for weaker and stronger features."""

WHY = "float32 sums in another order, and at another batch shape"


def _inputs(workload: Workload, subject: Subject, order: Sequence[int] | None) -> Inputs:
    return {
        "model": subject.model,
        "sae": subject.sae,
        "hook_name": subject.hook_name,
        "texts": workload.texts(order),
    }


def _explore_inputs(workload: Workload, subject: Subject, order: Sequence[int] | None) -> Inputs:
    return {**_inputs(workload, subject, order), "feature_idx": BUSY_FEATURE.get(subject.name.split(":")[0], 0)}


def _concept_inputs(workload: Workload, subject: Subject, order: Sequence[int] | None) -> Inputs:
    return {**_inputs(workload, subject, order), "top_k": 10, "activation_threshold": 5.0}


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
            found = torch.full_like(features.values, value)
            expected = features.nearest(found, allowed)[row[text], column].item()
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


FINDING = Finding(
    number=1,
    name="text_batching",
    title="Texts are run one at a time",
    claim=Claim.speedup(5, 10, "5-10x"),
    pairs=(
        Pair(
            sequential.extract_features,
            batched.extract_features,
            _inputs,
            SameRows(_features, why=WHY),
            (SMOKE, SOLVED, HOSTILE, RAGGED, REPORT),
            variations=(OTHER_MODEL, OTHER_SAE, OTHER_HOOK),
            unit="texts",
            refused=REFUSED,
        ),
        Pair(
            sequential.explore_feature,
            batched.explore_feature,
            _explore_inputs,
            SameRanks(_explore_ranks, _explore_numbers, lambda inputs: ListOf((str, float)), WHY),
            (SMOKE, SOLVED, HOSTILE, RAGGED, CONCEPT),
            variations=(OTHER_MODEL, OTHER_SAE, OTHER_HOOK, Variation("feature_idx", _other_features)),
            unit="texts",
            refused=(
                *REFUSED,
                Refused("feature_idx -1", lambda inputs: {"feature_idx": -1}, IndexError),
                Refused(
                    "a feature that the SAE lacks",
                    lambda inputs: {"feature_idx": int(inputs["sae"].cfg.d_sae)},
                    IndexError,
                ),
            ),
        ),
        Pair(
            sequential.find_features_for_concept,
            batched.find_features_for_concept,
            _concept_inputs,
            SameRanks(_concept_ranks, _concept_numbers, lambda inputs: ListOf((int, int, float)), WHY),
            (SMOKE, SOLVED, HOSTILE, RAGGED, CONCEPT),
            variations=(
                *(OTHER_MODEL, OTHER_SAE, OTHER_HOOK),
                numbers("top_k", 3, 40, 1),
                numbers("activation_threshold", *OTHER_THRESHOLDS),
            ),
            unit="texts",
            refused=REFUSED,
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
        bytes_saved_for_backward,
        bytes_allocated,
        operators,
    ),
    definition_digest="325b10c2b0cf85d6",
    baseline_defects=(
        Defect(
            "A tokenizer that pads on the left by default, and a text that begins with the literal bos token: the "
            "model masks that token as if it were padding, so the definition's answer is another text's.",
            "tests/test_variants.py::test_a_leading_bos_under_left_padding_is_a_baseline_defect_that_is_refused[text_batching]",
        ),
    ),
)


class TextBatching(Suite):
    finding = FINDING
