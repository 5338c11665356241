"""How an answer is built counts: kinds, names, keys, methods. What the definition's own answers leave open does not."""

from dataclasses import dataclass, make_dataclass
from typing import Any, NamedTuple

import pytest

from speedproof.gate.built import objections


class Point(NamedTuple):
    x: int
    label: str


class Alike(NamedTuple):
    x: int
    label: str


class Longer(NamedTuple):
    x: int
    label: str
    more: int


@dataclass(frozen=True)
class Table:
    rows: tuple[int, ...]

    def total(self) -> int:
        return sum(self.rows)


@dataclass(frozen=True)
class SameTable:
    rows: tuple[int, ...]

    def total(self) -> int:
        return sum(row for row in self.rows)


@dataclass(frozen=True)
class OtherTotal:
    rows: tuple[int, ...]

    def total(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class FailingTotal:
    rows: tuple[int, ...]

    def total(self) -> int:
        raise KeyError("rows")


Bare = make_dataclass("Bare", [("rows", tuple)])
Wider = make_dataclass("Wider", [("rows", tuple), ("more", int)], namespace={"total": lambda self: sum(self.rows)})

RIGHT: list[tuple[Any, list[Any]]] = [
    (1, [2]),
    ([1, 2], [[3]]),
    ([], [[1]]),
    ([1], [[]]),
    ((), [(1, 2)]),
    (Point(1, "a"), [Point(2, "b")]),
    (Alike(1, "a"), [Point(2, "b")]),
    ({"a": 1}, [{"b": 2}]),
    (None, [1]),
    (1, [None]),
    ([None, 1], [[None, 2]]),
    ((True, None), [(False, None), (True, "a")]),
    (SameTable((1, 2)), [Table((3,))]),
]
WRONG: list[tuple[Any, list[Any], str, str]] = [
    (1.0, [2], "type", "1.0 of type float, expected 2 of type int"),
    (True, [2], "type", "True of type bool"),
    ((1,), [[1]], "type", "of type tuple"),
    ([1, 2.0], [[1]], "type", r"output\[1\]"),
    ({"a": "1"}, [{"a": 1}], "type", r"output\['a'\]"),
    ((1, "a"), [Point(1, "a")], "type", r"expected a Point \(named tuple\) of x, label"),
    (Longer(1, "a", 2), [Point(1, "a")], "type", r"a Longer \(named tuple\) of x, label, more"),
    (Point("1", "a"), [Point(1, "a")], "type", r"output\.x"),  # type: ignore[arg-type]
    (((1, "a"),), [((1, 2),)], "type", r"output\[0\]\[1\]|output\[0\]"),
    (Wider((1,), 2), [Table((1,))], "type", r"a Wider \(dataclass\) of rows, more"),
    (Bare((1,)), [Table((1,))], "methods", r"Bare, which has no method total\(\)"),
    (OtherTotal((3,)), [Table((1,))], "methods", "says something else"),
    (FailingTotal((3,)), [Table((1,))], "methods", "raised KeyError"),
]


@pytest.mark.parametrize(("value", "examples"), RIGHT, ids=repr)
def test_what_is_built_like_an_answer_of_the_definition_is_let_pass(value: Any, examples: list[Any]) -> None:
    assert [str(objection) for objection in objections(value, examples)] == []


@pytest.mark.parametrize(("value", "examples", "rule", "words"), WRONG, ids=repr)
def test_what_is_built_otherwise_is_not(value: Any, examples: list[Any], rule: str, words: str) -> None:
    import re

    found = list(objections(value, examples))
    assert [objection.rule for objection in found] == [rule] and re.search(words, str(found[0])), found


def test_attributes_that_were_added_to_a_row_are_seen() -> None:
    @dataclass
    class Open:
        rows: tuple[int, ...]

    one, other = Open((1,)), Open((1,))
    other.note = "more"  # type: ignore[attr-defined]
    assert not list(objections(one, [one])) and list(objections(other, [one]))
