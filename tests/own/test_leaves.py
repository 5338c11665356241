"""Every place of an answer counts: the same value made twice is the same, and one change is told with its place."""

import datetime
import enum
import math
import random
import re
import warnings
from array import array
from collections import Counter, OrderedDict, UserList, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
import torch

from speedproof.own.draws import Draw, Source
from speedproof.own.equivalence import everything
from speedproof.own.reference.answers import Answer
from speedproof.own.values.differences import Difference, exact_difference
from speedproof.own.values.leaves import leaves
from speedproof.pairs.kit import PLAIN

NOTHING = Draw(Source(lambda size, seed: {}, "nothing"), 0, 0)
UTC, WINTER = datetime.UTC, ZoneInfo("Europe/Berlin")


def difference(expected: Callable[[], Any], found: Callable[[], Any]) -> Difference | None:
    """What the check says of an answer, where the reference gives what `expected` makes."""
    return everything(Answer(lambda: expected(), NOTHING, PLAIN), found())


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Rank(enum.IntEnum):
    LOW = 1


@dataclass
class Spot:
    x: float
    tags: list[str] = field(default_factory=list)


class Held:
    def __init__(self, amount: int) -> None:
        self.amount = amount


class Slotted:
    __slots__ = ("amount", "unset")

    def __init__(self, amount: int) -> None:
        self.amount = amount


class Inherited(Slotted):
    __slots__ = ("more",)

    def __init__(self, amount: int, more: int) -> None:
        super().__init__(amount)
        self.more = more


class Named(list[int]):
    def __init__(self, items: list[int], name: str) -> None:
        super().__init__(items)
        self.name = name


class Labelled(dict[str, int]):
    def __init__(self, name: str) -> None:
        super().__init__(a=1)
        self.name = name


class Pick(NamedTuple):
    at: int
    score: float


Pair = namedtuple("Pair", "one two")
Other = namedtuple("Other", "one two")


def counting(*items: Any) -> Iterator[Any]:
    yield from items


def holding_itself(end: int) -> list[Any]:
    made: list[Any] = [1]
    made += [made, end]
    return made


def frame(**changed: Any) -> pd.DataFrame:
    columns: dict[str, Any] = {"n": [1, 2], "x": [0.5, 1.5], "word": ["a", "b"]}
    return pd.DataFrame(columns | changed, index=["r", "s"])


def two_columns_of_one_name(first: int) -> pd.DataFrame:
    return pd.DataFrame([[first, 2]], columns=["a", "a"])


def structured(score: float) -> Any:
    return np.array([(1, score), (2, 0.5)], dtype=[("n", "i4"), ("score", "f8")])


def masked(mask: bool) -> Any:
    return np.ma.masked_array([1.0, 2.0], [False, mask])


def sparse(value: float) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.sparse_coo_tensor(torch.tensor([[1]]), torch.tensor([value]), (3,))


LONG = "a key that goes on and on until nobody would print all of it in one line "


ONE_HOUR = datetime.timezone(datetime.timedelta(hours=1))


def in_berlin(zone: datetime.tzinfo | None = None) -> datetime.datetime:
    return datetime.datetime(2024, 3, 30, 1, tzinfo=zone or ZoneInfo("Europe/Berlin"))


def two_of_one_list(kind: Callable[[Any], Any]) -> Iterator[Any]:
    held: list[Any] = []
    yield from (kind(held), kind(held))


def of_own_lists(kind: Callable[[Any], Any]) -> Iterator[Any]:
    yield from (kind([]), kind([]))


def two_spots() -> list[Any]:
    held: list[str] = []
    return [Spot(0.5, held), Spot(0.5, held)]


def fixed(found: Any) -> Any:
    found.flags.writeable = False
    return found


def with_gradient(value: float) -> Any:
    found = torch.ones(1, requires_grad=True)
    found.grad = torch.tensor([value])
    return found


