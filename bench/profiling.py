"""Profiler traces for TensorBoard, in a run of their own: a profiled call is several times slower than a timed one."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile, schedule, tensorboard_trace_handler

from .clock import elapsed_s
from .finding import TWINS, Pair
from .findings import find
from .subject import Subject, find_subject
from .workload import Workload

N_ITEMS = 4
"""Items in a traced call: the operators are the same as in a long one, and the trace stays small enough to open."""


def trace(names: list[str], workload_name: str, subject_name: str | None, folder: Path) -> Iterator[tuple[str, Path]]:
    """Traces both twins of each finding's first pair. Yields each trace's label and folder as it is written."""
    subjects: dict[tuple[str, str], Subject] = {}
    for finding in map(find, names):
        workload = finding.pairs[0].workload(workload_name)
        key = (subject_name or workload.subject, workload.dtype)
        subject = subjects.setdefault(key, find_subject(*key))
        for twin in TWINS:
            run = folder / finding.name / twin
            _trace(finding.pairs[0], twin, workload, subject, run)
            yield f"{finding.name}/{twin}", run


def _trace(pair: Pair, twin: str, workload: Workload, subject: Subject, run: Path) -> None:
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
        schedule=schedule(wait=0, warmup=1, active=1, repeat=1),
        on_trace_ready=tensorboard_trace_handler(str(run), worker_name=pair.name),
        record_shapes=True,
        profile_memory=True,
    ) as profiler:
        for _ in range(2):
            elapsed_s(partial(pair.twin(twin), **pair.inputs(workload, subject, order)))
            profiler.step()
