"""Fresh processes: each piece of work has its own, made ready early or not, and a death is told."""

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from bench.errors import BadInput
from bench.importing import importing
from bench.process import ProcessDied, Usage, in_fresh_process, prepare

COLLECTED_MEANWHILE = gc.isenabled()
"""Whether garbage was looked for while this file was imported."""


def collecting() -> Iterator[tuple[bool, bool]]:
    yield COLLECTED_MEANWHILE, gc.isenabled()


def pids(n: int) -> Iterator[int]:
    yield from [os.getpid()] * n


def dies() -> Iterator[int]:
    yield 1
    os.kill(os.getpid(), signal.SIGKILL)


def interrupts_itself() -> Iterator[int]:
    yield 1
    os.kill(os.getpid(), signal.SIGINT)
    yield 2


def refuses() -> Iterator[int]:
    yield 1
    raise BadInput("no")


def test_each_piece_of_work_has_a_process_of_its_own_also_where_one_was_made_ready() -> None:
    usage = Usage()
    prepare(pids)
    prepare(pids)
    runs = [list(in_fresh_process(usage, pids, 2)) for _ in range(2)]
    assert all(run[0] == run[1] for run in runs)
    assert len({os.getpid(), runs[0][0], runs[1][0]}) == 3
    assert usage.peak_host_bytes > 0


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


@pytest.mark.parametrize(("name", "is_loaded"), [("bench.__main__", False), ("bench.cli", True)])
def test_a_measuring_process_imports_no_command_line(name: str, is_loaded: bool) -> None:
    code = f"import sys, {name}; print('bench.cli' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert said.strip() == str(is_loaded)