def linear(hook: bool = False, learns: bool = False, calls: int | None = None) -> Any:
    torch.manual_seed(1)
    found: Any = torch.nn.Sequential(torch.nn.Linear(2, 1))
    if hook:
        found.register_forward_hook(lambda *_: None)
    if learns:
        found(torch.ones(1, 2)).sum().backward()
    if calls is not None:
        found[0].calls = calls
    return found


def with_attributes() -> Any:
    found = frame()
    found.attrs["unit"] = "m"
    return found


def days(every: str | None = "D") -> Any:
    found = pd.date_range("2020-01-01", periods=3)
    found.freq = every
    return found


CHANGED: dict[str, tuple[Callable[[], Any], Callable[[], Any], str]] = {
    "none": (lambda: None, lambda: 0, "the answer"),
    "whole number": (lambda: 3, lambda: 4, "the answer is 4 (int), expected 3 (int)"),
    "truth for a number": (lambda: 1, lambda: True, "is True (bool), expected 1 (int)"),
    "a NumPy number for Python's": (lambda: 3, lambda: np.int64(3), "expected 3 (int)"),
    "a NumPy float for Python's": (lambda: 0.5, lambda: np.float64(0.5), "numpy.float64"),
    "a float for a whole number": (lambda: 3, lambda: 3.0, "is 3.0 (float), expected 3 (int)"),
    "float": (lambda: 0.5, lambda: 0.25, "the answer is 0.25, expected 0.5"),
    "not a number": (lambda: math.nan, lambda: 0.0, "expected nan"),
    "a number for none": (lambda: 0.0, lambda: math.nan, "is nan"),
    "infinite": (lambda: math.inf, lambda: -math.inf, "is -inf, expected inf"),
    "complex": (lambda: 1 + 2j, lambda: 1 + 3j, ".imag is 3.0, expected 2.0"),
    "text": (lambda: "abc", lambda: "abd", "'abd'"),
    "bytes": (lambda: b"a", lambda: bytearray(b"a"), "bytearray"),
    "enum": (lambda: Colour.RED, lambda: Colour.BLUE, "BLUE"),
    "enum of numbers": (lambda: Rank.LOW, lambda: 1, "is 1 (int)"),
    "path": (lambda: Path("a/b"), lambda: Path("a/c"), "a/c"),
    "path of another system": (lambda: PurePosixPath("a"), lambda: PureWindowsPath("a"), "PureWindowsPath"),
    "path for text": (lambda: "a", lambda: Path("a"), "Path"),
    "date": (lambda: datetime.date(2020, 1, 1), lambda: datetime.date(2020, 1, 2), "2020, 1, 2"),
    "moment for a date": (lambda: datetime.date(2020, 1, 1), lambda: datetime.datetime(2020, 1, 1), "datetime"),
    "one moment in two zones": (
        lambda: datetime.datetime(2020, 1, 1, 1, tzinfo=WINTER),
        lambda: datetime.datetime(2020, 1, 1, 0, tzinfo=UTC),
        "+00:00",
    ),
    "a zone": (lambda: datetime.datetime(2020, 1, 1), lambda: datetime.datetime(2020, 1, 1, tzinfo=UTC), "+00:00"),
    "time of day": (lambda: datetime.time(1, 2), lambda: datetime.time(1, 3), "01:03"),
    "duration": (lambda: datetime.timedelta(1), lambda: datetime.timedelta(2), "days=2"),
    "decimal": (lambda: Decimal("1.5"), lambda: Decimal("1.6"), "1.6"),
    "digits of a decimal": (lambda: Decimal("1.5"), lambda: Decimal("1.50"), "1.50"),
    "fraction": (lambda: Fraction(1, 3), lambda: Fraction(1, 2), "Fraction(1, 2)"),
    "range": (lambda: range(3), lambda: range(4), "range(0, 4)"),
    "list": (lambda: [1, 2], lambda: [1, 3], "[1] is 3 (int), expected 2 (int)"),
    "length": (lambda: [1, 2], lambda: [1, 2, 3], "a list of 3 items, expected a list of 2 items"),
    "order": (lambda: [1, 2], lambda: [2, 1], "[0] is 2"),
    "tuple for a list": (lambda: [1, 2], lambda: (1, 2), "a tuple of 2 items, expected a list of 2 items"),
    "deque": (lambda: deque([1, 2]), lambda: deque([1, 3]), "[1] is 3"),
    "nested": (lambda: {"a": [1, (2, {"b": 3.5})]}, lambda: {"a": [1, (2, {"b": 4.5})]}, "['a'][1][1]['b'] is 4.5"),
    "keys": (lambda: {"a": 1}, lambda: {"b": 1}, "'b'"),
    "order of keys": (lambda: {"a": 1, "b": 2}, lambda: {"b": 2, "a": 1}, "expected"),
    "types of keys": (lambda: {1: "a"}, lambda: {1.0: "a"}, "float"),
    "long keys": (lambda: {LONG + "a": 1, LONG + "b": 2}, lambda: {LONG + "a": 9, LONG + "b": 2}, "is 9 (int)"),
    "counter for a dictionary": (lambda: {"a": 1}, lambda: Counter("a"), "Counter"),
    "ordered for a dictionary": (lambda: {"a": 1}, lambda: OrderedDict(a=1), "OrderedDict"),
    "defaults for a dictionary": (lambda: {"a": 1}, lambda: defaultdict(int, a=1), "defaultdict"),
    "read-only dictionary": (lambda: MappingProxyType({"a": 1}), lambda: MappingProxyType({"a": 2}), "is 2 (int)"),
    "keys of a dictionary": (lambda: {"a": 1, "b": 1}.keys(), lambda: {"b": 1, "a": 1}.keys(), "'b'"),
    "values of a dictionary": (lambda: {"a": 1}.values(), lambda: {"a": 2}.values(), "is 2 (int)"),
    "set": (lambda: {1, 2}, lambda: {1, 3}, "lacks ['2'] and has ['3']"),
    "frozen set": (lambda: {1}, lambda: frozenset({1}), "frozenset"),
    "types in a set": (lambda: {1, 2}, lambda: {True, 2}, "True"),
    "dataclass": (lambda: Spot(0.5), lambda: Spot(1.5), ".x is 1.5, expected 0.5"),
    "list in a dataclass": (lambda: Spot(0.5, ["a"]), lambda: Spot(0.5, ["b"]), ".tags[0] is 'b'"),
    "named tuple": (lambda: Pick(1, 0.5), lambda: Pick(1, 0.75), ".score is 0.75"),
    "another named tuple": (lambda: Pair(1, 2), lambda: Other(1, 2), "named tuple Other"),
    "tuple for a named one": (lambda: Pair(1, 2), lambda: (1, 2), "expected a named tuple Pair"),
    "object": (lambda: Held(1), lambda: Held(2), ".amount is 2"),
    "object of slots": (lambda: Slotted(1), lambda: Slotted(2), ".amount is 2"),
    "inherited slots": (lambda: Inherited(1, 2), lambda: Inherited(3, 2), ".amount is 3"),
    "namespace": (lambda: SimpleNamespace(a=1), lambda: SimpleNamespace(a=2), ".a is 2"),
    "list of a user's": (lambda: UserList([1]), lambda: UserList([2]), ".data[0] is 2"),
    "what a list of a class holds beside": (lambda: Named([1], "a"), lambda: Named([1], "b"), ".name is 'b'"),
    "what a dictionary of a class holds beside": (lambda: Labelled("a"), lambda: Labelled("b"), ".name is 'b'"),
    "generator": (lambda: counting(1, 2), lambda: counting(1, 3), "[1] is 3"),
    "shorter generator": (lambda: counting(1, 2), lambda: counting(1), "[1] is missing"),
    "list for a generator": (lambda: counting(1), lambda: [1], "list"),
    "partial": (lambda: partial(int, base=2), lambda: partial(int, base=3), "3"),
    "pattern": (lambda: re.compile("a"), lambda: re.compile("b"), "'b'"),
    "exception": (lambda: ValueError("a"), lambda: ValueError("b"), "'b'"),
    "function": (lambda: math.sin, lambda: math.cos, "cos"),
    "class": (lambda: int, lambda: str, "str"),
    "array of Python's": (lambda: array("d", [1.0]), lambda: array("d", [2.0]), "[0] is 2.0"),
    "kind of an array of Python's": (lambda: array("i", [1]), lambda: array("l", [1]), "array"),
    "random generator": (lambda: random.Random(1), lambda: random.Random(2), "random.Random"),
    "NumPy's generator": (lambda: np.random.default_rng(1), lambda: np.random.default_rng(2), "['state']"),
    "array": (lambda: np.arange(3), lambda: np.array([0, 1, 3]), "[2] is np.int64(3)"),
    "array of floats": (lambda: np.ones((2, 2)), lambda: np.array([[1, 1], [1, 1.5]]), "[1, 1] is 1.5, expected 1.0"),
    "shape": (lambda: np.ones((2, 3)), lambda: np.ones((3, 2)), "(3, 2)"),
    "dtype": (lambda: np.ones(2), lambda: np.ones(2, np.float32), "float32"),
    "list for an array": (lambda: np.ones(2), lambda: [1.0, 1.0], "list"),
    "an array of one for a number": (lambda: np.float64(1), lambda: np.array(1.0), "numpy.ndarray"),
    "NaN in an array": (lambda: np.array([1, np.nan]), lambda: np.array([1.0, 2.0]), "[1] is 2.0, expected nan"),
    "complex array": (lambda: np.array([1 + 2j]), lambda: np.array([1 + 3j]), ".imag[0] is 3.0"),
    "object array": (lambda: np.array(["a", 1], object), lambda: np.array(["a", 2], object), ".flat[1] is 2"),
    "structured array": (lambda: structured(0.5), lambda: structured(1.5), "['score'][0] is 1.5"),
    "masked array": (lambda: masked(False), lambda: masked(True), "mask[1]"),
    "array of text": (lambda: np.array(["a", "b"]), lambda: np.array(["a", "c"]), "[1] is np.str_('c')"),
    "array of days": (
        lambda: np.array(["2020-01-01", "NaT"], "M8[D]"),
        lambda: np.array(["2020-01-02", "NaT"], "M8[D]"),
        "[0]",
    ),
    "half precision": (lambda: np.ones(2, np.float16), lambda: np.full(2, 1.5, np.float16), "[0] is 1.5"),
    "data type": (lambda: np.dtype("f4"), lambda: np.dtype("f8"), "float64"),
    "tensor": (lambda: torch.ones(2), lambda: torch.tensor([1.0, 2.0]), "[1] is 2.0, expected 1.0"),
    "tensor of whole numbers": (lambda: torch.tensor([1, 2]), lambda: torch.tensor([1, 3]), "[1] is"),
    "tensor's dtype": (lambda: torch.ones(2), lambda: torch.ones(2).double(), "torch.float64"),
    "bfloat16": (lambda: torch.ones(2).bfloat16(), lambda: torch.ones(2).bfloat16() * 2, "[0] is 2.0"),
    "bfloat16 for float32": (lambda: torch.ones(2), lambda: torch.ones(2).bfloat16(), "torch.bfloat16"),
    "grad": (lambda: torch.ones(2), lambda: torch.ones(2, requires_grad=True), "requires_grad"),
    "with grad": (
        lambda: torch.ones(2, requires_grad=True),
        lambda: torch.full((2,), 2.0, requires_grad=True),
        "[0] is 2.0",
    ),
    "parameter": (lambda: torch.ones(1), lambda: torch.nn.Parameter(torch.ones(1), False), "Parameter"),
    "sparse tensor": (lambda: sparse(1.0), lambda: sparse(2.0), "[1] is 2.0"),
    "sparse for dense": (lambda: torch.tensor([0.0, 1.0, 0.0]), lambda: sparse(1.0), "sparse"),
    "complex tensor": (lambda: torch.tensor([1 + 2j]), lambda: torch.tensor([1 + 3j]), "[0, 1] is 3.0"),
    "conjugated tensor": (lambda: torch.tensor([1 + 2j]).conj(), lambda: torch.tensor([1 + 2j]), "[0, 1] is 2.0"),
    "negated view": (lambda: torch.tensor([1 + 2j]).conj().imag, lambda: torch.tensor([2.0]), "[0] is 2.0"),
    "tensor's size": (lambda: torch.Size([1, 2]), lambda: torch.Size([1, 3]), "[1] is 3"),
    "tensor's data type": (lambda: torch.float32, lambda: torch.float64, "float64"),
    "tensor in a dictionary": (lambda: {"w": torch.ones(1)}, lambda: {"w": torch.zeros(1)}, "['w'][0] is 0.0"),
    "frame": (frame, lambda: frame(x=[0.5, 2.5]), "['x'].values[1] is 2.5, expected 1.5"),
    "column's type": (frame, lambda: frame(n=[1.0, 2.0]), "column of float64"),
    "text in a frame": (frame, lambda: frame(word=["a", "c"]), "['word'].1 is 'c'"),
    "missing in a frame": (frame, lambda: frame(word=["a", None]), "['word'].1"),
    "order of rows": (frame, lambda: frame().iloc[::-1], ".index"),
    "order of columns": (frame, lambda: frame()[["x", "n", "word"]], "['x', 'n', 'word']"),
    "columns of one name": (
        lambda: two_columns_of_one_name(1),
        lambda: two_columns_of_one_name(3),
        "expected np.int64(1)",
    ),
    "series": (lambda: pd.Series([1, 2]), lambda: pd.Series([1, 3]), "[1] is"),
    "name of a series": (lambda: pd.Series([1], name="a"), lambda: pd.Series([1], name="b"), "'b'"),
    "categories": (
        lambda: pd.Series(["a"], dtype=pd.CategoricalDtype(["a", "b"])),
        lambda: pd.Series(["a"], dtype=pd.CategoricalDtype(["a", "c"])),
        "'c'",
    ),
    "moment of pandas": (lambda: pd.Timestamp("2020-01-01"), lambda: pd.Timestamp("2020-01-02"), "2020-01-02"),
    "no moment": (lambda: pd.NaT, lambda: pd.Timestamp("2020-01-02"), "2020-01-02"),
    "nullable numbers": (
        lambda: pd.Series([1, None], dtype="Int64"),
        lambda: pd.Series([1, 2], dtype="Int64"),
        "2",
    ),
    "factory of defaults": (lambda: defaultdict(int, a=1), lambda: defaultdict(list, a=1), "list"),
    "no factory of defaults": (lambda: defaultdict(int, a=1), lambda: defaultdict(None, a=1), "None"),
    "length of a deque": (lambda: deque([1, 2]), lambda: deque([1, 2], maxlen=2), "of at most 2"),
    "time zone of one offset": (
        lambda: in_berlin(),
        lambda: in_berlin(ONE_HOUR),
        "Europe/Berlin",
    ),
    "one list in two objects": (lambda: [*of_own_lists(Held)], lambda: [*two_of_one_list(Held)], "another place"),
    "one list in two dataclasses": (lambda: [Spot(0.5, []), Spot(0.5, [])], lambda: two_spots(), "another place"),
    "one list in two objects of slots": (
        lambda: [*of_own_lists(Slotted)],
        lambda: [*two_of_one_list(Slotted)],
        "another place",
    ),
    "one object twice": (lambda: [Held(1), Held(1)], lambda: [Held(1)] * 2, "another place"),
    "array that cannot be written into": (lambda: np.ones(2), lambda: fixed(np.ones(2)), "read-only"),
    "array that overlaps itself": (
        lambda: np.ones((2, 3)),
        lambda: np.lib.stride_tricks.as_strided(np.ones(3), (2, 3), (0, 8)),
        "overlapping itself",
    ),
    "tensor that overlaps itself": (
        lambda: torch.ones(2, 3),
        lambda: torch.ones(3).expand(2, -1),
        "overlapping itself",
    ),
    "gradient of a tensor": (lambda: with_gradient(1.0), lambda: with_gradient(2.0), ".grad[0] is 2.0"),
    "no gradient of a tensor": (lambda: with_gradient(1.0), lambda: torch.ones(1, requires_grad=True), ".grad"),
    "mode of a module": (lambda: linear(), lambda: linear().eval(), "training and hooks"),
    "weights that learn no more": (lambda: linear(), lambda: linear().requires_grad_(False), "requires_grad"),
    "hook of a module": (lambda: linear(), lambda: linear(hook=True), "training and hooks"),
    "gradient of a module": (lambda: linear(), lambda: linear(learns=True), "grad"),
    "attribute of a module": (lambda: linear(), lambda: linear(calls=1), ".calls"),
    "attribute of a part of a module": (lambda: linear(calls=2), lambda: linear(calls=1), ".0.calls is 1"),
    "categories alone": (
        lambda: pd.Categorical(["a"], ["a", "b"]),
        lambda: pd.Categorical(["a"], ["b", "a"]),
        ".categories",
    ),
    "categories in order": (
        lambda: pd.Categorical(["a"], ["a", "b"]),
        lambda: pd.Categorical(["a"], ["a", "b"], ordered=True),
        "in order",
    ),
    "name of the columns": (frame, lambda: frame().rename_axis(columns="c"), "'c'"),
    "attributes of a frame": (frame, lambda: with_attributes(), "attrs"),
    "step of an index": (lambda: days(), lambda: days(None), "every D"),
}
"""What is made, what is made in its place, and words of the refusal."""


