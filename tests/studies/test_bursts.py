"""The study of bursts: what is recorded of quiet and loaded measurements, and the table that is made of it."""

import subprocess
import sys
import time
from contextlib import nullcontext
from typing import Any

import pytest

from bench.findings import find
from speedproof.processes import Usage
from speedproof.timing.plan import Plan
from speedproof.timing.rounds import Taken
from speedproof_studies.bursts import study as module
from speedproof_studies.bursts.load import BURSTS, Load, bursts
from speedproof_studies.bursts.rates import HEAD, studies, voids, widened
from speedproof_studies.bursts.study import study
from speedproof_studies.kinds import Burst, Interval
from tests.reporting import launches, ledger, plan_of


def burst(loaded: bool, low: float, high: float, **more: Any) -> Burst:
    told = {"trimmed t": Interval(speedup=(low * high) ** 0.5, low=low, high=high)}
    about = {"finding": "feature_links", "function": "feature_links", "null": False, "loaded": loaded}
    workload = find("feature_links").pairs[0].workload("smoke")
    return Burst(**{**about, "workload": workload, "burst_s": 0.5, "share": 0.1, "seed": 1, "told": told, **more})


def test_an_interval_under_bursts_is_held_against_those_of_quiet() -> None:
    bodies = [burst(False, 1.9, 2.1), burst(True, 1.8, 2.2), burst(True, 2.5, 3.0)]
    (one,) = widened(bodies)
    assert one.wider == pytest.approx((0.1003 + 0.0912) / 2 / 0.0500, rel=0.01)
    assert one.n_covering == 1 and len(one.cells) == len(HEAD)


def test_what_came_to_nothing_is_told_and_no_row() -> None:
    void = burst(True, 1.0, 1.0, failure="the machine was disturbed", told={})
    assert widened([burst(False, 1.9, 2.1), void]) == [] and voids([void]) == [void]


def test_how_many_intervals_leave_out_1_is_told_of_quiet_and_of_bursts() -> None:
    (one,) = widened([burst(False, 1.9, 2.1), burst(False, 0.9, 1.1), burst(True, 1.2, 2.2)])
    assert one.cells[HEAD.index("settled")] == "1 of 2, 1 of 1"


def test_what_was_measured_on_another_machine_or_beside_another_load_is_another_table() -> None:
    bodies = [
        burst(False, 1.9, 2.1),
        burst(True, 1.8, 2.2),
        *(burst(b, 1.5, 3.0, n_processes=1) for b in (False, True)),
    ]
    records = ledger(*bodies).records
    elsewhere = records[0].environment.model_copy(update={"processor": "Another"})
    found = studies([*records, records[0].model_copy(update={"environment": elsewhere})])
    assert [len(one.bodies) for one in found] == [2, 2, 1] and [len(one.rows) for one in found] == [1, 1, 0]
    here, beside_one, other = (one.title for one in found)
    assert "bursts of 0.5 s by four processes a core, 10% of the time" in here and "by 1 process," in beside_one
    assert "Another" in other and "1 measurement, of which none void" in other


@pytest.mark.parametrize(("asked", "n"), [(None, 8), (1, 1)])
def test_so_many_processes_make_the_load_as_were_asked_for(
    asked: int | None, n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[list[str]] = []

    class Burner:
        def __init__(self, command: list[str]) -> None:
            begun.append(command)

        def kill(self) -> None: ...

        def wait(self) -> None: ...

    monkeypatch.setattr(subprocess, "Popen", Burner)
    with bursts(1, Load(0.5, 0.1, asked), n_cores=2):
        pass
    assert len(begun) == n


def test_each_plan_is_measured_both_ways_in_every_round_and_read_by_both_methods(
    certificate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(certificate)
    asked: list[int] = []

    def measure(plans: list[Plan], budget_s: float, seed: int, usage: Usage) -> list[Taken[Plan]]:
        asked.append(seed)
        return [Taken(plan, launches(2.0)) for plan in plans]

    monkeypatch.setattr(module, "measure", measure)
    beside: list[Load] = []

    def loaded(seed: int, load: Load, n_cores: int) -> Any:
        beside.append(load)
        return nullcontext()

    monkeypatch.setattr(module, "bursts", loaded)
    found = list(study([plan], 3, 10.0, Load(0.5, 0.1, 1), 7, lambda words, left: None))
    assert [one.loaded for one in found].count(True) == 3 and len(found) == 6 == len(set(asked))
    assert all(len(one.told) == 2 and one.n_launches and one.n_processes == 1 for one in found)
    assert beside == [Load(0.5, 0.1, 1)] * 3


@pytest.mark.parametrize("burst_s", ["0.05", "600"])
def test_the_load_ends_with_whoever_started_it(burst_s: str) -> None:
    """A killed study must not slow what comes after, also not to the end of a burst."""
    told = ["1", burst_s, "0.5", str(time.time() - 10 * float(burst_s))]
    code = (
        "import os, subprocess, sys\n"
        f"told = [sys.executable, '-c', {BURSTS!r}, *{told!r}, str(os.getpid())]\n"
        "print(subprocess.Popen(told, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid)"
    )
    pid = int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    for _ in range(200):
        if subprocess.run(["ps", "-p", str(pid)], capture_output=True).returncode:
            return
        time.sleep(0.05)
    pytest.fail(f"process {pid} is still there")
