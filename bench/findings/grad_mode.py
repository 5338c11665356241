"""Inference keeps the autograd graph.

Source: efficiency report, finding 6. Claim: memory.
"""

from collections.abc import Sequence

from torch import Tensor

import impl_batched.grad_mode as batched
import impl_sequential.grad_mode as sequential

from ..contract import Inputs
from ..counters.model import computed_tokens, forward_passes, hook_fires, token_layers
from ..counters.tensors import bytes_allocated, bytes_saved_for_backward, flops, operators
from ..finding import OF_PRODUCTS, Arm, Claim, Defect, Disturbed, Finding, Refused
from ..ladders import grad_mode as ladder
from ..lens_pair import ModelPair
from ..lens_variations import OTHER_HOOK, OTHER_MODEL
from ..oracle import Oracle
from ..rows import SameRows
from ..subject import Subject
from ..suite import Suite
from ..workload import Workload
from .sizes import LARGE, SMALL, TEXTS, of_texts

NAME = "grad_mode"

SMOKE = Workload("smoke", "tiny", 70)
HOSTILE = Workload("hostile", "tiny", 32, "hostile")
REPORT = Workload("report", "gpt2-small-shape", 10)
"""Ten texts: both twins are loops, so more texts change nothing but the length of a call."""


def _inputs(workload: Workload, subject: Subject, order: Sequence[int] | None) -> Inputs:
    return {"model": subject.model, "hook_name": subject.hook_name, "texts": workload.texts(order)}


def _activations(inputs: Inputs, oracle: Oracle) -> Tensor:
    return oracle.activations(inputs["hook_name"], inputs["texts"])


FINDING = Finding(
    module=__name__,
    number=6,
    name=NAME,
    title="Inference keeps the autograd graph",
    claim=Claim("memory"),
    pairs=(
        ModelPair(
            sequential.collect_activations,
            batched.collect_activations,
            _inputs,
            SameRows(_activations, why="autograd may choose other kernels"),
            (SMOKE, HOSTILE, REPORT),
            variations=(OTHER_MODEL, OTHER_HOOK),
            refused=(
                Refused("no texts", lambda inputs: {"texts": []}, ValueError),
                Refused("a string in place of texts", lambda inputs: {"texts": ""}, TypeError),
                Refused("a hook that the model lacks", lambda inputs: {"hook_name": "no.such_hook"}, ValueError),
            ),
            arms=(
                Arm("sequential", "the definition: everything cached, with graph"),
                Arm("batched", "no autograd graph: the batched twin"),
                Arm("one_hook", "only the hook that is read is cached", ladder.one_hook),
                Arm("no_logits", "no product with the vocabulary", ladder.no_logits),
                Arm("careful", "no block above the hook", ladder.careful),
            ),
            series=(
                of_texts(NAME, "collect_activations", "ragged", SMALL, TEXTS[:7]),
                of_texts(NAME, "collect_activations", "ragged", LARGE, TEXTS[:4]),
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
    disturbed_by=Disturbed("memory given and taken: little of it free, and busy cores", (*OF_PRODUCTS, "memory")),
    controls_in="bench.controls:CONTROLS",
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
