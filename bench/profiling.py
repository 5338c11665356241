"""Profiler traces for TensorBoard, in a run of their own: a profiled call is several times slower than a timed one."""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile, schedule, tensorboard_trace_handler

from .finding import TWINS, Finding, Pair
from .findings import find
from .subject import find_subject

N_ITEMS = 6
"""Items in a traced call: the operators are the same as in a long one, and the trace stays small enough to open."""


def trace(names: list[str], workload_name: str, subject_name: str | None, folder: Path) -> Iterator[tuple[str, Path]]:
    """Traces both twins of each finding's first pair. Yields each trace's label and folder as it is written."""
    for name in names:
        finding = find(name)
        pair = finding.pairs[0]
        for twin in TWINS:
            run = folder / finding.name / twin
            _trace(finding, pair, twin, workload_name, subject_name, run)
            yield f"{finding.name}/{twin}", run


def _trace(finding: Finding, pair: Pair, twin: str, workload_name: str, subject_name: str | None, run: Path) -> None:
    workload = pair.workload(workload_name)
    subject = find_subject(subject_name or workload.subject, workload.dtype)
    torch.set_num_threads(workload.n_threads)
    order = list(range(min(N_ITEMS, workload.n_items)))
    activities = [ProfilerActivity.CPU]
    if torch.cuda.is_available():
        activities.append(ProfilerActivity.CUDA)
    run.mkdir(parents=True, exist_ok=True)
    for old in run.glob("*.pt.trace.json*"):
        old.unlink()
    with profile(
        activities=activities,
        # The plugin shows steps, so one call warms up and two are recorded as steps.
        schedule=schedule(wait=0, warmup=1, active=2, repeat=1),
        on_trace_ready=tensorboard_trace_handler(str(run), worker_name=finding.name),
        record_shapes=True,
        profile_memory=True,
    ) as profiler:
        for _ in range(3):
            pair.twin(twin)(**pair.inputs(workload, subject, order))
            profiler.step()
