"""Answers of two sides: each against the reference, and against each other to the last bit."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import PurePath
from typing import Any, Literal

from speedproof.errors import NotEquivalent
from speedproof.pairs.contract import Allowed, Evidence, Inputs, settle
from speedproof.pairs.finding import Pair
from speedproof.pairs.kit import Kit

Status = Literal["same", "rounding", "different", "unstable"]
"""Same bits; other bits, each within what rounding may do; one is wrong or they are of two kinds; or one side does not
give the same bits twice, so that bits say nothing, and each is right."""


@dataclass(frozen=True)
class Difference:
    """How two outputs differ: in how many values, where first, and by how much of the largest value around."""

    n_different: int = 0
    first: str = ""
    largest: float = 0.0
    """Infinite where something other than a number differs."""


def difference(kit: Kit, before: Any, after: Any) -> Difference:
    """Leaf by leaf, to the last bit."""
    found = list(_differences(kit, before, after, "output"))
    n_different = sum(n for _, n, _ in found)
    return Difference(n_different, found[0][0], max(share for *_, share in found)) if found else Difference()


def _differences(kit: Kit, before: Any, after: Any, place: str) -> Iterator[tuple[str, int, float]]:
    """(place, values that differ, the largest difference as a share) for each part that differs."""
    if type(before).__name__ != type(after).__name__:
        yield f"{place}: {type(before).__name__} and {type(after).__name__}", 1, math.inf
    elif (apart := kit.apart(before, after)) is not None:
        yield from ((f"{place}{where}", n, share) for where, n, share in apart)
    elif is_dataclass(before) and not isinstance(before, type):
        names = [field.name for field in fields(before)]
        yield from _of_items(
            kit, {n: getattr(before, n) for n in names}, {n: getattr(after, n, None) for n in names}, place
        )
    elif isinstance(before, dict):
        yield from _of_items(kit, before, after, place)
    elif isinstance(before, list | tuple):
        yield from _of_items(kit, dict(enumerate(before)), dict(enumerate(after)), place)
    elif isinstance(before, float):
        if before != after and not (math.isnan(before) and math.isnan(after)):
            yield f"{place}: {before!r} and {after!r}", 1, abs(before - after) / max(abs(before), abs(after))
    elif not isinstance(before, PurePath) and before != after:
        # Each side's files lie in a folder of its own.
        yield f"{place}: {before!r:.60} and {after!r:.60}", 1, math.inf


def _of_items(kit: Kit, before: Any, after: Any, place: str) -> Iterator[tuple[str, int, float]]:
    if list(before) != list(after):
        yield f"{place}: {len(before)} and {len(after)} entries, or others", 1, math.inf
        return
    for name, value in before.items():
        yield from _differences(kit, value, after[name], f"{place}[{name!r}]")


@dataclass(frozen=True)
class Judged:
    """One side's answer held against the reference: its worst error as a share of the scale, or what is wrong."""

    evidence: Evidence
    wrong: str = ""

    @property
    def error(self) -> float:
        """The worst element's error, as a share of the scale; 0 for an exact answer."""
        return self.evidence.worst_errors.get("element", 0.0)


def judged(pair: Pair, inputs: Inputs, reference: Any, output: Any, allowed: Allowed) -> Judged:
    """What the reference says of an output, by the gate's rules for outputs."""
    try:
        return Judged(settle(pair.equivalence.examine(inputs, reference, output, allowed)))
    except NotEquivalent as error:
        return Judged(Evidence(0), str(error))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        return Judged(Evidence(0), f"cannot be read as the answer: {error!r}")


def status(apart: Difference, again: Difference, before: Judged, after: Judged) -> Status:
    """What to say of two answers that differ by `apart`, where one side's two answers differ by `again`."""
    if before.wrong != after.wrong and (before.wrong or after.wrong):
        return "different"
    if math.isinf(apart.largest):
        return "different"
    if again.n_different:
        return "unstable"
    return "rounding" if apart.n_different else "same"
