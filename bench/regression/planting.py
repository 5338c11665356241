"""The study of this machinery itself: changes planted into a copy of the twins, and whether they are found.

Identical copies must not be told apart, at any rate that the error rate does not allow.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from ..clock import elapsed_s
from ..finding import TWINS
from ..findings import find
from ..question import Question
from ..subject import find_subject
from ..two_sides import Planted
from .compare import Pairing
from .lockstep import Say
from .outcome import Outcome, outcomes
from .places import place_of
from .side import IMPLEMENTATIONS, ROOT, Side, parse_side

SLOWDOWN = 0.05
"""Planted extra time, as a share of a call."""
_SIDE = 24
"""Side of the matrices of the extra work: some microseconds a product, so that a short call can be slowed finely."""


@dataclass(frozen=True)
class Plant:
    """A change to one batched twin: code that is put at the end of its file, and how it must be told."""

    name: str
    finding: str
    function: str
    code: str
    found: Callable[[Outcome], bool]
    timed: bool = False


def _wrapped(function: str, body: str) -> str:
    """Code that replaces a function by one that does `body`, in which `plain` is what it was."""
    return f"""

def _planted(plain):
    import functools

    @functools.wraps(plain)
    def twin(*args, **kwargs):
        {body}

    return twin


{function} = _planted({function})
"""


def _counts(name: str, more: int) -> Callable[[Outcome], bool]:
    def found(one: Outcome) -> bool:
        before, after = one.body.counts.get(name, (None, None))
        return before is not None and after is not None and after - before == more

    return found


EXTRA_PASS = _wrapped(
    "extract_features",
    "kwargs['model'](kwargs['model'].to_tokens(kwargs['texts'][0]))\n        return plain(*args, **kwargs)",
)
EXTRA_SCAN = _wrapped("_candidates", "_listed(os.fspath(args[1]))\n        return plain(*args, **kwargs)")
SIXTH_DIGIT = _wrapped("extract_features", "return plain(*args, **kwargs) * (1 + 4e-6)")


def plants() -> tuple[Plant, ...]:
    """Every change that is planted; the first is none."""
    slow = f"left = torch.ones({_SIDE}, {_SIDE})\n        for _ in range({_products()}):\n            left @ left"
    slow += "\n        return plain(*args, **kwargs)"
    return (
        Plant("none", "category_lookup", "analyze_specialists", "", lambda one: not one.identical, timed=True),
        Plant(
            "5% slower",
            "category_lookup",
            "analyze_specialists",
            _wrapped("analyze_specialists", slow),
            lambda one: one.time == "slower",
            timed=True,
        ),
        Plant("one forward pass", "text_batching", "extract_features", EXTRA_PASS, _counts("forward_passes", 1)),
        Plant("one directory scan", "sae_cache", "check_sae_cached", EXTRA_SCAN, _counts("directory_scans", 1)),
        Plant(
            "sixth digit",
            "text_batching",
            "extract_features",
            SIXTH_DIGIT,
            lambda one: bool(one.body.answers and one.body.answers.status in ("rounding", "different")),
        ),
    )


def _question(plant: Plant) -> Question:
    workload = find(plant.finding).pair(plant.function).workload("report" if plant.timed else "smoke")
    return Question(plant.finding, plant.function, workload, arm=TWINS[1])


def _products() -> int:
    """How many products make the planted slowdown, by the fastest of many calls."""
    question = _question(Plant("", "category_lookup", "analyze_specialists", "", lambda one: False, timed=True))
    pair, workload = find(question.finding).pair(question.function), question.workload
    torch.set_num_threads(workload.n_threads)
    inputs = pair.inputs(workload, find_subject(workload.subject), None)
    left = torch.ones(_SIDE, _SIDE)

    def products() -> None:
        for _ in range(100):
            left @ left

    call_s = min(elapsed_s(partial(pair.batched, **inputs))[1] for _ in range(200))
    product_s = min(elapsed_s(products)[1] for _ in range(200)) / 100
    return max(1, round(SLOWDOWN * call_s / product_s))


def study(n_trials: int, budget_s: float, seed: int, cache: Path, only: str, say: Say) -> Iterator[Planted]:
    """Each plant so many times, with other seeds and fresh processes; plant after plant within a trial."""
    chosen = [plant for plant in plants() if only in ("", plant.name)]
    with tempfile.TemporaryDirectory() as name:
        sides = {plant.name: _copy(Path(name) / f"{number}", plant) for number, plant in enumerate(chosen)}
        for trial in range(n_trials):
            for number, plant in enumerate(chosen):
                say(f"planting {plant.name}", (n_trials - trial) * len(chosen) - number)
                places = [place_of(side, cache) for side in (parse_side(str(ROOT)), sides[plant.name])]
                pairing = Pairing(places[0], places[1], [_question(plant)], seed + trial, lambda what, left: None)
                (one,) = outcomes(list(pairing.compared(budget_s if plant.timed else 0)))
                yield Planted(
                    plant=plant.name,
                    found=plant.found(one),
                    answers=one.answers,
                    work=tuple(one.work),
                    time=one.time if plant.timed else "",
                    launches=len(one.body.launches),
                    slowdown=one.slowdown.factor if one.slowdown else None,
                    interval=one.slowdown.interval if one.slowdown else None,
                    budget_s=budget_s if plant.timed else 0.0,
                )


def _copy(folder: Path, plant: Plant) -> Side:
    """The twins with the plant in them."""
    for name in IMPLEMENTATIONS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / IMPLEMENTATIONS[1] / f"{plant.finding}.py").open("a", encoding="utf-8") as file:
        file.write(plant.code)
    return parse_side(str(folder))
