"""Phases of the machine: told from what probes took, and shown."""

import json

import pytest

from speedproof.cli.shown import phases as shown
from speedproof.machine import phases
from speedproof.machine.phases import SLOW_PHASE, Moment, Phases
from speedproof.machine.probes import NAMES
from speedproof.machine.signs import State


def moments(slow: list[bool], kernel: tuple[float, float] = (1e-3, 3e-3)) -> Phases:
    """A moment every second; in slow ones scattered reads take twice as much more than is allowed."""
    return Phases(
        [
            Moment(
                float(at),
                {name: 1e-5 * (2 * SLOW_PHASE if is_slow and name == "scattered" else 1) for name in NAMES},
                {"sum": kernel[is_slow]},
            )
            for at, is_slow in enumerate(slow)
        ]
    )


PHASES = moments([False] * 10 + [True] * 5 + [False] * 4 + [True])


def test_slow_moments_are_those_in_which_a_probe_took_far_longer_than_in_quiet() -> None:
    assert PHASES.is_slow == (False,) * 10 + (True,) * 5 + (False,) * 4 + (True,)
    assert PHASES.slow_share == 0.3
    # A single slow moment is an interrupt.
    assert PHASES.slow_phases_s == [4.0]


def test_each_kernel_has_a_factor_of_its_own() -> None:
    assert PHASES.factors["sum"].factor == pytest.approx(3)
    assert PHASES.factors["scattered"].factor == pytest.approx(2 * SLOW_PHASE)
    assert PHASES.factors["counted"].factor == pytest.approx(1)


def test_a_machine_without_phases_shows_none() -> None:
    quiet = moments([False] * 20)
    assert quiet.slow_share == 0 and quiet.slow_phases_s == [] and quiet.factors["sum"].factor is None
    assert shown.state_of(quiet) is State.GOOD and shown.state_of(PHASES) is State.DOUBTFUL


def test_the_course_is_the_middle_of_each_part_and_goes_on_where_nothing_was_asked() -> None:
    course = moments([False, True]).course("sum", 4)
    assert course == [1e-3, 1e-3, 1e-3, 3e-3]
    assert shown.line(course) == "▁▁▁█" and shown.line([1.0, 1.0]) == "▁▁"


def test_what_is_watched_is_asked_until_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(100))
    monkeypatch.setattr(phases, "monotonic_s", lambda: float(next(now)))
    asked: list[int] = []
    found = phases.watch(9.0, {"kernel": lambda: asked.append(1)})
    # Once before, so that no moment pays for the first call.
    assert len(asked) == len(found.moments) + 1 > 2


def test_it_is_told_as_lines_and_as_data(capsys: pytest.CaptureFixture[str]) -> None:
    shown.show_phases(PHASES)
    told = capsys.readouterr().out
    assert "30.0%; 1 phase, the longest of 4.0 s" in told.replace("\n", " ")
    assert json.loads(json.dumps(shown.phases_as_json(PHASES)))["slow_phases_s"] == [4.0]
