"""Counters of what torch does: operators, their floating-point work, the memory that they and autograd take.

An operator is one call of `aten`, below autograd and above the kernels. Those that a twin's own threads call are not
seen.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry, sdpa_flop_count

from speedproof.counters.tally import Call, Tally

from .events import MEMORY

Seen = Callable[[Any, Any, Any, Any], None]
"""Told of an operator that was called: itself, its arguments, its keyword arguments, its output."""


class Operators(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Shows every operator to `seen`. `FlopCounterMode` would also track modules, and its hooks keep every graph of a
    loop alive: over ten gigabytes on the report's workload."""

    def __init__(self, seen: Seen) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen = seen

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        output = func(*args, **kwargs)
        self.seen(func, args, kwargs, output)
        return output


def _attention_here(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    """As torch's own formulas count attention on other devices: every query looks at every key."""
    return int(sdpa_flop_count(query.shape, key.shape, value.shape))  # type: ignore[no-untyped-call]


FORMULAS: Mapping[Any, Callable[..., int]] = {
    **flop_registry,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention_here,
}
"""By operator; torch has none for attention on the processor."""


@contextmanager
def flops(call: Call) -> Iterator[Tally]:
    """Floating-point operations of matrix products, by torch's own formulas.

    Raises:
        RuntimeError: none at all; then the counter saw nothing.
    """
    tally = Tally()

    def seen(func: Any, args: Any, kwargs: Any, output: Any) -> None:
        formula = FORMULAS.get(func._overloadpacket)
        if formula is not None:
            tally.count += formula(*args, **kwargs, out_val=output)

    with Operators(seen):
        yield tally
    if tally.count == 0:
        raise RuntimeError("The FLOP counter saw no matrix product. Expected at least one forward pass.")


@contextmanager
def operators(call: Call) -> Iterator[Tally]:
    """Calls of aten operators, also by name. Views count; they cost a call too. `detach` does not: autograd makes such
    calls for its own books, and others once it is watched."""
    tally = Tally()

    def seen(func: Any, args: Any, kwargs: Any, output: Any) -> None:
        name = str(func._overloadpacket)
        if name != "aten.detach":
            tally.count += 1
            tally.by_name[name] = tally.by_name.get(name, 0) + 1

    with Operators(seen):
        yield tally


@contextmanager
def bytes_allocated(call: Call) -> Iterator[Tally]:
    """Bytes of all memory that operators' outputs took anew, added up, freed or not. Views and work in place take none;
    what a kernel takes and frees inside is not seen."""
    tally = Tally()

    def seen(func: Any, args: Any, kwargs: Any, output: Any) -> None:
        given = {id_of for id_of, _ in _storages((args, kwargs))}
        tally.count += sum(size for id_of, size in _storages(output) if id_of not in given)

    with Operators(seen):
        yield tally


def _storages(tree: Any) -> set[tuple[int, int]]:
    """The distinct memories behind the tensors in `tree`, as (identity, bytes)."""
    tensors = [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]
    return {(tensor.untyped_storage()._cdata, tensor.untyped_storage().nbytes()) for tensor in tensors}


@contextmanager
def peak_tensor_bytes(call: Call) -> Iterator[Tally]:
    """Bytes of memory on the processor's side at most, beyond what was there before the call, by what torch's own
    allocator tells the profiler: what kernels take and free inside is seen too.

    The numbers are those of one torch, one kind of processor and one number of threads, so that no finding lists it
    among its counters. What a function keeps from its first call makes later ones cheaper: call it once before.
    """
    tally = Tally()
    # There is one cycle, so nothing is added up; torch 2.11 warns of lost events without it.
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True, acc_events=True) as profiler:
        yield tally
    told = [event for event in profiler.profiler.kineto_results.events() if event.name() == MEMORY]
    held = accumulate(event.nbytes() for event in sorted(told, key=lambda event: event.start_ns()))
    tally.count = max(held, default=0)


@contextmanager
def bytes_saved_for_backward(call: Call) -> Iterator[Tally]:
    """Bytes that autograd saves over the call, added up over forward passes; weights and views of them excluded."""
    tally = Tally()
    weights = {p.untyped_storage().data_ptr() for p in call.inputs["model"].parameters()}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().data_ptr() not in weights:
            tally.count += tensor.numel() * tensor.element_size()
        # An output that is saved whole would hold its own graph, and so never be freed.
        return tensor.detach()

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield tally
