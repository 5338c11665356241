"""The study of this machinery itself: planted changes must be found, identical copies must not be told apart."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from speedproof.errors import unknown
from speedproof.folders import ROOT
from speedproof.sides.comparing import Pairing
from speedproof.sides.lockstep import Say
from speedproof.sides.outcome import outcomes
from speedproof.sides.places import place_of
from speedproof.sides.side import IMPLEMENTATIONS, Side, parse_side
from speedproof_studies.kinds import Planted

from .plants import DEPENDENCY, EXACT, OLDER, Plant, slower, unplanted

KINDS = ("exact", "dependency", "timed")
"""Answers and work, which no load disturbs; the same of another release of a library; time, on a machine left alone."""


@dataclass(frozen=True)
class Planting:
    """One side, the plants that are in it, and the seconds of timing that its comparison may take."""

    side: Side
    plants: tuple[Plant, ...]
    budget_s: float = 0.0


def study(n_trials: int, budget_s: float, seed: int, cache: Path, kinds: Sequence[str], say: Say) -> Iterator[Planted]:
    """Each plant so many times, with other seeds and fresh processes; copy after copy within a trial.

    Raises:
        BadInput: a kind that is not in `KINDS`.
        Unsupported: the environment of the changed dependency cannot be made.
    """
    with tempfile.TemporaryDirectory() as name:
        copies = [one for kind in kinds or KINDS for one in _plantings(kind, Path(name), budget_s)]
        here = place_of(parse_side(str(ROOT)), cache)
        for trial in range(n_trials):
            for number, copy in enumerate(copies):
                say(f"planting {copy.plants[0].name}", (n_trials - trial) * len(copies) - number)
                asked = [plant.question for plant in copy.plants]
                pairing = Pairing(here, place_of(copy.side, cache), asked, seed + trial, lambda what, left: None)
                compared = {one.function: one for one in pairing.compared(copy.budget_s)}
                found = outcomes([compared[plant.function] for plant in copy.plants])
                yield from (
                    Planted(
                        plant=plant.name,
                        found=plant.found(one),
                        answers=one.answers,
                        work=tuple(one.work),
                        time=one.time if copy.budget_s else "",
                        launches=len(one.body.launches),
                        slowdown=one.slowdown.factor if one.slowdown else None,
                        interval=one.slowdown.interval if one.slowdown else None,
                        budget_s=copy.budget_s,
                    )
                    for plant, one in zip(copy.plants, found, strict=True)
                )


def _plantings(kind: str, folder: Path, budget_s: float) -> list[Planting]:
    if kind not in KINDS:
        raise unknown("kind", kind, list(KINDS))
    if kind == "dependency":
        return [Planting(parse_side(OLDER), (DEPENDENCY,))]
    plants = EXACT if kind == "exact" else (slower(),)
    identical = tuple(unplanted(plant) for plant in plants)
    seconds = budget_s if kind == "timed" else 0.0
    return [
        Planting(_copy(folder / f"{kind} {number}", chosen), chosen, seconds)
        for number, chosen in enumerate((identical, plants))
    ]


def _copy(folder: Path, plants: Sequence[Plant]) -> Side:
    """The twins with the plants in them."""
    for name in IMPLEMENTATIONS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for plant in plants:
        with (folder / IMPLEMENTATIONS[1] / f"{plant.finding}.py").open("a", encoding="utf-8") as file:
            file.write(plant.code)
    return parse_side(str(folder))
