"""Lockstep, with made-up workers: what both sides share and what they take turns at, launch by launch."""

import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pytest

from bench.findings import find
from speedproof.pairs.question import questions
from speedproof.sides import lockstep as module
from speedproof.sides.lockstep import lockstep
from speedproof.timing.launches import Launch
from speedproof.timing.method import TODAYS
from speedproof.timing.sampling import Sample, Stretch, cores_for
from speedproof.timing.warmup import Form
from tests.reporting import launches


@dataclass
class Made:
    """Answers as a worker does, and notes what it was asked."""

    name: str
    asked: list[tuple[Any, ...]]

    def begin(self, *request: Any) -> None:
        self.asked.append((self.name, *request))

    def end(self, *request: Any) -> None:
        pass

    def ask(self, *request: Any) -> Any:
        self.asked.append((self.name, *request))
        return Form(1) if request[0] == "warm" else Sample(0.01)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the workers of four launches were asked, in order; each worker's start is a request too."""
    requests: list[tuple[Any, ...]] = []

    @contextmanager
    def worker(place: Any, rng: random.Random) -> Iterator[Made]:
        requests.append((place, "start"))
        yield Made(place, requests)

    monkeypatch.setattr(module, "worker", worker)
    question = questions([find("feature_links")], "smoke")[0]
    single = replace(question, workload=replace(question.workload, n_threads=1))
    places: Any = ("before", "after")
    (timed,) = lockstep(places, [single], 1e6, 7, lambda what, left: None, precision=0.0, most=TODAYS.first)
    assert len(timed.launches) == TODAYS.first and not timed.failure
    return requests


@pytest.mark.parametrize(
    ("budget_s", "n_questions", "stretch_s"),
    [(80.0, 1, 6.0), (180.0, 1, 6.0), (math.inf, 16, 6.0), (48.0, 1, 1.0), (180.0, 16, 35 / 16 - 1), (1.0, 16, 0.2)],
)
def test_the_samples_up_to_the_first_look_fit_into_the_budget(
    budget_s: float, n_questions: int, stretch_s: float
) -> None:
    assert module.stretch(budget_s, n_questions) == pytest.approx(stretch_s)
    shortest_s = TODAYS.first * (module.STARTED_S + n_questions * (module.WARMED_S + 0.2))
    assert module.least_s(budget_s, n_questions) <= max(budget_s, shortest_s)


def test_a_pair_of_workers_that_starts_sooner_samples_longer() -> None:
    assert module.stretch(48.0, 1, started_s=7.0) == pytest.approx(4.0) and module.stretch(48.0, 1, 11.9) == 0.2


@pytest.mark.parametrize(("seconds", "expected"), [(None, 6.0), (lambda started_s: 0.7, 0.7)])
def test_launches_take_what_the_budget_allows_or_as_long_as_what_they_confirm(
    seconds: Any, expected: float, asked: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixteen questions that were timed for a second each are not confirmed for six."""
    told: list[float] = []

    def samples(sides: Any, asked: Any, now: Any, stretch: Stretch) -> Launch:
        told.append(stretch.seconds)
        return launches(2.0)[0]

    monkeypatch.setattr(module, "samples", samples)
    question, places = questions([find("feature_links")], "smoke")[0], ("before", "after")
    list(lockstep(places, [question], math.inf, 7, lambda what, left: None, 0.0, TODAYS.first, seconds))  # type: ignore[arg-type]
    assert told == [expected] * TODAYS.first


def test_how_long_timing_takes_and_why_is_told_beforehand() -> None:
    told = module.announced(180.0, 16)
    assert told.startswith("Timing up to 16 twins takes 3.0 min at least: 4 pairs of workers are started")
    assert "Of 3.0 min in all, the rest goes to what is undecided" in told
    assert "more than --budget-s 60: name fewer findings (--finding), or 0 for no timing" in module.announced(60.0, 16)
    assert module.announced(60.0, 1).startswith("Timing up to 1 twin takes 60 s at least")


def test_both_sides_load_what_will_be_asked_before_the_first_warms_up(asked: list[tuple[Any, ...]]) -> None:
    """One after the other, with the second one waiting, would take twice as long."""
    names = [request[1] for request in asked if request[1] in ("settle", "warm")]
    assert names == ["settle", "settle", "warm", "warm"] * TODAYS.first
    assert all(len(request) == 3 for request in asked if request[1] == "settle")


def order_of(asked: list[tuple[Any, ...]], name: str) -> list[tuple[str, str]]:
    places = [request[0] for request in asked if request[1] == name]
    return list(zip(places[::2], places[1::2], strict=True))


@pytest.mark.parametrize("name", ["start", "warm"])
def test_sides_take_turns_at_being_first(asked: list[tuple[Any, ...]], name: str) -> None:
    order = order_of(asked, name)
    assert len(order) == TODAYS.first and {*order} == {("before", "after"), ("after", "before")}
    assert all(one != other for one, other in pairwise(order))


def test_both_sides_of_a_launch_are_told_the_same_cores(asked: list[tuple[Any, ...]]) -> None:
    starts = [n for n, request in enumerate(asked) if request[1] == "start"][::2]
    for first, following in zip(starts, [*starts[1:], len(asked)], strict=True):
        cores = {request[-1] for request in asked[first:following] if request[1] in ("warm", "sample")}
        assert len(cores) == 1 and len(cores.pop()) == len(cores_for(1, random.Random(1)))
