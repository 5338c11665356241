"""Profiler traces, in a run of their own: a profiled call is several times slower than a timed one."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile, record_function, schedule, tensorboard_trace_handler

from speedproof.clock import elapsed_s
from speedproof.digest import source_digest
from speedproof.pairs.finding import Finding, Pair
from speedproof.pairs.references import finding_at
from speedproof.pairs.subjects import Subject, Subjects
from speedproof.pairs.workload import Workload
from speedproof.processes import Saying
from speedproof.records.trace import Traced
from speedproof.traces import FILES, trace_folder

from .events import told

N_ITEMS = 4
"""Items in a traced call: the operators are the same as in a long one, and the trace stays small enough to open."""


def trace(
    cards: Sequence[str], workload_name: str, subject_name: str | None, folder: Path, all_rungs: bool = True
) -> Iterator[Traced | Saying]:
    """Traces the arms of each card's pairs, and writes each trace below `folder`. `cards` are references.

    Without `all_rungs` only those that a run times: the twins and the careful loop.

    Of an arm that raises there is no trace, and words that say so.
    """
    subjects = Subjects()
    for finding in map(finding_at, cards):
        for pair in finding.pairs:
            workload = pair.workload(workload_name)
            if subject_name:
                workload = replace(workload, subject=subject_name)
            subject = subjects.kept(pair.subject(workload))
            workload = replace(workload, subject=subject.name)
            for name in pair.arm_names if all_rungs else pair.timed_arm_names:
                try:
                    yield _trace(finding, pair, name, workload, subject, folder)
                except Exception as error:
                    why = f"{type(error).__name__}: {str(error)[:200]}"
                    yield Saying(f"tracing {pair.name}, {name}: no trace, {why}", 0)


def _trace(finding: Finding, pair: Pair, name: str, workload: Workload, subject: Subject, traces: Path) -> Traced:
    torch.set_num_threads(workload.n_threads)
    order = list(range(min(N_ITEMS, workload.n_items)))
    label, function = f"{finding.name}.{pair.name} {name}", pair.arm(name)
    seen: list[Any] = []
    with profile(
        activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if torch.cuda.is_available() else [])],
        schedule=schedule(wait=0, warmup=1, active=1, repeat=1),
        on_trace_ready=partial(_ready, _cleared(trace_folder(traces, finding.name, pair.name, name)), pair.name, seen),
        record_shapes=True,
        profile_memory=True,
    ) as profiler:
        for _ in range(2):
            inputs = pair.inputs_of(function)(workload, subject, order)
            with record_function(label):
                elapsed_s(partial(function, **inputs), pair.kit.wait)
            profiler.step()
    return Traced(
        finding=finding.name,
        function=pair.name,
        arm=name,
        workload=workload,
        source=source_digest(function),
        n_items=len(order),
        n_calls=1,
        **told(label, seen),
    )


def _cleared(run: Path) -> Path:
    run.mkdir(parents=True, exist_ok=True)
    for old in run.glob(f"{FILES}*"):
        old.unlink()
    return run


def _ready(run: Path, worker: str, seen: list[Any], profiler: Any) -> None:
    tensorboard_trace_handler(str(run), worker_name=worker)(profiler)
    seen.extend(event for event in profiler.events() if event.device_type.name == "CPU")
