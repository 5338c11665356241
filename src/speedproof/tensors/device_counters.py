"""Counters of an accelerator's work. Exact for one library version and device model, not across them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from speedproof.counters.tally import Call, Counter, Tally
from speedproof.errors import BadInput


def device_counters(model: Any) -> tuple[Counter, ...]:
    """The counters below where the model's weights are on a CUDA device, none elsewhere."""
    if not torch.cuda.is_available() or not any(p.is_cuda for p in model.parameters()):
        return ()
    # What the library of products takes for itself at its first one, and keeps, is nobody's: it comes before counting.
    one = torch.ones(64, 64, device="cuda")
    torch.addmm(one[0], one, one)
    return kernel_launches, peak_device_bytes


@contextmanager
def kernel_launches(call: Call) -> Iterator[Tally]:
    """Kernels that ran on the device, also by name; copies and fills of memory are none. Raises BadInput: no device."""
    _require_device()
    tally = Tally()
    torch.cuda.synchronize()
    # There is one cycle, so nothing is added up; torch 2.11 warns of lost events without it.
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA], acc_events=True) as profiler:
        yield tally
        # The launches are asynchronous; without this the last kernels would fall outside the profile.
        torch.cuda.synchronize()
    for event in profiler.events():
        if event.device_type.name == "CUDA" and not event.name.startswith(("Memcpy", "Memset")):
            tally.count += 1
            tally.by_name[event.name] = tally.by_name.get(event.name, 0) + 1


@contextmanager
def peak_device_bytes(call: Call) -> Iterator[Tally]:
    """Bytes of tensors on the device at most, beyond what was there before the call. Raises BadInput: no device."""
    _require_device()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    tally = Tally()
    yield tally
    torch.cuda.synchronize()
    tally.count = torch.cuda.max_memory_allocated() - before


def _require_device() -> None:
    if not torch.cuda.is_available():
        raise BadInput("There is no CUDA device to count on. Expected one that torch can use; leave this counter out.")
