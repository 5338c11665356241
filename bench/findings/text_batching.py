"""Texts are run one at a time.

Source: efficiency report, finding 1. Claim: 5-10x.
"""

from bench.sizes import LARGE, SMALL, TEXTS, of_texts
from bench.suite import Suite
from speedproof.lens.pair import ModelPair
from speedproof.pairs.finding import OF_PRODUCTS, Arm, Claim, Defect, Disturbed, Finding
from speedproof.pairs.workload import Workload

NAME = "text_batching"
CASES = "bench.cases.text_batching:"
LADDER = "bench.ladders.text_batching:"
SEQUENTIAL, BATCHED = "impl_sequential.text_batching:", "impl_batched.text_batching:"

SMOKE = Workload("smoke", "tiny", 70)
SOLVED = Workload("solved", "solved", 70)
HOSTILE = Workload("hostile", "tiny", 32, "hostile")
RAGGED = Workload("ragged", "tiny", 60, "ragged")
REPORT = Workload("report", "gpt2-small-shape", 70)
CONCEPT = Workload("report", "gpt2-small-shape", 10)
"""The report explores a feature or a concept on about ten texts at a time."""


FINDING = Finding(
    module=__name__,
    number=1,
    name=NAME,
    title="Texts are run one at a time",
    claim=Claim.speedup(5, 10, "5-10x"),
    pairs=(
        ModelPair(
            sequential=SEQUENTIAL + "extract_features",
            batched=BATCHED + "extract_features",
            inputs=CASES + "inputs",
            equivalence=CASES + "SAME_FEATURES",
            variations=CASES + "OTHER",
            refused=CASES + "REFUSED",
            workloads=(SMOKE, SOLVED, HOSTILE, RAGGED, REPORT),
            unit="texts",
            arms=(
                Arm("sequential", "the definition: one text at a time, everything cached, with graph"),
                Arm("no_graph", "no autograd graph", LADDER + "no_graph"),
                Arm("one_hook", "only the hook that is read is cached", LADDER + "one_hook"),
                Arm("no_logits", "no product with the vocabulary", LADDER + "no_logits"),
                Arm("careful", "no block above the hook", LADDER + "careful"),
                Arm("batch", "32 texts in a pass, padded on the right", LADDER + "batch"),
                Arm(
                    "sort_and_budget",
                    "texts of like length together, 512 tokens in a pass",
                    LADDER + "sort_and_budget",
                ),
                Arm("encode_once", "one encode for all texts", LADDER + "encode_once"),
                Arm("packed", "texts in one row without padding, 1024 tokens in a pass", LADDER + "packed"),
                Arm("one_product", "queries, keys and values by one product", LADDER + "one_product"),
                Arm("beginnings_once", "what texts begin with once for all of them", LADDER + "beginnings_once"),
                Arm("batched", "fused norms and MLPs, of the last block the last tokens alone: the batched twin"),
            ),
            series=(
                of_texts(NAME, "extract_features", "equal", SMALL, TEXTS),
                of_texts(NAME, "extract_features", "ragged", SMALL, TEXTS),
                of_texts(NAME, "extract_features", "long", SMALL, TEXTS),
                of_texts(NAME, "extract_features", "equal", LARGE, TEXTS[:5]),
                of_texts(NAME, "extract_features", "ragged", LARGE, TEXTS[:6]),
                of_texts(NAME, "extract_features", "long", LARGE, TEXTS[:4]),
            ),
        ),
        ModelPair(
            sequential=SEQUENTIAL + "explore_feature",
            batched=BATCHED + "explore_feature",
            inputs=CASES + "explore_inputs",
            equivalence=CASES + "SAME_RANKING",
            variations=CASES + "OTHER_RANKING",
            refused=CASES + "REFUSED_RANKING",
            workloads=(SMOKE, SOLVED, HOSTILE, RAGGED, CONCEPT),
            unit="texts",
        ),
        ModelPair(
            sequential=SEQUENTIAL + "find_features_for_concept",
            batched=BATCHED + "find_features_for_concept",
            inputs=CASES + "concept_inputs",
            equivalence=CASES + "SAME_CONCEPT",
            variations=CASES + "OTHER_CONCEPT",
            refused=CASES + "REFUSED",
            workloads=(SMOKE, SOLVED, HOSTILE, RAGGED, CONCEPT),
            unit="texts",
        ),
    ),
    counters=CASES + "COUNTERS",
    definition_digest="325b10c2b0cf85d6",
    disturbed_by=Disturbed("anything that takes a core from the matrix products", (*OF_PRODUCTS, "memory")),
    controls_in="bench.controls:CONTROLS",
    baseline_defects=(
        Defect(
            "A tokenizer that pads on the left by default, and a text that begins with the literal bos token: the "
            "model masks that token as if it were padding, so the definition's answer is another text's.",
            "tests/lens/test_variants.py::test_a_leading_bos_under_left_padding_is_a_baseline_defect_that_is_refused[text_batching]",
        ),
    ),
)


class TextBatching(Suite):
    finding = FINDING
