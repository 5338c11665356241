"""Fresh processes: each piece of work has its own, made ready early or not, and a death is told."""

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from speedproof import processes
from speedproof.errors import BadInput, NotEquivalent, SpeedproofError
from speedproof.failures import Failed
from speedproof.importing import importing
from speedproof.processes import BESIDE, ProcessDied, TookTooLong, Usage, beside, bounded, in_fresh_process, prepare

from .works import (
    answers_when_told,
    collecting,
    dies,
    ends,
    environment,
    forks_within,
    interrupts_itself,
    pids,
    prints,
    raises_within,
    refuses,
    stages,
    waits,
)


def test_each_piece_of_work_has_a_process_of_its_own_also_where_one_was_made_ready() -> None:
    usage = Usage()
    prepare(pids)
    prepare(pids)
    runs = [list(in_fresh_process(usage, pids, 2)) for _ in range(2)]
    assert all(run[0] == run[1] for run in runs)
    assert len({os.getpid(), runs[0][0], runs[1][0]}) == 3
    assert usage.peak_host_bytes > 0


def test_several_processes_work_at_once_and_each_is_known_by_its_place(tmp_path: Path) -> None:
    # Each waits for what the other one writes.
    works = [(answers_when_told, (str(tmp_path), mine, other)) for mine, other in (("a", "b"), ("b", "a"))]
    usage = Usage()
    said = list(beside(usage, works))
    assert sorted(said) == [(0, "a heard b"), (1, "b heard a")]
    assert usage.peak_host_bytes > 0 and list(beside(usage, [])) == []


def test_where_one_of_several_fails_the_others_are_ended(tmp_path: Path) -> None:
    waiting = (answers_when_told, (str(tmp_path), "a", "never"))
    for work, error in (((dies, ()), ProcessDied), ((refuses, ()), BadInput), ((waits, ("sh",)), TookTooLong)):
        with pytest.raises(error):
            list(beside(Usage(), [waiting, work]))
        # Its parent is gone before it would have said so itself.
        assert not [one for one in psutil.Process().children() if "spawn_main" in " ".join(one.cmdline())]


def test_threads_of_processes_beside_each_other_wait_asleep_unless_the_user_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (name,) = BESIDE
    monkeypatch.delenv(name, raising=False)
    two = [(environment, (name,))] * 2
    assert [value for _, value in beside(Usage(), two)] == ["passive"] * 2
    assert list(in_fresh_process(Usage(), environment, name)) == [None] and name not in os.environ
    monkeypatch.setenv(name, "active")
    assert [value for _, value in beside(Usage(), two)] == ["active"] * 2


def test_control_c_is_left_to_the_parent() -> None:
    stream = in_fresh_process(Usage(), interrupts_itself)
    assert list(stream) == [1, 2]


@pytest.mark.parametrize("is_ready", [True, False])
def test_a_death_and_a_refusal_reach_the_caller(is_ready: bool) -> None:
    for work, error in ((dies, ProcessDied), (refuses, BadInput)):
        if is_ready:
            prepare(work)
        stream = in_fresh_process(Usage(), work)
        assert next(stream) == 1
        with pytest.raises(error):
            next(stream)


def test_garbage_is_looked_for_again_once_all_is_imported() -> None:
    assert list(in_fresh_process(Usage(), collecting)) == [(False, True)]
    with pytest.raises(ImportError), importing():
        raise ImportError
    assert gc.isenabled()


@pytest.mark.parametrize(("name", "is_loaded"), [("bench.__main__", False), ("speedproof.cli", True)])
def test_a_measuring_process_imports_no_command_line(name: str, is_loaded: bool) -> None:
    code = f"import sys, {name}; print('speedproof.cli' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert said.strip() == str(is_loaded)


LINES = {
    "library": (Failed, "RuntimeError: mat1 and mat2 shapes cannot be multiplied", "at linear.py:"),
    "memory": (Failed, "memory ran out (MemoryError)", "Free memory"),
    "torch's memory": (Failed, "memory ran out (RuntimeError: ", "Free memory"),
    "disk": (Failed, "the disk is full (OSError: [Errno 28] No space left on device", "Free space"),
    "exit": (Failed, "it called sys.exit(3)", "nothing was judged"),
    "end of everything": (Failed, "GeneratorExit", "nothing was judged"),
    "control-c of its own": (Failed, "KeyboardInterrupt", "nothing was judged"),
    "unreadable": (Failed, "pickle", "nothing was judged"),
}


