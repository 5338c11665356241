"""Moving and widening arguments: every floating-point number, in whatever it stands."""

import dataclasses
import math
import random
from array import array
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import torch

from speedproof.own.reference.nearby import changed, mixer, mover, n_moved, wider
from speedproof.own.values.differences import exact_difference
from speedproof.own.values.leaves import leaves, n_floats

from .asked import asked, refused

NUMBERS = [0.1, -2.5, 3.7]


class Point(NamedTuple):
    x: float
    y: float


@dataclasses.dataclass(frozen=True)
class Frozen:
    weights: tuple[float, ...]
    name: str = "name"


class Plain:
    def __init__(self) -> None:
        self.rows = [list(NUMBERS), {"deep": NUMBERS[0]}]
        self.parent = self


class Slotted:
    __slots__ = ("__private", "amount")

    def __init__(self) -> None:
        self.amount, self.__private = NUMBERS[0], NUMBERS[1]


class OwnList(list[Any]):
    pass


class OwnDict(dict[str, Any]):
    pass


class OwnArray(np.ndarray):
    pass


def own_counter() -> Any:
    found: Counter[str] = Counter()
    found["a"] = 0.5  # type: ignore[assignment]
    return found


RECORDS = np.array([(1, 0.1), (2, 0.2)], dtype=[("n", int), ("share", float)])
HELD: dict[str, Callable[[], Any]] = {
    "number": lambda: 0.1,
    "complex": lambda: 1.5 + 2.5j,
    "list": lambda: list(NUMBERS),
    "tuple": lambda: tuple(NUMBERS),
    "set": lambda: set(NUMBERS),
    "frozen set": lambda: frozenset(NUMBERS),
    "deque": lambda: deque(NUMBERS, maxlen=5),
    "dictionary": lambda: dict(enumerate(NUMBERS)),
    "ordered dictionary": lambda: OrderedDict(enumerate(NUMBERS)),
    "default dictionary": lambda: defaultdict(list, a=list(NUMBERS)),
    "counter": lambda: own_counter(),
    "own list": lambda: OwnList(NUMBERS),
    "own dictionary": lambda: OwnDict(a=0.5),
    "named tuple": lambda: Point(0.1, 0.2),
    "dataclass": lambda: Frozen(tuple(NUMBERS)),
    "object": Plain,
    "object of slots": Slotted,
    "array of a type": lambda: array("d", NUMBERS),
    "array of a short type": lambda: array("f", NUMBERS),
    "NumPy's array": lambda: np.array([NUMBERS, NUMBERS]),
    "NumPy's short array": lambda: np.array(NUMBERS, np.float32),
    "NumPy's number": lambda: np.float64(0.1),
    "NumPy's complex": lambda: np.array([1.5 + 2.5j]),
    "array of objects": lambda: np.array([0.1, "text", [0.2]], dtype=object),
    "array of records": lambda: RECORDS.copy(),
    "masked array": lambda: np.ma.array(NUMBERS, mask=[False] * 3),
    "own array": lambda: np.array([NUMBERS, NUMBERS]).view(OwnArray),
    "sparse matrix": lambda: scipy.sparse.csr_matrix([NUMBERS, [0.0, 1.5, 0.0]]),
    "sparse array by columns": lambda: scipy.sparse.csc_array([NUMBERS, [0.0, 1.5, 0.0]]),
    "iterator": lambda: iter(NUMBERS),
    "generator": lambda: (one for one in NUMBERS),
    "torch's tensor": lambda: torch.tensor(NUMBERS),
    "frame of pandas": lambda: pd.DataFrame({"a": NUMBERS, "b": [1, 2, 3]}),
    "frame of objects": lambda: pd.DataFrame({"a": pd.Series(["x", 0.5, 1.5], dtype=object)}),
    "index of pandas": lambda: pd.DataFrame({"a": [1, 2, 3]}, index=NUMBERS),
    "series of pandas": lambda: pd.Series(NUMBERS, name="a"),
    "series of pandas that may lack some": lambda: pd.Series(NUMBERS).astype("Float64"),
    "frame of polars": lambda: pl.DataFrame({"a": NUMBERS, "b": [1, 2, 3], "c": ["x", "y", "z"]}),
    "plan of polars": lambda: pl.LazyFrame({"a": NUMBERS}),
    "series of polars": lambda: pl.Series("a", [0.5, None, 1.5]),
}
HOLD_NO_WIDER = (
    *("array of a type", "array of a short type", "array of records", "frame of polars", "plan of polars"),
    *("series of polars", "complex"),
)
"""Their numbers have one type, which is the widest that they can hold, or the only one."""


