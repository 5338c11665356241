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
from speedproof_studies.bursts.load import BURSTS
from speedproof_studies.bursts.rates import HEAD, voids, widened
from speedproof_studies.bursts.study import study
from speedproof_studies.kinds import Burst, Interval
from tests.reporting import launches, plan_of


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


def test_each_plan_is_measured_both_ways_in_every_round_and_read_by_both_methods(
    certificate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(certificate)
    asked: list[int] = []

    def measure(plans: list[Plan], budget_s: float, seed: int, usage: Usage) -> list[Taken[Plan]]:
        asked.append(seed)
        return [Taken(plan, launches(2.0)) for plan in plans]

    monkeypatch.setattr(module, "measure", measure)
    monkeypatch.setattr(module, "bursts", lambda *told: nullcontext())
    found = list(study([plan], 3, 10.0, 0.5, 0.1, 7, lambda words, left: None))
    assert [one.loaded for one in found].count(True) == 3 and len(found) == 6 == len(set(asked))
    assert all(len(one.told) == 2 and one.n_launches for one in found)


def test_the_load_ends_with_whoever_started_it() -> None:
    """A killed study must not slow what comes after."""
    told = ["1", "0.05", "0.5", str(time.time())]
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
