"""How finding 6 is asked: its inputs, its right answers, what may vary and what must be refused."""

from collections.abc import Sequence

from torch import Tensor

from speedproof.lens.counters import computed_tokens, forward_passes, hook_fires, token_layers
from speedproof.lens.oracle import Oracle
from speedproof.lens.rows import SameRows
from speedproof.lens.subject import Subject
from speedproof.lens.variations import OTHER_HOOK, OTHER_MODEL
from speedproof.pairs.contract import Inputs
from speedproof.pairs.finding import Refused
from speedproof.pairs.workload import Workload
from speedproof.tensors.counters import bytes_allocated, bytes_saved_for_backward, flops, operators


def inputs(workload: Workload, subject: Subject, order: Sequence[int] | None) -> Inputs:
    return {"model": subject.model, "hook_name": subject.hook_name, "texts": workload.texts(order)}


def _activations(inputs: Inputs, oracle: Oracle) -> Tensor:
    return oracle.activations(inputs["hook_name"], inputs["texts"])


SAME_ACTIVATIONS = SameRows(_activations, why="autograd may choose other kernels")
OTHER = (OTHER_MODEL, OTHER_HOOK)
REFUSED = (
    Refused("no texts", lambda inputs: {"texts": []}, ValueError),
    Refused("a string in place of texts", lambda inputs: {"texts": ""}, TypeError),
    Refused("a hook that the model lacks", lambda inputs: {"hook_name": "no.such_hook"}, ValueError),
)

COUNTERS = (
    bytes_saved_for_backward,
    forward_passes,
    computed_tokens,
    token_layers,
    flops,
    hook_fires,
    bytes_allocated,
    operators,
)
