"""Classes of a user's own: each is there once, whoever imports it, so that `isinstance` and `is` say what they say."""

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from speedproof.errors import BadInput
from speedproof.own.asking import check_pair
from speedproof.own.counter_example import smallest
from speedproof.own.draws import Draw
from speedproof.own.pair import OwnPair
from speedproof.pairs import files
from speedproof.pairs.carrying import carried

from .asked import asked, refused, unsound
from .test_files import git, own_place, write

__all__ = ["own_place"]

SHAPES = """\
from enum import Enum


class Kind(Enum):
    ROUND = 0
    SQUARE = 1


class Shape:
    def __init__(self, size):
        self.size = size


class Circle(Shape):
    pass


def area(shapes):
    return sum(3 * one.size if isinstance(one, Circle) else one.size for one in shapes)


def area_of_squares(shapes):
    return sum(one.size for one in shapes)


def rounds(kinds):
    return len(kinds), [1 if one is Kind.ROUND else 0 for one in kinds]


def no_rounds(kinds):
    return len(kinds), [0 for one in kinds]
"""
DATA = """\
from {module} import Circle, Kind, Shape


def shapes(size, rng):
    return {{"shapes": [rng.choice([Circle, Shape])(rng.randrange(1, 9)) for _ in range(size)]}}


def kinds(size, rng):
    return {{"kinds": [rng.choice([*Kind]) for _ in range(size)]}}
"""
SECOND = """\
from first import Kind


def rounds(kinds):
    return len(kinds), [int(one is Kind.ROUND) for one in kinds]
"""
BAGS = """\
class Bag:
    def __init__(self, items):
        self.items = items
"""
WRONG = [("area", "area_of_squares", "shapes"), ("rounds", "no_rounds", "kinds")]


@pytest.mark.parametrize("reference, candidate, make", WRONG)
@pytest.mark.parametrize("form", ["{}.py:", "{}:"])
def test_a_wrong_one_is_refused_where_another_file_makes_the_objects(
    tmp_path: Path, form: str, reference: str, candidate: str, make: str
) -> None:
    write(tmp_path / f"shapes_{make}.py", SHAPES)
    write(tmp_path / f"data_{make}.py", DATA.format(module=f"shapes_{make}"))
    shapes, data = form.format(f"shapes_{make}"), form.format(f"data_{make}")

    assert refused(f"{shapes}{reference}", f"{shapes}{candidate}", f"{data}{make}")
    assert asked(f"{shapes}{reference}", f"{shapes}{reference}", f"{data}{make}")


def test_a_right_one_of_another_file_passes(tmp_path: Path) -> None:
    write(tmp_path / "first.py", SHAPES)
    write(tmp_path / "second.py", SECOND)
    write(tmp_path / "made.py", DATA.format(module="first"))

    assert asked("first.py:rounds", "second.py:rounds", "made.py:kinds")


def test_a_commits_modules_are_found_by_its_own_functions_alone(tmp_path: Path) -> None:
    """Two of its files are asked for, and one of them imports what only the other needs."""
    folder = tmp_path / "repository"
    write(
        folder / "doubling.py",
        "def f(items):\n    from by_two import times\n    return [times(one) for one in items]\n",
    )
    write(folder / "by_two.py", "def times(one):\n    return 2 * one\n")
    write(
        folder / "sub/filling.py", "import by_two_too\n\n\ndef make(size, rng):\n    return {'items': [*range(size)]}\n"
    )
    write(folder / "sub/by_two_too.py", "def times(one):\n    return 2 * one\n")
    write(
        folder / "sub/late.py",
        "def g(items):\n    from by_two_too import times\n    return [times(one) for one in items]\n",
    )
    git(folder, "init")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "by two")
    names = (f"HEAD:{folder}/doubling.py:f", f"{folder}/sub/late.py:g", f"HEAD:{folder}/sub/filling.py:make")

    write(folder / "sub/by_two_too.py", "def times(one):\n    return 3 * one\n")
    assert refused(*names)


