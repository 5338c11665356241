"""Features are extracted three times per SAE.

Source: efficiency report, finding 2. Claim: 3x.
"""

from bench.sizes import LARGE, SMALL, TEXTS, of_texts
from bench.suite import Suite
from speedproof.lens.pair import ModelPair
from speedproof.pairs.finding import OF_PRODUCTS, Arm, Claim, Defect, Disturbed, Finding
from speedproof.pairs.workload import Workload

NAME = "comparison_table"
CASES = "bench.cases.comparison_table:"
LADDER = "bench.ladders.comparison_table:"
SEQUENTIAL, BATCHED = "impl_sequential.comparison_table:", "impl_batched.comparison_table:"

SMOKE = Workload("smoke", "tiny", 70)
SOLVED = Workload("solved", "solved", 70)
HOSTILE = Workload("hostile", "tiny", 32, "hostile")
RAGGED = Workload("ragged", "tiny", 60, "ragged")
REPORT = Workload("report", "gpt2-small-shape", 70)


FINDING = Finding(
    module=__name__,
    number=2,
    name=NAME,
    title="Features are extracted three times per SAE",
    claim=Claim.speedup(3, 3, "3x"),
    pairs=(
        ModelPair(
            sequential=SEQUENTIAL + NAME,
            batched=BATCHED + NAME,
            inputs=CASES + "inputs",
            equivalence=CASES + "SAME_TABLE",
            variations=CASES + "OTHER",
            refused=CASES + "REFUSED",
            workloads=(SMOKE, SOLVED, HOSTILE, RAGGED, REPORT),
            unit="texts",
            arms=(
                Arm("sequential", "the definition: three whole passes per SAE"),
                Arm("one_extraction", "one extraction per SAE", LADDER + "one_extraction"),
                Arm("no_logits", "no product with the vocabulary", LADDER + "no_logits"),
                Arm("careful", "no block above the SAE's hook", LADDER + "careful"),
                Arm("one_forward", "one pass for all SAEs", LADDER + "one_forward"),
                Arm("count_once", "strong features counted once per SAE", LADDER + "count_once"),
                Arm("sort_and_budget", "texts of like length together, within a budget", LADDER + "sort_and_budget"),
                Arm("batched", "texts packed without padding, as for finding 1: the batched twin"),
            ),
            earlier_ladders=("d60de23bd5f72d79", "b764b20f0cd54d6a", "aebd0fbce442a0c4"),
            series=(
                of_texts(NAME, NAME, "equal", SMALL, TEXTS),
                of_texts(NAME, NAME, "ragged", SMALL, TEXTS),
                of_texts(NAME, NAME, "long", SMALL, TEXTS),
                of_texts(NAME, NAME, "equal", LARGE, TEXTS[:4]),
                of_texts(NAME, NAME, "ragged", LARGE, TEXTS[:4]),
                of_texts(NAME, NAME, "long", LARGE, TEXTS[:2]),
            ),
        ),
    ),
    counters=CASES + "COUNTERS",
    definition_digest="f995e4e2b68232e6",
    disturbed_by=Disturbed("anything that takes a core from the matrix products", (*OF_PRODUCTS, "memory")),
    controls_in="bench.controls:CONTROLS",
    baseline_defects=(
        Defect(
            "A model that prepends no bos, and an empty text among others: it has no tokens, so the definition reads "
            "padding at its last position.",
            "tests/lens/test_variants.py::test_without_bos_the_tables_definition_answers_for_an_empty_text_from_padding"
            "[tiny:no-bos]",
        ),
    ),
)


class ComparisonTable(Suite):
    finding = FINDING
