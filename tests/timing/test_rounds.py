"""The loop of the paired runner and of two sides: what it launches, in which order, from which seeds, until when."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from speedproof.processes import Usage
from speedproof.sides import lockstep as sides
from speedproof.sides.lockstep import lockstep
from speedproof.timing import rounds, runner, sampling
from speedproof.timing.launches import Launch
from speedproof.timing.method import TODAYS
from speedproof.timing.rounds import Outcome, Round, Taken
from speedproof.timing.runner import measure
from speedproof.timing.sampling import Sample, Stretch
from speedproof.timing.warmup import Form

LAUNCH = Launch(0, (1.0,), (1.0,), (True,), (1, 1))
TOOK_S = {"quick": 1.0, "wide": 1.0, "slow": 60.0}
"""Seconds of one launch. Only the quick one is decided at its first look."""


class Clock:
    """The seconds that the loop sees; nothing waits for them."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    for module in (rounds, sampling, sides):
        monkeypatch.setattr(module, "monotonic_s", made)
    return made


def only_the_quick_one(precision: float, taken: Taken[Any]) -> bool:
    return bool(taken.what.label == "quick")


def things(**more: Any) -> list[Any]:
    return [SimpleNamespace(label=label, **more) for label in TOOK_S]


def test_the_paired_runner_takes_this_order_and_these_seeds(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the runner took them when it had a loop of its own: a seed repeats what it was recorded with."""
    asked: list[tuple[Any, ...]] = []

    def process(usage: Usage, work: Any, plans: list[Any], *conditions: Any) -> Iterator[Outcome]:
        clock.now_s += 5.0
        seed, stretch = conditions
        asked.append((" ".join(plan.label for plan in plans), seed, stretch.baseline_first))
        for plan in plans:
            clock.now_s += TOOK_S[plan.label]
            yield Outcome(LAUNCH, took_s=TOOK_S[plan.label])

    monkeypatch.setattr(runner, "in_fresh_process", process)
    monkeypatch.setattr(runner, "_is_decided", only_the_quick_one)
    done = [(taken.what.label, len(taken.launches)) for taken in measure(things(), 540.0, 7, Usage())]
    assert asked == [
        ("slow wide quick", 2795742288, False),
        ("wide quick slow", 3527346212, True),
        ("quick wide slow", 1570621944, False),
        ("wide quick slow", 3907149204, True),
        ("slow wide", 161042648, False),
        ("wide slow", 1862494042, True),
        ("wide slow", 300026767, False),
        ("slow wide", 389609433, True),
    ]
    assert done == [("quick", 4), ("slow", 8), ("wide", 8)]


def test_two_sides_take_this_order_and_these_seeds(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """As two sides took them when they had a loop of their own."""
    asked: list[str] = []

    class Made:
        def __init__(self, place: str) -> None:
            self.place = place

        def begin(self, *request: Any) -> None: ...

        def end(self, *request: Any) -> None: ...

        def ask(self, what: str, question: Any, *more: Any) -> Any:
            if what == "warm":
                asked.append(f"{self.place} {question.label}")
                return Form(1)
            clock.now_s += 5.0 if question.label == "slow" else 1 / 8
            return Sample(0.01)

    @contextmanager
    def worker(place: Any, rng: random.Random) -> Iterator[Made]:
        asked.append(f"{place} starts")
        yield Made(place)

    monkeypatch.setattr(sides, "worker", worker)
    monkeypatch.setattr(sides, "_is_decided", only_the_quick_one)
    # Then each stretch took three seconds, whatever the budget.
    for bound in ("SHORTEST_STRETCH_S", "STRETCH_S"):
        monkeypatch.setattr(sides, bound, 3.0)
    places: Any = ("before", "after")
    # Of so many threads none can be kept to a core, so that no core is drawn here or on any other machine.
    questions = things(workload=SimpleNamespace(n_threads=10**6))
    done = lockstep(places, questions, 1.0, 7, lambda what, left: None)
    seeds = {taken.what.label: [launch.seed for launch in taken.launches] for taken in done}
    assert seeds == {
        "quick": [3551302831, 2452055640, 2423943363, 2255701793],
        "slow": [2795742288, 4192983756, 3966150535, 2126508550],
        "wide": [922121676, 212984476, 2514969041, 1795823848],
    }
    firsts, orders = (
        ("after", "before", "after", "before"),
        ("slow wide quick", "wide slow quick", "quick wide slow", "quick slow wide"),
    )
    expected = []
    for first, order in zip(firsts, orders, strict=True):
        turns = (first, "after" if first == "before" else "before")
        expected += [f"{place} starts" for place in turns]
        expected += [f"{place} {label}" for label in order.split() for place in turns]
    assert asked == expected


def test_what_fails_is_final_at_once_and_what_is_left_ends_with_the_last_round(clock: Clock) -> None:
    seen: list[list[str]] = []

    def launch(labels: Sequence[str], now: Round) -> list[Outcome]:
        seen.append(sorted(labels))
        return [Outcome(None, "it died") if (label, now.number) == ("b", 2) else Outcome(LAUNCH) for label in labels]

    done = list(rounds.rounds(["a", "b"], launch, lambda taken: False, 1e9, 1, most=TODAYS.looks[1].n))
    assert [(taken.what, taken.failure, len(taken.launches)) for taken in done] == [
        ("b", "it died", 1),
        ("a", "", TODAYS.looks[1].n),
    ]
    assert seen == [["a", "b"]] * 2 + [["a"]] * (TODAYS.looks[1].n - 2)


def test_a_launch_that_answers_for_fewer_than_it_was_asked_is_an_error(clock: Clock) -> None:
    with pytest.raises(ValueError, match="shorter"):
        list(rounds.rounds(["a", "b"], lambda things, now: [Outcome(LAUNCH)], lambda taken: True, 1.0, 1))


@pytest.mark.parametrize(
    ("pair_s", "longest_s", "n_pairs"),
    [(0.3, 3.0, 4), (0.6, 3.0, 2), (2.0, 3.0, 2), (3.9, 3.0, 2), (4.0, 3.0, 1), (4.0, 1e9, 2)],
)
def test_a_stretch_ends_with_an_even_number_of_pairs_unless_the_second_takes_too_long(
    clock: Clock, pair_s: float, longest_s: float, n_pairs: int
) -> None:
    def sample(side: int) -> Sample:
        clock.now_s += pair_s / 2
        return Sample(pair_s / 2)

    launch = sampling.in_pairs(sample, (1, 1), Stretch(1.0, True, longest_s), random.Random(1))
    assert launch.n_pairs == n_pairs
    assert n_pairs == 1 or sum(launch.baseline_first) == n_pairs / 2
