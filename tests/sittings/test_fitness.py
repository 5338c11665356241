"""The doctor: says of each sign whether it is good, of each finding whether it can be measured, and means it."""

import json
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from bench.findings import FINDINGS
from speedproof.clock import disagreement
from speedproof.environment import LIBRARIES
from speedproof.lens.pretrained.hub.names import PRETRAINED
from speedproof.machine import cores, software, storage
from speedproof.machine.condition import Conditions
from speedproof.machine.cores import signs_of_machine, signs_of_threads
from speedproof.machine.signs import Sign, State, good
from speedproof.records.kinds import Sat
from speedproof.sittings import fitness as doctor
from speedproof.sittings.outlook import outlooks, worst
from tests.cli.test_cli import run
from tests.machine.test_condition import CALM, LATER
from tests.reporting import ledger


@pytest.fixture(autouse=True)
def short_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "WATCHED_S", 0.05)


def conditions(**changes: Any) -> Conditions:
    before, after = (one.model_copy(update=changes) for one in (CALM, LATER.model_copy(update={"load": 0.1})))
    return Conditions(before=before, after=after, n_threads=2)


def about(signs: Sequence[Sign], name: str) -> Sign:
    return next(sign for sign in signs if sign.about == name)


def test_a_quiet_machine_has_good_signs_alone() -> None:
    signs = signs_of_machine(conditions())
    assert worst(signs) is State.GOOD and all(not sign.advice for sign in signs)
    assert about(signs, "cores").line == "cores: ok: 2 that this process may use"


@pytest.mark.parametrize(
    ("changes", "name", "words"),
    [
        ({"n_cores": 1}, "cores", "run on 2 threads"),
        ({"load": 5.0}, "load", "wait until the machine is idle"),
        ({"n_busy_others": 2}, "other processes", "stop them"),
        ({"governor": "powersave"}, "governor", "set it to performance"),
        ({"swap_bytes": 2**31}, "swap", "free memory"),
    ],
)
def test_what_is_wrong_is_doubtful_and_says_what_to_do(changes: dict[str, Any], name: str, words: str) -> None:
    sign = about(signs_of_machine(conditions(**changes)), name)
    assert sign.state is State.DOUBTFUL and words in sign.line


def test_what_cannot_be_read_is_said_and_is_no_fault() -> None:
    unread = dict.fromkeys(("governor", "frequency_mhz", "stolen_s", "n_switches", "swap_bytes", "n_busy_others"))
    signs = signs_of_machine(conditions(**unread))
    assert worst(signs) is State.GOOD and about(signs, "governor").seen == "not readable here"


def test_two_clocks_that_go_apart_are_doubtful() -> None:
    assert cores.sign_of_clock(2e-5).line == "clock: ok: two clocks differ by 20 millionths"
    assert cores.sign_of_clock(0.01).state is State.DOUBTFUL and "synchronised" in cores.sign_of_clock(0.01).line
    assert cores.sign_of_clock(None).state is State.GOOD


def test_the_clock_that_times_is_held_against_one_that_nobody_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(time, "CLOCK_MONOTONIC_RAW"):
        pytest.skip("this system shows no clock that nobody sets")
    readings = iter([100.0, 101.0])
    raw = iter([7.0, 8.25])
    monkeypatch.setattr(time, "perf_counter", lambda: next(readings))
    monkeypatch.setattr(time, "clock_gettime", lambda clock: next(raw))
    assert disagreement(0.0) == pytest.approx(0.2)


def test_a_limit_below_the_workloads_threads_is_doubtful_and_a_pools_size_is_not() -> None:
    assert worst(signs_of_threads({"OMP_NUM_THREADS": "1"}, 2)) is State.GOOD
    assert worst(signs_of_threads({"OMP_THREAD_LIMIT": "2"}, 2)) is State.GOOD
    (sign,) = signs_of_threads({"OMP_THREAD_LIMIT": "1"}, 2)
    assert sign.state is State.DOUBTFUL and "OMP_THREAD_LIMIT" in sign.advice


def test_versions_are_held_against_the_tested_set(tmp_path: Path) -> None:
    (tmp_path / "constraints.txt").write_text("# made by\ntorch==2.13.0\nsae-lens==6.1\nsome_thing==1.0\n")
    tested = software.tested_versions(tmp_path / "constraints.txt")
    assert tested == {"torch": "2.13.0", "sae-lens": "6.1", "some-thing": "1.0"}
    here = dict.fromkeys(LIBRARIES, "1.0") | {"torch": "2.13.0+cpu", "sae-lens": "6.2", "some-thing": "2.0"}
    signs = software.signs_of_versions(here, tested)
    assert about(signs, "torch").state is State.GOOD, "a local label is no other version"
    assert about(signs, "sae-lens").state is State.DOUBTFUL and "tested with 6.1" in about(signs, "sae-lens").advice
    assert "some-thing" in about(signs, "other packages").seen
    del here["torch"]
    assert about(software.signs_of_versions(here, tested), "torch").state is State.FATAL
    assert worst(software.signs_of_versions(here, software.tested_versions(tmp_path / "none"))) is State.DOUBTFUL


