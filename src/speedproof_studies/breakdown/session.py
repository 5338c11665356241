"""A batched twin under the profiler, in a fresh process: each operator's own time, and calls without it beside."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

from torch.profiler import ProfilerActivity, profile, record_function

from speedproof.clock import elapsed_s, monotonic_s
from speedproof.machine.rates import GFLOP_S
from speedproof.pairs.finding import TWINS
from speedproof.pairs.references import finding_at
from speedproof.pairs.workload import Workload
from speedproof.processes import Saying
from speedproof.tensors.counters import FORMULAS, Operators
from speedproof.tensors.events import told
from speedproof.tensors.rates import rate_beside

from .kind import Breakdown, Spent

STRETCH_S = 20.0
"""Seconds after which a process takes no further call."""
FEWEST, MOST = 2, 6
"""Calls with and without the profiler that a process takes."""
LABEL = "the call"


def breakdown_of(card: str, workload: Workload) -> Iterator[Saying | Breakdown]:
    """Where the calls of a card's batched twin go on a workload. Raises BadInput where the subject cannot be loaded."""
    finding = finding_at(card)
    pair, twin = finding.pairs[0], TWINS[1]
    yield Saying(f"loading what {pair.name} is called with, {workload.n_items} texts", MOST + 1)
    pair.kit.use_threads(workload.n_threads)
    subject: Any = pair.subject(workload)
    inputs, function = pair.inputs(workload, subject, None), pair.arm(twin)
    work = pair.least_work(inputs)
    assert work, "The findings asked about here have a least work."
    # What is made at the first call is no part of a later one.
    call = partial(function, **inputs)
    flops = _flops(call)
    start_s, calls = monotonic_s(), list[Spent]()
    while len(calls) < FEWEST or (len(calls) < MOST and monotonic_s() - start_s < STRETCH_S):
        yield Saying(f"profiling {pair.name}, {workload.n_items} texts", MOST - len(calls))
        seconds = elapsed_s(call, pair.kit.wait)[1]
        profiled_s, self_s = _profiled(call)
        beside = 1e9 / rate_beside()[GFLOP_S]
        calls.append(Spent(seconds=seconds, profiled_s=profiled_s, flops_per_s=beside, self_s=self_s))
    yield Breakdown(
        finding=finding.name,
        function=pair.name,
        workload=workload,
        source=pair.source_digest(twin),
        work=work,
        flops=flops,
        calls=tuple(calls),
    )


def _flops(call: partial[Any]) -> dict[str, int]:
    """Floating-point operations of a call, by operator, of those that torch has a formula for."""
    flops = Counter[str]()

    def seen(func: Any, args: Any, kwargs: Any, output: Any) -> None:
        if formula := FORMULAS.get(func._overloadpacket):
            # As the profiler spells it.
            flops[str(func._overloadpacket).replace(".", "::")] += formula(*args, **kwargs, out_val=output)

    with Operators(seen):
        call()
    return dict(flops)


def _profiled(call: partial[Any]) -> tuple[float, dict[str, float]]:
    """Seconds of a call under the profiler, and of each of its operators alone."""
    # There is one cycle, so nothing is added up; torch 2.11 warns of lost events without it.
    with profile(activities=[ProfilerActivity.CPU], acc_events=True) as profiler, record_function(LABEL):
        call()
    events = [event for event in profiler.events() if event.device_type.name == "CPU"]
    seen = told(LABEL, events)
    return seen["total_us"] / 1e6, {one.name: one.self_us / 1e6 for one in seen["operators"]}
