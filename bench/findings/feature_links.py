"""One function is defined twice.

Source: efficiency report, finding 4. Claim: code quality only. No speed-up is expected, so this pair is also the
suite's standing null control.
"""

from collections.abc import Sequence

import impl_batched.feature_links as batched
import impl_sequential.feature_links as sequential

from ..counters import duplicate_definitions
from ..equivalence import Exactly, Inputs
from ..finding import Claim, Finding, Pair, Refused
from ..oracle import Oracle
from ..subject import Subject
from ..suite import Suite
from ..variations import plain
from ..workload import Workload

SMOKE = Workload("smoke", "tiny", 60, "none")
REPORT = Workload("report", "gpt2-small-shape", 1_000, "none")


def _inputs(workload: Workload, subject: Subject, order: Sequence[int] | None) -> Inputs:
    picked = range(workload.n_items) if order is None else order
    return {"sae_name": "gpt2-small/8-res-jb", "feature_idxs": [(7 * i) % subject.d_sae for i in picked]}


def _expected(inputs: Inputs, oracle: Oracle) -> list[str]:
    return ["/".join(("https://neuronpedia.org", inputs["sae_name"], str(i))) for i in inputs["feature_idxs"]]


FINDING = Finding(
    number=4,
    name="feature_links",
    title="One function is defined twice",
    claim=Claim("quality only", low=1, high=1),
    pairs=(
        Pair(
            sequential.feature_links,
            batched.feature_links,
            _inputs,
            Exactly(_expected),
            (SMOKE, REPORT),
            uses_model=False,
            items=("feature_idxs",),
            variations=(
                plain("sae_name", lambda inputs: ["gemma-2-2b/20-gemmascope-res-16k", "a name/ with a space"]),
            ),
            refused=(Refused("a negative index", lambda inputs: {"feature_idxs": [0, -1]}, IndexError),),
        ),
    ),
    counters=(duplicate_definitions,),
    definition_digest="c08f5e59feaa2542",
)


class FeatureLinks(Suite):
    finding = FINDING
