"""Inference keeps the autograd graph.

Source: efficiency report, finding 6. Claim: memory.
"""

from bench.sizes import LARGE, SMALL, TEXTS, of_texts
from bench.suite import Suite
from speedproof.lens.pair import ModelPair
from speedproof.pairs.finding import OF_PRODUCTS, Arm, Claim, Defect, Disturbed, Finding
from speedproof.pairs.workload import Workload

NAME = "grad_mode"
CASES = "bench.cases.grad_mode:"
LADDER = "bench.ladders.grad_mode:"
SEQUENTIAL, BATCHED = "impl_sequential.grad_mode:", "impl_batched.grad_mode:"

SMOKE = Workload("smoke", "tiny", 70)
HOSTILE = Workload("hostile", "tiny", 32, "hostile")
REPORT = Workload("report", "gpt2-small-shape", 10)
"""Ten texts: both twins are loops, so more texts change nothing but the length of a call."""


FINDING = Finding(
    module=__name__,
    number=6,
    name=NAME,
    title="Inference keeps the autograd graph",
    claim=Claim.counter("bytes_saved_for_backward", falls=True, words="memory"),
    pairs=(
        ModelPair(
            sequential=SEQUENTIAL + "collect_activations",
            batched=BATCHED + "collect_activations",
            inputs=CASES + "inputs",
            equivalence=CASES + "SAME_ACTIVATIONS",
            variations=CASES + "OTHER",
            refused=CASES + "REFUSED",
            workloads=(SMOKE, HOSTILE, REPORT),
            unit="texts",
            arms=(
                Arm("sequential", "the definition: everything cached, with graph"),
                Arm("batched", "no autograd graph: the batched twin"),
                Arm("one_hook", "only the hook that is read is cached", LADDER + "one_hook"),
                Arm("no_logits", "no product with the vocabulary", LADDER + "no_logits"),
                Arm("careful", "no block above the hook", LADDER + "careful"),
            ),
            earlier_ladders=("a5bd0d95db72982f",),
            series=(
                of_texts(NAME, "collect_activations", "ragged", SMALL, TEXTS[:7]),
                of_texts(NAME, "collect_activations", "ragged", LARGE, TEXTS[:4]),
            ),
        ),
    ),
    counters=CASES + "COUNTERS",
    definition_digest="8cf215432544814c",
    disturbed_by=Disturbed("memory given and taken: little of it free, and busy cores", (*OF_PRODUCTS, "memory")),
    controls_in="bench.controls:CONTROLS",
    baseline_defects=(
        Defect(
            "A tokenizer that pads on the left by default, and a text that begins with the literal bos token: the "
            "model masks that token as if it were padding, so the definition's answer is another text's.",
            "tests/lens/test_variants.py::test_a_leading_bos_under_left_padding_is_a_baseline_defect_that_is_refused[grad_mode]",
        ),
    ),
)


class GradMode(Suite):
    finding = FINDING
