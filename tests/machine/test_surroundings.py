"""What the machine did during a sample: what is read, what a system does not tell, and what can never be negative."""

import time
from pathlib import Path

import pytest

from speedproof.machine import probes, surroundings
from speedproof.machine.surroundings import WORDS, Surroundings, unreadable


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A /proc of our own: one thread that waited a quarter of a second, and a machine that worked for ten."""
    task = tmp_path / "self" / "task" / "7"
    task.mkdir(parents=True)
    (task / "schedstat").write_text("1000000000 250000000 12\n")
    (tmp_path / "stat").write_text("cpu  1000 0 0 5000 0 0 0 100 0 0\n")
    monkeypatch.setattr(surroundings, "PROC", tmp_path)
    return tmp_path


def later(proc: Path, waited_ns: int, user: int, stolen: int) -> None:
    (proc / "self" / "task" / "7" / "schedstat").write_text(f"1000000000 {waited_ns} 12\n")
    (proc / "stat").write_text(f"cpu  {user} 0 0 5000 0 0 0 {stolen} 0 0\n")


def test_time_that_others_had_is_what_the_machine_worked_less_our_own(proc: Path) -> None:
    around = Surroundings()
    later(proc, 750_000_000, 1_200, 130)
    seen = around.seen()
    assert seen["waited_s"] == pytest.approx(0.5)
    assert seen["stolen_s"] == pytest.approx(0.3)
    assert seen["others_s"] == pytest.approx(2.0 - seen["cpu_s"], abs=1e-3)
    assert "busy_s" not in seen


def test_counts_that_go_back_count_for_nothing(proc: Path) -> None:
    """As they do where a thread ends, or a virtual machine is moved."""
    around = Surroundings()
    later(proc, 1, 900, 50)
    seen = around.seen()
    assert seen["waited_s"] == seen["stolen_s"] == seen["others_s"] == 0.0


def test_a_thread_that_ends_meanwhile_is_no_error(proc: Path) -> None:
    around = Surroundings()
    (proc / "self" / "task" / "8").mkdir()
    assert "waited_s" in around.seen()


@pytest.mark.parametrize("text", ["", "cpu\n", "cpu  1 2 x\n", "cpu  1 2 3\n"])
def test_what_cannot_be_read_is_left_out_and_the_rest_goes_on(proc: Path, text: str) -> None:
    (proc / "stat").write_text(text)
    seen = Surroundings().seen()
    assert "stolen_s" not in seen and "others_s" not in seen
    assert {"cpu_s", "waited_s", *probes.NAMES} <= seen.keys()


def test_a_machine_without_proc_says_what_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "PROC", tmp_path / "none")
    monkeypatch.setattr(surroundings, "FREQUENCIES", tmp_path / "none")
    assert {WORDS["waited_s"], WORDS["stolen_s"], WORDS["others_s"], WORDS["mhz"]} <= {*unreadable()}
    assert WORDS["n_preempted"] not in unreadable()


def test_a_process_that_works_is_seen_to_and_one_that_sleeps_is_not() -> None:
    around = Surroundings()
    total = sum(range(10**6))
    busy = around.seen()["cpu_s"]
    around = Surroundings()
    time.sleep(0.05)
    assert total and busy > around.seen()["cpu_s"]


def test_every_probe_takes_some_time() -> None:
    taken = probes.probe()
    assert tuple(taken) == probes.NAMES and all(seconds > 0 for seconds in taken.values())