def test_this_projects_constraints_name_the_libraries() -> None:
    assert set(LIBRARIES) <= set(software.tested_versions(software.CONSTRAINTS))


def test_the_hub_is_asked_only_when_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Hub:
        def model_info(self, name: str, timeout: float) -> None:
            asked.append(name)
            raise TimeoutError

    monkeypatch.setattr("huggingface_hub.HfApi", Hub)
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda repository, file: None)
    (sign,) = software.signs_of_hub(PRETRAINED, ask_the_hub=False)
    assert asked == [] and sign.state is State.GOOD and "0 of 4 SAEs in the cache" in sign.seen
    assert about(software.signs_of_hub(PRETRAINED, ask_the_hub=True), "hub").line.startswith("hub: doubtful: no answer")
    assert asked == ["gpt2"]
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda repository, file: f"/cache/{file}")
    assert (
        "4 of 4 SAEs" in software.signs_of_hub(PRETRAINED, False)[0].seen
        and "need none" not in software.signs_of_hub(PRETRAINED, False)[0].seen
    )


def test_a_folder_is_looked_at_and_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert storage.sign_of_folder("results folder", tmp_path / "a" / "b").state is State.GOOD
    assert not (tmp_path / "a").exists()
    (tmp_path / "file").write_text("")
    assert storage.sign_of_folder("results folder", tmp_path / "file" / "x").state is State.FATAL
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "cannot be written" in storage.sign_of_folder("results folder", tmp_path).line
    monkeypatch.undo()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=storage.DISK_BYTES - 1))
    assert storage.sign_of_folder("results folder", tmp_path).state is State.FATAL


def test_memory_and_file_system_are_held_against_what_is_needed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=2**31))
    assert storage.sign_of_memory(2**31).state is State.GOOD
    assert storage.sign_of_memory(2**31 + 1).state is State.FATAL
    for kind, state in (("ext4", State.GOOD), ("nfs4", State.DOUBTFUL), ("fuse.sshfs", State.DOUBTFUL)):
        mounts = [
            SimpleNamespace(mountpoint="/", fstype="ext4"),
            SimpleNamespace(mountpoint=str(tmp_path), fstype=kind),
        ]
        monkeypatch.setattr(psutil, "disk_partitions", lambda all, mounts=mounts: mounts)
        assert storage.sign_of_file_system(tmp_path / "deeper").state is state


def test_a_sign_counts_against_the_findings_that_it_disturbs() -> None:
    calm = outlooks(FINDINGS, [good("load", "0.1")])
    assert {one.state for one in calm} == {State.GOOD} and all(one.disturbed_by in one.line for one in calm)
    slow_disk = Sign("file system", State.DOUBTFUL, "nfs", "move it")
    no_memory = Sign("memory", State.FATAL, "1 GiB", "free some")
    state = {one.finding: one.state for one in outlooks(FINDINGS, [slow_disk, no_memory])}
    assert state["sae_cache"] is State.DOUBTFUL and state["feature_links"] is State.GOOD
    assert state["grad_mode"] is State.FATAL
    unwritable = Sign("results folder", State.FATAL, "no", "choose another")
    assert {one.state for one in outlooks(FINDINGS, [unwritable])} == {State.FATAL}


def test_every_sign_that_a_finding_names_is_looked_at(tmp_path: Path) -> None:
    names = {sign.about for sign in doctor.fitness(FINDINGS, (), tmp_path).signs}
    for finding in FINDINGS:
        assert finding.disturbed_by.signs and set(finding.disturbed_by.signs) <= names, finding.name
    assert {*LIBRARIES, "results folder", "cache folder", "accelerator"} <= names


def test_the_memory_needed_is_the_records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sat = Sat(wall_s=1.0, under_test_s=1.0, peak_host_bytes=2**60, seed=0)
    assert about(doctor.fitness(FINDINGS, ledger(sat).records, tmp_path).signs, "memory").state is State.FATAL


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (good("load", "0.1"), 0),
        (Sign("load", State.DOUBTFUL, "9.0", "wait"), 1),
        (Sign("results folder", State.FATAL, "no", "choose another"), 2),
    ],
)
def test_the_answer_is_the_exit_status(
    found: Sign, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def seen(*_: object) -> doctor.Fitness:
        return doctor.Fitness((found,), tuple(outlooks(FINDINGS, [found])))

    monkeypatch.setattr("speedproof.cli.doctor.fitness", seen)
    assert run(monkeypatch, "doctor", "--json") == status
    told = json.loads(capsys.readouterr().out)
    assert told["state"] == found.state.value and len(told["findings"]) == len(FINDINGS)
    assert run(monkeypatch, "doctor") == status
    assert found.line in capsys.readouterr().out
