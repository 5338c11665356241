"""What each arm's features cost against float64: which fire otherwise, how far ranks move, how much memory it takes."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

import impl_batched.text_batching as batched
from bench.findings.text_batching import FINDING
from impl_batched.packed_forward import TOKEN_BUDGET
from speedproof.counters.tally import count
from speedproof.digest import digest, source_digest
from speedproof.errors import NotEquivalent
from speedproof.lens.features import Features
from speedproof.lens.least_work import batch_bytes, batch_tokens, weight_bytes
from speedproof.lens.oracle import Oracle
from speedproof.pairs.contract import settle
from speedproof.pairs.workload import Workload
from speedproof.processes import Saying
from speedproof.tensors.counters import peak_tensor_bytes
from speedproof_studies.kinds import Cost, Reduced

from .arm import extract_features_in_bfloat16

ARMS = {"float32": batched.extract_features, "bfloat16": extract_features_in_bfloat16}
"""The batched twin as it is stands beside the other: what it costs is rounding, and the rest is bfloat16."""
TOP = 10
"""A text's strongest features, whose ranks are followed: as many as a reader of a text's features looks at."""


def reduced_costs(workload: Workload) -> Iterator[Saying | Reduced]:
    """What each arm costs on a workload's texts. Raises BadInput where the subject cannot be loaded or run."""
    pair = FINDING.pairs[0]
    pair.kit.use_threads(workload.n_threads)
    subject: Any = pair.subject(workload)
    yield Saying("asking float64 what is right", len(ARMS) + 1)
    oracle = Oracle(subject)
    oracle.activations(subject.hook_name, workload.texts())
    # The model in double precision has said what it knows, and is larger than all that comes.
    subject.release()
    inputs = pair.inputs(workload, subject, None)
    right = oracle.features(inputs["sae"], inputs["texts"], inputs["hook_name"])
    bound = pair.equivalence.floor(subject)
    costs: dict[str, Cost] = {}
    for name, arm in ARMS.items():
        yield Saying(f"asking what {name} costs", len(ARMS) - len(costs))
        output = arm(**inputs)
        refused = ""
        try:
            settle(pair.equivalence.examine(inputs, oracle, output, bound))
        except NotEquivalent as error:
            refused = str(error)
        peak_bytes = count((peak_tensor_bytes,), arm, inputs)["peak_tensor_bytes"]
        costs[name] = cost(output, right).model_copy(update={"peak_bytes": peak_bytes, "refused": refused})
    yield Reduced(
        finding=FINDING.name,
        function=pair.name,
        workload=workload,
        source=source_of_arms(),
        n_firing=int((right.values != 0).sum()),
        n_undecided=int(right.undecided(bound["element"]).sum()),
        n_ranked=int(_strongest(right.values)[1].sum()),
        allowed=bound["element"],
        weight_bytes=weight_bytes(inputs),
        batch_bytes=batch_bytes(inputs, batch_tokens(inputs, TOKEN_BUDGET)),
        fast_by=fast_by(torch.cpu.get_capabilities()),
        costs=costs,
    )


def cost(output: Tensor, right: Features) -> Cost:
    """What features of shape [text, d_sae] are off by. The memory of the call is not known here."""
    found, values = output.double(), right.values
    fires, should = found != 0, values != 0
    top, is_ranked = _strongest(values)
    # Of what is strongest, in a list by (-value, index) as ranks are told elsewhere.
    now = _ranks(found).gather(1, top)[is_ranked]
    moved = (now - _ranks(values).gather(1, top)[is_ranked]).abs()
    return Cost(
        n_appeared=int((fires & ~should).sum()),
        n_vanished=int((should & ~fires).sum()),
        n_moved=int((moved > 0).sum()),
        most_moved=int(moved.max()) if moved.numel() else 0,
        n_replaced=int((now >= top.shape[1]).sum()),
        worst_error=float(((found - values).abs() / right.scale).max()),
        peak_bytes=0,
    )


def _strongest(values: Tensor) -> tuple[Tensor, Tensor]:
    """Each text's strongest features, and which of these fire at all. Two tensors of shape [text, at most TOP]."""
    top = values.sort(dim=1, descending=True, stable=True).indices[:, :TOP]
    return top, values.gather(1, top) > 0


def _ranks(values: Tensor) -> Tensor:
    """The rank of each feature on each text, from 0."""
    return values.sort(dim=1, descending=True, stable=True).indices.argsort(dim=1)


def source_of_arms() -> str:
    """Fingerprint of the files that decide what the arms answer."""
    return digest([source_digest(arm) for arm in ARMS.values()])


def fast_by(capabilities: Mapping[str, Any]) -> tuple[str, ...]:
    """The processor's own instructions for bfloat16, of what torch says that it is capable of; empty where it has
    none, and torch widens every number first."""
    return tuple(sorted(name for name, has_it in capabilities.items() if "bf16" in name and has_it is True))
