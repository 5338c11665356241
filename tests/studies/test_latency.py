"""How long commands take is timed from outside, told against what is aimed at, and recorded of today's commands."""

from collections.abc import Callable
from pathlib import Path

import pytest

from speedproof.errors import BadInput
from speedproof.records.record import read as read_records
from speedproof_studies.kinds import KINDS, Waited
from speedproof_studies.latency import session
from speedproof_studies.latency.commands import CHECK_OF_IT, ONE_CALL, Command, commands
from speedproof_studies.latency.verb import late, memory_factor, memory_is_beyond, newest, rows

ROOT = Path(__file__).parents[2]
MIB = 50
"""So much more does the second of two processes hold."""

Asks = Callable[..., list[Waited]]


@pytest.fixture
def asks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Asks:
    def ask(*asked: Command, n_rounds: int = 1) -> list[Waited]:
        monkeypatch.setattr(session, "commands", lambda empty, recorded: asked)
        return [*session.waits(tmp_path, n_rounds, lambda words, left: None)]

    return ask


def test_each_command_is_a_process_of_its_own_and_its_memory_is_seen(asks: Asks) -> None:
    little, much = asks(
        Command("little", ("-c", "")), Command("much", ("-c", f"held = b'x' * {MIB * 2**20}")), n_rounds=2
    )
    assert [len(one.wall_s) for one in (little, much)] == [2, 2]
    assert much.peak_mib - little.peak_mib > MIB / 2
    assert all(seconds > 0 for seconds in (*little.wall_s, *much.cpu_s))


def test_a_command_that_fails_is_told_with_what_it_said(asks: Asks) -> None:
    with pytest.raises(
        BadInput, match=r"-c import sys; sys.exit\('no such thing'\) ended with status 1: no such thing"
    ):
        asks(Command("failing", ("-c", "import sys; sys.exit('no such thing')")))


def waited(command: str, *wall_s: float, most_s: float | None = None, peak_mib: float = 10.0) -> Waited:
    return Waited(command=command, wall_s=wall_s, cpu_s=wall_s, peak_mib=peak_mib, most_s=most_s)


def test_late_is_whose_middle_time_is_beyond_the_aim() -> None:
    good = [waited("one", 0.1, 0.2, 9.0, most_s=1.0), waited("another", 9.0)]
    slow = waited("slow", 0.1, 2.0, 3.0, most_s=1.0)
    assert late([*good, slow]) == [slow]


def test_a_checks_memory_is_held_against_that_of_one_call() -> None:
    one, check = waited(ONE_CALL, 1.0, peak_mib=100.0), waited(CHECK_OF_IT, 1.0, peak_mib=290.0)
    assert memory_factor([one, check]) == pytest.approx(2.9)
    assert not memory_is_beyond([one, check])
    assert memory_is_beyond([one, waited(CHECK_OF_IT, 1.0, peak_mib=310.0)])
    assert memory_factor([one]) is None


def test_the_newest_record_of_each_command_counts() -> None:
    assert newest([waited("one", 1.0), waited("two", 1.0), waited("one", 2.0)]) == [
        waited("one", 2.0),
        waited("two", 1.0),
    ]
    assert rows([waited("one", 1.0, 2.0, 4.0, most_s=3.0)]) == [
        ["one", "2.00 s [1.00, 4.00]", "2.00 s", "10 MiB", "3 s"]
    ]


def test_the_record_is_of_todays_commands_and_aims(published: Path) -> None:
    recorded = newest(record.body for record in read_records(published / "results", KINDS).records)
    known = {one.command: one.most_s for one in recorded}
    assert {one.name: one.most_s for one in commands(Path(), Path())} == known, "Run: python -m bench latency"
