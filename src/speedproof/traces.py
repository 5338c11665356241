"""Where the profiler's traces lie."""

from pathlib import Path

FILES = "*.pt.trace.json"
"""Traces in their folder. The newest is the only one that `trace` leaves."""


def trace_folder(traces: Path, finding: str, function: str, arm_name: str) -> Path:
    """Where the trace of an arm is written."""
    return traces / finding / function / arm_name


def trace_file(traces: Path, finding: str, function: str, arm_name: str) -> Path | None:
    """The arm's trace, to be opened in Perfetto; None where there is none."""
    return max(trace_folder(traces, finding, function, arm_name).glob(FILES), default=None)
