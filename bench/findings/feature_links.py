"""One function is defined twice.

Source: efficiency report, finding 4. Claim: code quality only. No speed-up is expected, so this pair is also the
suite's standing null control.
"""

from collections.abc import Sequence
from typing import Any

import impl_batched.feature_links as batched
import impl_sequential.feature_links as sequential
from bench.suite import Suite
from speedproof.counters.source import duplicate_definitions
from speedproof.gate.exact import Exactly
from speedproof.lens.subject import Subject, subject_of
from speedproof.pairs.contract import Inputs
from speedproof.pairs.finding import OF_SHORT_CALLS, Claim, Disturbed, Finding, Pair, Refused
from speedproof.pairs.variations import plain
from speedproof.pairs.workload import Workload

NAME = "feature_links"

SMOKE = Workload("smoke", "tiny", 60, "none")
HOSTILE = Workload("hostile", "tiny", 1_500, "unusual")
"""Longer than the report's, with indices that do not fit where a small one does."""
REPORT = Workload("report", "gpt2-small-shape", 1_000, "none")


def _inputs(workload: Workload, subject: Subject, order: Sequence[int] | None) -> Inputs:
    picked = range(workload.n_items) if order is None else order
    if workload.form == "unusual":
        return {"sae_name": UNUSUAL_NAME, "feature_idxs": [_unusual(i) for i in picked]}
    return {"sae_name": "gpt2-small/8-res-jb", "feature_idxs": [(7 * i) % subject.d_sae for i in picked]}


UNUSUAL_NAME = "a name/with 100% #1 & é?{0}"
"""Written into an address as it stands, as the definition does."""


def _unusual(i: int) -> int:
    """The smallest index, one too large for 16, 32 and 53 bits, a million, and others in between."""
    return (0, 1, 2**15, 2**17 + 1, 10**6, 2**31, 2**53 + 1, 10**16)[i % 8] + 8 * (i // 8)


def _expected(inputs: Inputs, reference: Any) -> list[str]:
    return ["/".join(("https://neuronpedia.org", inputs["sae_name"], str(i))) for i in inputs["feature_idxs"]]


FINDING = Finding(
    module=__name__,
    number=4,
    name=NAME,
    title="One function is defined twice",
    claim=Claim.no_change("quality only"),
    pairs=(
        Pair(
            sequential.feature_links,
            batched.feature_links,
            _inputs,
            Exactly(_expected),
            (SMOKE, HOSTILE, REPORT),
            subject=subject_of,
            items=("feature_idxs",),
            unit="links",
            variations=(plain("sae_name", lambda inputs: [UNUSUAL_NAME, "gemma-2-2b/20-gemmascope-res-16k", ""]),),
            refused=(Refused("a negative index", lambda inputs: {"feature_idxs": [0, -1]}, IndexError),),
        ),
    ),
    counters=(duplicate_definitions,),
    definition_digest="c08f5e59feaa2542",
    disturbed_by=Disturbed(
        "very short calls of Python alone: interruptions, and the processor's frequency", OF_SHORT_CALLS
    ),
    controls_in="bench.controls:CONTROLS",
)


class FeatureLinks(Suite):
    finding = FINDING
