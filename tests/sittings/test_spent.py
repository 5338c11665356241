"""Where the time went: each second is counted once, also where two processes share it."""

import pytest

from speedproof.sittings import spent
from speedproof.sittings.spent import AT_ONCE, Spent, Watch, in_words


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Its one item is the time."""
    now = [0.0]
    monkeypatch.setattr(spent, "monotonic_s", lambda: now[0])
    return now


def test_stages_of_one_process_add_up_to_its_time(clock: list[float]) -> None:
    total = Spent()
    watch = Watch(total)
    for at, words in [(5, "checking a"), (9, ""), (10, "checking b"), (20, "counting a"), (24, ""), (25, "control x")]:
        clock[0] = at
        watch.heard(0, words)
    clock[0] = 31
    watch.heard(0)
    watch.end()
    assert total.seconds == {"certificates": 20, "counters": 5, "controls": 6, AT_ONCE: 0}


def test_what_two_processes_do_at_once_is_taken_off(clock: list[float]) -> None:
    total = Spent()
    watch = Watch(total)
    for at, place, words in [(0, 0, "checking a"), (0, 1, "control x"), (10, 1, ""), (30, 0, "")]:
        clock[0] = at
        watch.heard(place, words)
    watch.end()
    assert total.seconds == {"certificates": 30, "controls": 10, AT_ONCE: 10}
    line = in_words(35, total.seconds)
    assert line == (
        "Took 0 min 35 s: certificates 0:30, controls 0:10, less 0:10 in which two of these ran at once, the rest 0:05."
    )


def test_a_stage_that_is_on_is_counted_by_its_own_time_alone(clock: list[float]) -> None:
    total = Spent()
    with total.on("traces"):
        watch = Watch(total)
        watch.heard(0, "checking a")
        clock[0] = 40
        watch.heard(0)
        watch.end()
    assert total.seconds["traces"] == 40 and "certificates" not in total.seconds
    assert (
        in_words(492, {"timing": 240.0, "traces": 40.0}) == "Took 8 min 12 s: timing 4:00, traces 0:40, the rest 3:32."
    )