@pytest.mark.parametrize("kind", HELD)
def test_every_number_is_moved_wherever_it_stands(kind: str) -> None:
    made = HELD[kind]()
    before = leaves(HELD[kind]())
    assert n_moved(HELD[kind]()) == n_floats(before) > 0
    moved = [leaves(changed(HELD[kind](), mover(n_floats(before), n))) for n in range(n_floats(before))]
    for found in [*moved, leaves(changed(HELD[kind](), mixer(1)))]:
        exact = {place: leaf for place, leaf in found.items() if not leaf.is_float}
        assert not exact_difference(exact, {place: leaf for place, leaf in before.items() if not leaf.is_float})
    # Each moves one number by a little, and no two the same.
    told = [repr([(place, np.asarray(leaf.value).tolist()) for place, leaf in one.items()]) for one in moved]
    assert len({*told, repr([(p, np.asarray(leaf.value).tolist()) for p, leaf in before.items()])}) == len(moved) + 1
    after = leaves(made)
    assert after.keys() == before.keys() and not exact_difference(after, before)


@pytest.mark.parametrize("kind", [kind for kind in HELD if kind not in HOLD_NO_WIDER])
def test_every_number_has_more_digits_where_its_place_can_hold_them(kind: str) -> None:
    before, found = leaves(HELD[kind]()), leaves(changed(HELD[kind](), wider))
    assert before.keys() == found.keys()
    for place, leaf in found.items():
        if leaf.is_float:
            was = before[place]
            assert leaf.kind != was.kind or type(leaf.value) is not type(was.value), (kind, place)


@pytest.mark.parametrize("special", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_stays(special: float) -> None:
    for made in ([special, 1.0], np.array([special, 1.0]), np.float64(special), torch.tensor([special, 1.0])):
        for move in (mover(2, 0), mover(2, 0, units=1024), mixer(3)):
            found = np.asarray(changed(made, move)).ravel()
            assert np.array_equal(found[:1], np.asarray(made).ravel()[:1], equal_nan=True)


def clipped_sum(x: Any) -> float:
    return float(np.clip(x, -1, 1).sum())


def with_an_infinity(size: int, rng: np.random.Generator) -> dict[str, Any]:
    return {"x": np.concatenate([[np.inf] * min(size, 1), rng.standard_normal(max(size - 1, 0))])}


def test_an_infinity_among_the_inputs_allows_no_more() -> None:
    asked(clipped_sum, lambda x: math.fsum(np.clip(x, -1, 1)), with_an_infinity)
    assert refused(clipped_sum, lambda x: clipped_sum(x) * (1 + 1e-9), with_an_infinity).rule == "element"


def test_a_mask_stays_where_it_is() -> None:
    found = changed(np.ma.array(NUMBERS, mask=[False, True, False], fill_value=9.0), mixer(1))
    assert found.mask.tolist() == [False, True, False] and found.fill_value == 9.0


def test_what_holds_no_number_is_left_as_it_is() -> None:
    class Empty:
        def __init__(self) -> None:
            self.text, self.me = "text", self

    for value in (Empty(), "text", 3, None, Plain, random.Random(1), np.array([1, 2])):
        assert changed(value, mixer(1)) is value or isinstance(value, np.ndarray)


def total(frame: Any) -> float:
    found = 0.0
    for one in frame["a"].to_list():
        found += one
    return found


def frames(size: int, rng: random.Random) -> dict[str, Any]:
    return {"frame": pl.DataFrame({"a": [rng.uniform(-1, 1) for _ in range(size)]}, schema={"a": pl.Float64})}


def test_a_frame_of_polars_is_an_argument_as_any_other() -> None:
    asked(total, lambda frame: float(frame["a"].sum()), frames)
    assert refused(total, lambda frame: float(frame["a"].cast(pl.Float32).sum()), frames).rule == "element"
    assert refused(total, lambda frame: float(frame.drop_in_place("a").sum()), frames).rule == "inputs"


def doubled(frame: Any) -> Any:
    held = {"a": [2 * one for one in frame["a"].to_list()], "n": list(range(frame.height))}
    return pl.DataFrame(held, {"a": pl.Float64, "n": pl.Int64})


def doubled_at_once(frame: Any) -> Any:
    return frame.select(a=2 * pl.col("a"), n=pl.int_range(pl.len(), dtype=pl.Int64))


WRONG: dict[str, Callable[[Any], Any]] = {
    "order": lambda frame: frame.reverse(),
    "type": lambda frame: frame.with_columns(pl.col("n").cast(pl.Int32)),
    "columns": lambda frame: frame.select("n", "a"),
    "rows": lambda frame: frame.head(3),
    "digits": lambda frame: frame.with_columns(pl.col("a").cast(pl.Float32).cast(pl.Float64)),
    "missing": lambda frame: frame.with_columns(pl.col("n").replace(3, None)),
    "kind": lambda frame: frame.lazy(),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_frame_of_polars_is_an_answer_as_any_other(wrong: str) -> None:
    asked(doubled, doubled_at_once, frames)
    assert refused(doubled, lambda frame: WRONG[wrong](doubled_at_once(frame)), frames)
