"""Cheats that ask the gate for its allowance, and are wrong by just more than that in one measure only."""

from functools import cache
from typing import Any

import torch
from torch import Tensor

import impl_batched.text_batching as batched
from bench.findings.text_batching import FINDING, SMOKE
from speedproof.gate.control import Control
from speedproof.gate.gate import allowed_error
from speedproof.gate.rules import RULES
from speedproof.lens.features import row_scale
from speedproof.pairs.contract import Allowed, settle

OVER = 1.5
"""Times the allowance by which a measure is broken: what the twin's own error adds or takes away is less."""
UNDER = 0.5
"""Times the allowance for an element that is to pass."""
WEAK = 0.7
"""A row whose largest element is less than this share of the mean row's has elements to spare: their errors are shares
of the mean row's."""


@cache
def _allowance() -> Allowed:
    """What a candidate is held to on the smoke workload."""
    pair = FINDING.pairs[0]
    subject = pair.subject(SMOKE)
    floor, inputs = pair.equivalence.floor(subject), pair.inputs(SMOKE, subject, None)
    examination = pair.equivalence.examine(inputs, pair.reference(subject), pair.sequential(**inputs), floor)
    seen = settle(examination, without=RULES)
    return allowed_error(seen, floor)


def one_weak_element_off(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """A cheat: spends more than the allowance on one weak feature, where length and direction do not show it."""
    features = batched.extract_features(model, sae, hook_name, texts)
    row = int((features.norm(dim=1) / row_scale(features)[:, 0]).argmax())
    column = int(torch.where(features[row] > 0, features[row], torch.inf).argmin())
    features[row, column] += OVER * _allowance()["element"] * row_scale(features)[row, 0]
    return features


def weak_rows_too_long(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """A cheat: makes weak rows longer, where elements and direction do not show it."""
    features = batched.extract_features(model, sae, hook_name, texts)
    largest = features.amax(dim=1, keepdim=True)
    return torch.where(largest < WEAK * largest.mean(), features * (1 + OVER * _allowance()["length"]), features)


def every_element_off_a_little(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """A cheat: moves all features that fire, up and down in turn, each by less than the allowance."""
    features = batched.extract_features(model, sae, hook_name, texts)
    order = features.argsort(dim=1)
    signs = torch.ones_like(features)
    signs[:, ::2] = -1
    turns = torch.zeros_like(features).scatter_(1, order, signs)
    step = UNDER * _allowance()["element"] * row_scale(features)
    return torch.where(features > 0, features + turns * step, 0.0)


def _control(function: Any, why: str, measure: str) -> Control:
    return Control(FINDING, function, why, f"by {measure}", kind="at the limit", only=measure)


CONTROLS = (
    _control(one_weak_element_off, "a feature has another strength", "element"),
    _control(weak_rows_too_long, "whole texts are too strong", "length"),
    _control(every_element_off_a_little, "all errors together turn the row", "direction"),
)
