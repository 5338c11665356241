"""Every text is compared with every text.

Source: efficiency report, finding 3. Claim: a minor speed-up.
"""

from collections.abc import Sequence

from bench.sizes import SMALL, point
from bench.suite import Suite
from speedproof.pairs.finding import OF_SHORT_CALLS, Claim, Disturbed, Finding, Pair
from speedproof.pairs.series import Series
from speedproof.pairs.workload import N_CATEGORIES, Workload

NAME = "category_lookup"
CASES = "bench.cases.category_lookup:"
SEQUENTIAL, BATCHED = "impl_sequential.category_lookup:", "impl_batched.category_lookup:"

SMOKE = Workload("smoke", "tiny", 90)
"""Longer than the set of texts, so that texts repeat."""
MANY = Workload("many", "tiny", 2_000, "ragged")
REPORT = Workload("report", "gpt2-small-shape", 70)
HOSTILE = Workload("hostile", "tiny", 32, "hostile")

LOOKED_UP = (70, 200, 700, 1_200, 2_000, 4_000, 7_000, 20_000)
COARSE = (70, 200, 700, 2_000, 7_000, 20_000)
VERY_MANY = (2_000, 7_000, 20_000, 40_000, 70_000, 100_000, 140_000, 200_000)
"""From 7,000 texts on the definition would take a minute and more; the batched twin is timed alone there."""
CATEGORIES = (7, 30, 100, 300, 1_000)


def _by_texts(n_categories: int, sizes: Sequence[int]) -> Series:
    kind = f"equal texts, {n_categories:,} categories"
    workloads = tuple(point(n, "equal", SMALL, n_categories) for n in sizes if n >= n_categories)
    return Series(NAME, "analyze_specialists", "texts", kind, workloads, growth=2)


FINDING = Finding(
    module=__name__,
    number=3,
    name=NAME,
    title="Every text is compared with every text",
    claim=Claim.faster("minor"),
    pairs=(
        Pair(
            sequential=SEQUENTIAL + "analyze_specialists",
            batched=BATCHED + "analyze_specialists",
            inputs=CASES + "inputs",
            equivalence=CASES + "SAME_SPECIALISTS",
            kit="speedproof.tensors.kit:TORCH",
            subject="speedproof.lens.subject:subject_of",
            trials=CASES + "TRIALS",
            items=("features", "texts"),
            variations=CASES + "OTHER",
            refused=CASES + "REFUSED",
            workloads=(SMOKE, HOSTILE, MANY, REPORT),
            unit="texts",
            series=(
                _by_texts(N_CATEGORIES, LOOKED_UP),
                _by_texts(70, COARSE),
                _by_texts(1_000, VERY_MANY),
                Series(
                    NAME,
                    "analyze_specialists",
                    "categories",
                    "2,000 equal texts",
                    tuple(point(2_000, "equal", SMALL, k) for k in CATEGORIES),
                    axis="n_categories",
                ),
            ),
        ),
    ),
    counters=CASES + "COUNTERS",
    definition_digest="71c0cc45b23e4026",
    disturbed_by=Disturbed(
        "short calls: interruptions, and torch's threads waiting for a core", (*OF_SHORT_CALLS, "threads")
    ),
    controls_in="bench.controls:CONTROLS",
)


class CategoryLookup(Suite):
    finding = FINDING