@pytest.mark.parametrize("kind", LINES)
def test_what_a_library_raises_in_a_child_is_one_line_with_its_words_and_the_stage(kind: str) -> None:
    error, *words = LINES[kind]
    stream = in_fresh_process(Usage(), stages, kind)
    assert next(stream) == ("checking a pair on smoke (tiny)", 3)
    with pytest.raises(error) as told:
        list(stream)
    line = str(told.value)
    assert line.startswith("checking a pair on smoke (tiny): ") and "\n" not in line
    assert all(word in line for word in words), line
    assert told.value.exit_status == 2
    (note,) = told.value.__notes__
    assert "Traceback" in note and ("in stages" in note or kind == "unreadable")


def test_an_error_of_ours_arrives_as_what_it_was_or_at_least_with_its_words_and_status() -> None:
    with pytest.raises(NotEquivalent, match="differs in 1 of 3") as told:
        list(in_fresh_process(Usage(), stages, "not equivalent"))
    assert (told.value.rule, told.value.excess, told.value.exit_status) == ("bound", 2.5, 1)
    with pytest.raises(SpeedproofError, match="Unsendable: a and b") as other:
        list(in_fresh_process(Usage(), stages, "own kind"))
    assert other.value.exit_status == 1


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("exit", "ended by itself with exit status 0"),
        ("segfault", "was killed by SIGSEGV"),
        ("abort", "was killed by SIGABRT"),
        ("kill", "was killed by SIGKILL"),
        ("fork", "ended by itself with exit status 4"),
        ("garbage", "cannot be read"),
        ("closed", "checking: "),
    ],
)
def test_a_process_that_ends_or_sends_what_it_should_not_is_told_and_nothing_was_judged(how: str, words: str) -> None:
    stream = in_fresh_process(Usage(), ends, how)
    assert next(stream) == ("checking", 1)
    with pytest.raises(SpeedproofError) as told:
        list(stream)
    assert str(told.value).startswith("checking: ") and words in str(told.value) and told.value.exit_status == 2


def test_of_a_process_that_forked_one_alone_is_heard() -> None:
    assert list(in_fresh_process(Usage(), ends, "two of it")) == [("checking", 1), "two of it"]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [(3, 4, "memory ran out"), (3, 3, "by itself or from outside"), (None, None, "often means that memory ran out")],
)
def test_memory_is_blamed_for_a_kill_where_the_system_counts_one(
    before: int | None, after: int | None, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "killed_for_memory", lambda: after)
    assert words in processes.ending(-signal.SIGKILL, before)
    assert "memory" not in processes.ending(-signal.SIGSEGV, before)


@pytest.mark.parametrize("order", ["sh", "lsh", "lsSsh", "slLh"])
def test_what_hangs_is_ended_in_time_and_told(order: str) -> None:
    with pytest.raises(TookTooLong) as told:
        list(in_fresh_process(Usage(), waits, order))
    assert str(told.value).startswith("checking: call s of fast() did not end within 0.5 s")
    assert "nothing was judged" in str(told.value) and told.value.exit_status == 2


@pytest.mark.parametrize("order", ["sSw", "slLSw", "lsSwL"])
def test_a_limit_is_taken_back_when_its_context_is_left(order: str) -> None:
    assert list(in_fresh_process(Usage(), waits, order)) == [("checking", 1), *order]


def test_a_limit_is_taken_back_by_an_error_too() -> None:
    with pytest.raises(Failed, match="ValueError: no luck"):
        list(in_fresh_process(Usage(), raises_within))


def test_outside_a_fresh_process_and_in_a_fork_of_one_a_limit_does_nothing() -> None:
    with bounded(0.0, "call of fast()"):
        time.sleep(0.01)
    assert list(in_fresh_process(Usage(), forks_within)) == ["done"]


def test_what_the_code_under_test_prints_is_no_part_of_the_answer(capfd: pytest.CaptureFixture[str]) -> None:
    assert list(in_fresh_process(Usage(), prints)) == [1]
    said = capfd.readouterr()
    assert not said.out and "on standard output" in said.err and "by number" in said.err
