"""Advice on a noisy machine: plain lines for what was seen, none on a quiet one, no name of anything."""

import os
from pathlib import Path
from typing import Any

import psutil
import pytest

from speedproof.machine import condition as quiet
from speedproof.machine.condition import NOT_READABLE, Condition, Conditions, condition

CALM = Condition(
    load=0.1,
    frequency_mhz=2600.0,
    governor="performance",
    processor_s=1_000.0,
    stolen_s=10.0,
    n_switches=1_000_000,
    swap_bytes=0,
    n_cores=2,
    n_busy_others=0,
)
LATER = CALM.model_copy(update={"processor_s": 1_200.0, "n_switches": 1_050_000, "load": 2.1})


def conditions(
    before: dict[str, Any] | None = None, after: dict[str, Any] | None = None, threads: int = 2
) -> Conditions:
    return Conditions(
        before=CALM.model_copy(update=before or {}), after=LATER.model_copy(update=after or {}), n_threads=threads
    )


def test_a_quiet_machine_gets_no_advice() -> None:
    assert conditions().advice == [] and conditions().unreadable == []


@pytest.mark.parametrize(
    ("before", "after", "threads", "words"),
    [
        ({"load": 4.2}, {}, 2, "load average 4.2 on 2 cores"),
        ({"n_busy_others": 3}, {}, 2, "other busy processes: 3"),
        ({}, {"n_busy_others": 1}, 2, "2 threads beside 1 other busy process on 2 cores"),
        ({}, {"n_busy_others": 2}, 1, "1 thread beside 2 other busy processes on 2 cores"),
        ({}, {}, 4, "4 threads beside 0 other busy processes on 2 cores"),
        ({}, {"stolen_s": 30.0}, 2, "the host took 10.0% of the processor time"),
        ({}, {"n_switches": 9_000_000}, 2, "40,000 context switches per second and core"),
        ({"swap_bytes": 2**30}, {}, 2, "1,024 MiB of swap in use"),
        ({"governor": "powersave"}, {}, 2, "frequency governor powersave: set it to performance"),
        ({}, {"frequency_mhz": 1300.0}, 2, "went from 2,600 to 1,300 MHz"),
    ],
)
def test_what_is_wrong_is_said(before: dict[str, Any], after: dict[str, Any], threads: int, words: str) -> None:
    assert any(words in line for line in conditions(before, after, threads).advice)


def test_what_a_system_does_not_tell_is_said_and_stops_nothing() -> None:
    missing: dict[str, Any] = {"governor": None, "stolen_s": None, "frequency_mhz": None, "n_busy_others": None}
    found = conditions(missing, missing)
    assert found.advice == []
    assert found.unreadable == [
        f"{words}: {NOT_READABLE}"
        for words in ("processor frequency", "frequency governor", "steal time", "other processes")
    ]


def test_a_system_without_these_sources_is_read_as_far_as_it_goes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As on macOS: no steal time, no governor, no frequency; other users' processes not to be looked into."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError("not here")

    monkeypatch.setattr(quiet, "GOVERNOR", tmp_path / "none")
    monkeypatch.setattr(psutil, "cpu_times", lambda: type("Times", (), {"user": 5.0, "system": 1.0, "idle": 4.0})())
    for name in ("cpu_freq", "swap_memory", "process_iter"):
        monkeypatch.setattr(psutil, name, refuse)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    read = condition()
    assert read.processor_s == 10.0 and read.n_cores >= 1
    assert read.stolen_s is None and read.governor is None and read.frequency_mhz is None
    assert read.swap_bytes is None and read.n_busy_others is None


def test_a_busy_process_is_counted_and_an_idle_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    class Process:
        def __init__(self, pid: int, spent_s: float) -> None:
            self.pid, self.info = pid, {"cpu_times": type("Times", (), {"user": spent_s, "system": 0.0})()}

    moments = iter([[(101, 1.0), (102, 1.0), (os.getpid(), 1.0)], [(101, 1.1), (102, 1.001), (os.getpid(), 1.2)]])
    monkeypatch.setattr(psutil, "process_iter", lambda fields: [Process(*one) for one in next(moments)])
    monkeypatch.setattr(psutil, "cpu_percent", lambda interval: 0.0)
    assert condition().n_busy_others == 1


def test_this_machines_condition_is_numbers_and_no_names() -> None:
    fields = condition().model_dump()
    assert {type(value) for name, value in fields.items() if name != "governor"} <= {int, float, type(None)}
    assert os.uname().nodename not in str(fields) and str(Path.home()) not in str(fields)
    assert fields["processor_s"] > 0 and fields["n_cores"] >= 1
