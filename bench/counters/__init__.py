"""Counters: how much work a call does, the same on every machine and under any load.

Each counter is a context manager over a `Call` that yields a `Tally`. Counted calls are never timed.
"""

from .device import device_counters, kernel_launches, peak_device_bytes
from .files import directory_scans, file_system_calls
from .model import computed_tokens, encodes, forward_passes, hook_fires, real_tokens, token_layers
from .source import duplicate_definitions, string_comparisons
from .tally import Call, Counter, Tally, Work, count, work
from .tensors import bytes_allocated, bytes_saved_for_backward, flops, operators

__all__ = [
    "Call",
    "Counter",
    "Tally",
    "Work",
    "bytes_allocated",
    "bytes_saved_for_backward",
    "computed_tokens",
    "count",
    "device_counters",
    "directory_scans",
    "duplicate_definitions",
    "encodes",
    "file_system_calls",
    "flops",
    "forward_passes",
    "hook_fires",
    "kernel_launches",
    "operators",
    "peak_device_bytes",
    "real_tokens",
    "string_comparisons",
    "token_layers",
    "work",
]
