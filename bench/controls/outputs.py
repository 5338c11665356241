"""Right numbers in an output, or from an input, that is not what the definition's is."""

import json
from typing import Any

import torch
from torch import Tensor

import impl_batched.grad_mode as grad_mode
import impl_batched.text_batching as batched
from bench.findings.grad_mode import FINDING as GRAD_MODE
from bench.findings.text_batching import FINDING
from speedproof.gate.control import Control
from speedproof.pairs.texts import OVER_CONTEXT
from speedproof.pairs.workload import Workload


def double_precision(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Hands out doubles, for the sums that come later."""
    return batched.extract_features(model, sae, hook_name, texts).double()


def silence_made_positive(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Adds a little, so that nobody divides by zero or takes its logarithm."""
    return batched.extract_features(model, sae, hook_name, texts) + 1e-9


def inference_mode_throughout(model: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Takes inference_mode for a quicker no_grad."""
    with torch.inference_mode():
        return grad_mode.collect_activations(model, hook_name, texts)


_buffers: dict[int, Tensor] = {}


def one_buffer_for_all_calls(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Writes its answer into memory that it set aside at the first call."""
    features = batched.extract_features(model, sae, hook_name, texts)
    buffer = _buffers.setdefault(features.shape[1], torch.empty(1000, features.shape[1]))
    return buffer[: len(texts)].copy_(features)


def texts_sorted_in_place(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Sorts by length for tighter batches, and takes the user's list for it."""
    texts.sort(key=len)
    return batched.extract_features(model, sae, hook_name, texts)


def ties_in_reversed_order(model: Any, sae: Any, hook_name: str, texts: list[str], feature_idx: int) -> Any:
    """Sorts upwards and reads the list from its end."""
    ranked = batched.explore_feature(model, sae, hook_name, texts, feature_idx)
    return sorted(reversed(ranked), key=lambda row: -row.activation)


def rows_through_json(model: Any, sae: Any, hook_name: str, texts: list[str], **options: Any) -> Any:
    """Sends its rows through JSON on their way to a dashboard."""
    return json.loads(json.dumps(batched.find_features_for_concept(model, sae, hook_name, texts, **options)))


def indices_from_the_end(model: Any, sae: Any, hook_name: str, texts: list[str], **options: Any) -> Any:
    """Ranks the flipped features, so that ties come in the wanted order, and counts from the end."""
    ranked = batched.find_features_for_concept(model, sae, hook_name, texts, **options)
    return [row._replace(feature_idx=row.feature_idx - sae.cfg.d_sae) for row in ranked]


def one_entry_short(
    model: Any, sae: Any, hook_name: str, texts: list[str], top_k: int = 10, activation_threshold: float = 5.0
) -> Any:
    """Counts its entries from one up to the number that is asked for, and leaves that out."""
    return batched.find_features_for_concept(model, sae, hook_name, texts, top_k - 1, activation_threshold)


def merged_by_how_they_begin(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Runs texts once that begin alike, since a document's copies do."""
    if not texts:
        return batched.extract_features(model, sae, hook_name, texts)
    first = {text[:SHOWN]: text for text in reversed(texts)}
    rows = dict(zip(first, batched.extract_features(model, sae, hook_name, list(first.values())), strict=True))
    return torch.stack([rows[text[:SHOWN]] for text in texts])


SHOWN = len(OVER_CONTEXT)
"""Characters by which that control tells texts apart."""
ALIKE = Workload("alike", "tiny", 2, "given", given=(f"{OVER_CONTEXT} one end", f"{OVER_CONTEXT} another"))
"""Two texts that differ only behind what the model reads, so that no answer can mix them up."""


def _control(function: Any, why: str, expect: str, rule: str) -> Control:
    return Control(FINDING, function, why, expect, only=rule)


CONTROLS = (
    _control(double_precision, "twice the memory, and other code refuses to mix types", "torch.float64", "dtype"),
    _control(silence_made_positive, "every feature fires on every text", "fires differently", "firing"),
    Control(
        GRAD_MODE,
        inference_mode_throughout,
        "the activations raise as soon as one trains a probe on them",
        "inference tensor",
        only="autograd",
    ),
    _control(
        one_buffer_for_all_calls,
        "the second answer overwrites the first",
        "memory that an earlier output",
        "own memory",
    ),
    _control(texts_sorted_in_place, "the user's labels no longer belong to the texts", "changes its inputs", "inputs"),
    Control(
        FINDING,
        ties_in_reversed_order,
        "ties come in the texts' order",
        "not in order of",
        only="order",
        pair_name="explore_feature",
    ),
    Control(
        FINDING,
        rows_through_json,
        "rows are lists without names, and whoever asks for row.feature_idx fails",
        "output holds [",
        pair_name="find_features_for_concept",
    ),
    Control(
        FINDING,
        indices_from_the_end,
        "the same features under numbers that Neuronpedia does not know",
        "are not distinct indices",
        pair_name="find_features_for_concept",
    ),
    Control(
        FINDING,
        one_entry_short,
        "one feature fewer than was asked for",
        "entries, expected 10",
        only="entries",
        pair_name="find_features_for_concept",
    ),
    Control(
        FINDING,
        merged_by_how_they_begin,
        "texts with one beginning are different texts, which these two cannot show",
        "the check is invalid",
        ALIKE,
        only="informative",
    ),
)