@pytest.mark.parametrize("name", CHANGED)
def test_the_same_made_twice_is_the_same(name: str) -> None:
    one, other, _ = CHANGED[name]
    assert difference(one, one) is None
    assert difference(other, other) is None


@pytest.mark.parametrize("name", CHANGED)
def test_one_change_is_told_with_its_place(name: str) -> None:
    one, other, words = CHANGED[name]
    assert words in str(difference(one, other))
    assert difference(other, one) is not None


@pytest.mark.parametrize(
    "make",
    [
        lambda: {float("nan")},
        lambda: Decimal("NaN"),
        lambda: {"a": float("nan")},
        lambda: np.array([np.nan, np.inf, -0.0]),
        lambda: np.array(["NaT"], "M8[s]"),
        lambda: pd.Series([None, 1.5, float("nan")], dtype=object),
        lambda: pd.array([1, None]),
        lambda: torch.tensor([float("nan")]),
    ],
)
def test_what_equals_nothing_is_the_same_as_itself(make: Callable[[], Any]) -> None:
    assert difference(make, make) is None


def test_zeros_of_both_signs_are_one_and_a_small_number_is_not() -> None:
    assert difference(lambda: 0.0, lambda: -0.0) is None
    assert difference(lambda: 0.0, lambda: 1e-300) is not None