def test_a_counter_example_loads_the_file_that_its_objects_are_of(tmp_path: Path) -> None:
    write(tmp_path / "bags.py", BAGS)
    write(
        tmp_path / "bagged.py",
        "from bags import Bag\n\n\ndef make(size, rng):\n    return {'bag': Bag([*range(size)])}\n",
    )
    write(tmp_path / "counted.py", "def f(bag):\n    return len(bag.items)\n\n\ndef g(bag):\n    return 0\n")
    pair = OwnPair("counted.py:f", "counted.py:g", "bagged.py:make")

    found = smallest(pair, Draw(pair.source, 5, 0))
    shown = subprocess.run([sys.executable, "-"], input=found.file, cwd="/", capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("reference: 1\n") and "\ncandidate: 0\n" in shown.stdout


POINTS = """\
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

import numpy as np


class Kind(Enum):
    ROUND = "round"
    SQUARE = "square"


@dataclass(frozen=True)
class Point:
    x: float
    kind: Kind
    beside: "Point | None" = None


class Pair(NamedTuple):
    one: Point
    other: Point


@dataclass
class Box:
    points: list[Point]
    weights: np.ndarray
    seen: set = field(default_factory=set)


def make(size, rng):
    points = [Point(float(rng.integers(9)), list(Kind)[int(rng.integers(2))]) for _ in range(size)]
    linked = [Point(p.x, p.kind, q) for p, q in zip(points, points[1:] + points[:1])]
    return {"box": Box(linked, rng.normal(size=size)), "pairs": {i: Pair(p, p) for i, p in enumerate(linked)}}


def total(box, pairs):
    assert isinstance(box, Box) and all(isinstance(p, Point) and isinstance(p.kind, Kind) for p in box.points)
    assert all(isinstance(pair, Pair) and pair.one is pair.other for pair in pairs.values())
    rounds = sum(p.x for p in box.points if p.kind is Kind.ROUND)
    box.seen.add(Kind.ROUND)
    return rounds, [p for p in box.points if p.kind is Kind.SQUARE]
"""


def committed(file: Path, text: str) -> Path:
    """A file in a repository of its own, which has it in its one commit."""
    write(file, text)
    git(file.parent, "init")
    git(file.parent, "add", ".")
    git(file.parent, "commit", "-m", "first")
    return file


@pytest.fixture
def points(tmp_path: Path) -> Path:
    """A repository whose function tells its arguments by classes of its own file; today's file is changed a little."""
    file = committed(tmp_path / "of_points/points.py", POINTS)
    write(file, POINTS.replace("rounds = sum(", "rounds = 0 + sum("))
    return file


def test_a_commits_function_gets_objects_of_its_own_classes(points: Path) -> None:
    today, then = f"{points}:total", f"HEAD:{points}:total"
    for sides in ((then, today), (today, then), (then, then)):
        assert asked(*sides, f"{points}:make", sizes=(0, 1, 5))


def test_what_differs_between_a_commit_and_today_is_seen_through_its_classes(points: Path) -> None:
    write(points, POINTS.replace("p.kind is Kind.ROUND)", "p.kind is not Kind.ROUND)"))
    told = refused(f"HEAD:{points}:total", f"{points}:total", f"{points}:make", sizes=(5,))
    assert "[0]" in str(told)


def test_what_differs_in_what_becomes_of_them_is_seen_too(points: Path) -> None:
    write(points, POINTS.replace("    box.seen.add(Kind.ROUND)\n", ""))
    told = refused(f"HEAD:{points}:total", f"{points}:total", f"{points}:make", sizes=(5,))
    assert "leaves its arguments otherwise than the reference does: argument 'box'" in str(told)


def test_a_commit_without_a_class_gets_todays(points: Path) -> None:
    """What the commit had no name for it cannot tell by name."""
    text = POINTS.replace("def make", "class Late(Point):\n    pass\n\n\ndef make")
    write(points, text.replace("linked = [Point(", "linked = [Late("))
    told = unsound(f"HEAD:{points}:total", f"{points}:total", f"{points}:make", sizes=(5,))
    assert "raises on all inputs that it was asked about: AssertionError" in told


@pytest.mark.parametrize("value", [[1, 2.5, "three"], {"a": (1, None)}, np.arange(3.0)[::-1], lambda x: x])
def test_what_is_of_no_class_of_the_tree_is_handed_on_as_it_is(points: Path, value: object) -> None:
    then = files.tree_of(f"HEAD:{points}:total")
    assert then and carried({"value": value}, None, then)["value"] is value


def test_arrays_beside_objects_of_the_tree_keep_their_layout(points: Path) -> None:
    then = files.tree_of(f"HEAD:{points}:total")
    box = files.load(f"{points}:Box")([], np.arange(6.0)[::2])
    found = carried({"box": box}, None, then)["box"]
    assert type(found) is not type(box) and found.weights is box.weights
    assert type(carried({"box": found}, then, None)["box"]) is type(box)


def test_what_cannot_be_taken_apart_is_handed_on_as_it_is_beside_what_can(points: Path, tmp_path: Path) -> None:
    then = files.tree_of(f"HEAD:{points}:total")
    numbers, lock = (one for one in (1, 2)), threading.Lock()
    with open(tmp_path / "open", "w") as file:
        box = files.load(f"{points}:Box")([file, lock], np.arange(3.0))
        found = carried({"box": box, "numbers": numbers}, None, then)
    assert type(found["box"]) is not type(box)
    assert found["box"].points[0] is file and found["box"].points[1] is lock and found["numbers"] is numbers


def test_an_iterator_over_objects_of_the_tree_gives_the_commits(points: Path) -> None:
    then = files.tree_of(f"HEAD:{points}:total")
    point, kind = files.load(f"{points}:Point"), files.load(f"{points}:Kind")
    given = iter([point(1.0, kind.ROUND), point(2.0, kind.SQUARE)])
    found = [*carried({"points": given}, None, then)["points"]]
    assert [one.x for one in found] == [1.0, 2.0] and type(found[0]) is not point and len([*given]) == 2


def test_what_cannot_be_built_of_the_commits_class_is_told(points: Path) -> None:
    write(points, POINTS.replace("    other: Point\n", "    other: Point\n    third: int = 0\n"))
    pair = OwnPair(f"HEAD:{points}:total", f"{points}:total", f"{points}:make", sizes=(5,))
    with pytest.raises(BadInput):
        check_pair(pair, seed=1)
    assert "TypeError" in next(iter(pair.not_carried))


NAMED = """\
import enum
import functools

MISSING = object()


class Kind(enum.Enum):
    RED = enum.auto()
    BLUE = enum.auto()


class Flags(enum.Flag):
    A = 1
    B = 2


class Total:
    def __init__(self, v):
        self.v = v

    @functools.cached_property
    def t(self):
        return self.v + 1


def make(size, rng):
    one = Total(size)
    one.t
    flags = rng.choice([Flags.A, Flags.A | Flags.B])
    return {"kind": rng.choice([*Kind]), "flags": flags, "total": one, "or_not": MISSING}


def f(kind, flags, total, or_not):
    return kind.name, kind.value, flags.value, or_not is MISSING


def g(kind, flags, total, or_not):
    return kind.name, total.t
"""


def test_members_go_by_name_and_constants_by_place_and_what_was_worked_out_stays_behind(tmp_path: Path) -> None:
    file = committed(tmp_path / "of_names/names.py", NAMED)
    turned = NAMED.replace("RED = enum.auto()\n    BLUE = enum.auto()", "BLUE = enum.auto()\n    RED = enum.auto()")
    write(file, turned.replace("self.v + 1", "self.v + 2"))

    assert asked(f"HEAD:{file}:f", f"HEAD:{file}:f", f"{file}:make", sizes=(1, 5))
    assert "[1]" in str(refused(f"HEAD:{file}:f", f"{file}:f", f"{file}:make", sizes=(1, 5)))
    assert "[1]" in str(refused(f"HEAD:{file}:g", f"{file}:g", f"{file}:make", sizes=(1, 5)))
