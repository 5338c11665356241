"""Hotspots: which operators a call spends its time in, and which line of whose code calls them."""

import inspect
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode

OWN = ("torch", "speedproof", "bench", "jaxtyping", "einops")
"""Packages whose frames are passed over: what is wanted is the line of the library or twin that calls torch."""


def hotspots(call: Callable[[], Any], n_calls: int) -> list[dict[str, Any]]:
    """Every operator of `call`: its number and self time in microseconds, a call, and the lines that most call it.

    Times are from the profiler, lines from a run of their own: walking the stack would be timed with the operator.
    """
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if torch.cuda.is_available() else [])]
    # There is one cycle, so nothing is added up; torch 2.11 warns of lost events without it.
    with profile(activities=activities, acc_events=True) as seen:
        call()
    with _Lines() as lines:
        call()
    return [
        {
            "operator": event.key,
            "count": event.count / n_calls,
            "self_us": (event.self_cpu_time_total + getattr(event, "self_device_time_total", 0)) / n_calls,
            "lines": [place for place, _ in sorted(lines.found[event.key].items(), key=lambda kv: -kv[1])[:3]],
        }
        for event in seen.key_averages()
    ]


class _Lines(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name
        self.found[name][_line(inspect.currentframe())] += 1
        return func(*args, **(kwargs or {}))


def _line(frame: FrameType | None) -> str:
    """PACKAGE/FILE.py:LINE in FUNCTION of the nearest frame that is neither torch's nor ours."""
    while frame is not None:
        package = str(frame.f_globals.get("__name__", "")).split(".")[0]
        if package not in OWN:
            parts = Path(frame.f_code.co_filename).parts
            start = parts.index(package) if package in parts else max(0, len(parts) - 2)
            return f"{'/'.join(parts[start:])}:{frame.f_lineno} in {frame.f_code.co_name}"
        frame = frame.f_back
    return ""
