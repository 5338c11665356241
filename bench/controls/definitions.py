"""Right answers that are held against a definition which is not the report's."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

import impl_batched.text_batching as batched
import impl_sequential.text_batching as sequential
from bench.findings.text_batching import FINDING
from speedproof.digest import source_digest
from speedproof.gate.control import Control
from speedproof.pairs.finding import Finding


def twice_the_work(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """The report's definition, each text run once more to warm it up."""
    sequential.extract_features(model, sae, hook_name, texts)
    return sequential.extract_features(model, sae, hook_name, texts)


def without_the_encoders_bias(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """A definition written from memory, in which the bias is missing."""
    with torch.no_grad():
        rows = [model.run_with_cache(text)[1][hook_name][0, -1] for text in texts]
        return torch.relu((torch.stack(rows) - sae.b_dec) @ sae.W_enc)


def against_a_slowed_definition(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Holds the batched twin against a definition that was changed to be slower."""
    return batched.extract_features(model, sae, hook_name, texts)


def against_a_wrong_definition(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Holds the batched twin against a baseline of one's own, and pins that."""
    return batched.extract_features(model, sae, hook_name, texts)


def _defined_by(definition: Any, digest: str) -> Finding:
    return replace(FINDING, definition_digest=digest, pairs=(replace(FINDING.pairs[0], sequential=definition),))


CONTROLS = (
    Control(
        _defined_by(twice_the_work, FINDING.definition_digest),
        against_a_slowed_definition,
        "any rewrite is fast beside a slowed definition",
        "A definition is never tuned",
        only="definition pinned",
    ),
    Control(
        _defined_by(without_the_encoders_bias, source_digest(without_the_encoders_bias)),
        against_a_wrong_definition,
        "a speed-up over another function's work is none",
        "the definition disagrees with the reference",
        only="definition right",
    ),
)
