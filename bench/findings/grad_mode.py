"""Inference keeps the autograd graph.

Source: efficiency report, finding 6. Claim: memory.
"""

from collections.abc import Sequence

from torch import Tensor

import impl_batched.grad_mode as batched
import impl_sequential.grad_mode as sequential

from ..counters import (
    bytes_allocated,
    bytes_saved_for_backward,
    computed_tokens,
    flops,
    forward_passes,
    hook_fires,
    operators,
    token_layers,
)
from ..equivalence import Inputs, SameRows
from ..finding import Claim, Defect, Finding, Pair, Refused
from ..oracle import Oracle
from ..subject import Subject
from ..suite import Suite
from ..variations import OTHER_HOOK, OTHER_MODEL
from ..workload import Workload

SMOKE = Workload("smoke", "tiny", 70)
HOSTILE = Workload("hostile", "tiny", 32, "hostile")
REPORT = Workload("report", "gpt2-small-shape", 10)
"""Ten texts: both twins are loops, so more texts change nothing but the length of a call."""


def _inputs(workload: Workload, subject: Subject, order: Sequence[int] | None) -> Inputs:
    return {"model": subject.model, "hook_name": subject.hook_name, "texts": workload.texts(order)}


def _activations(inputs: Inputs, oracle: Oracle) -> Tensor:
    return oracle.activations(inputs["hook_name"], inputs["texts"])


FINDING = Finding(
    number=6,
    name="grad_mode",
    title="Inference keeps the autograd graph",
    claim=Claim.counter("bytes_saved_for_backward", falls=True, words="memory"),
    pairs=(
        Pair(
            sequential.collect_activations,
            batched.collect_activations,
            _inputs,
            SameRows(_activations, why="autograd may choose other kernels"),
            (SMOKE, HOSTILE, REPORT),
            variations=(OTHER_MODEL, OTHER_HOOK),
            unit="texts",
            refused=(
                Refused("no texts", lambda inputs: {"texts": []}, ValueError),
                Refused("a string in place of texts", lambda inputs: {"texts": ""}, TypeError),
                Refused("a hook that the model lacks", lambda inputs: {"hook_name": "no.such_hook"}, ValueError),
            ),
        ),
    ),
    counters=(
        bytes_saved_for_backward,
        forward_passes,
        computed_tokens,
        token_layers,
        flops,
        hook_fires,
        bytes_allocated,
        operators,
    ),
    definition_digest="8cf215432544814c",
    baseline_defects=(
        Defect(
            "A tokenizer that pads on the left by default, and a text that begins with the literal bos token: the "
            "model masks that token as if it were padding, so the definition's answer is another text's.",
            "tests/test_variants.py::test_a_leading_bos_under_left_padding_is_a_baseline_defect_that_is_refused[grad_mode]",
        ),
    ),
)


class GradMode(Suite):
    finding = FINDING
