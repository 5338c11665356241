"""Fresh processes: each piece of work has its own, made ready early or not, and a death is told."""

import os
import signal
from collections.abc import Iterator

import pytest

from bench.errors import BadInput
from bench.process import ProcessDied, Usage, in_fresh_process, prepare


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