def test_classes_of_one_name_from_two_files_are_one_and_other_fields_are_not() -> None:
    def module(amount: int, name: str, fields: str = "amount: int") -> Callable[[], Any]:
        made: dict[str, Any] = {"__name__": name}
        exec(
            "import enum\nfrom dataclasses import dataclass\n"
            f"@dataclass\nclass Sum:\n    {fields}\n"
            "class Kind(enum.Enum):\n    A = 1\n    B = 2\n"
            "class Sums(list): pass\n",
            made,
        )
        return lambda: made["Sums"]([made["Sum"](amount), made["Kind"](amount)])

    assert difference(module(1, "one"), module(1, "two")) is None
    assert "[0].amount is 2" in str(difference(module(1, "one"), module(2, "two")))
    assert "Sum" in str(difference(module(1, "one"), module(1, "two", "total: int")))


def test_a_list_that_holds_itself_ends() -> None:
    assert exact_difference(leaves(holding_itself(1)), leaves(holding_itself(1))) is None
    assert "[2] is 2" in str(exact_difference(leaves(holding_itself(1)), leaves(holding_itself(2))))


def test_a_place_is_written_as_in_python() -> None:
    assert list(leaves({"a": [1, Pick(2, 0.5)]})) == [
        "",
        "['a']",
        "['a'][0]",
        "['a'][1]",
        "['a'][1].at",
        "['a'][1].score",
    ]
