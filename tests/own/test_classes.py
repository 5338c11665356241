"""Classes of a user's own: each is there once, whoever imports it, so that `isinstance` and `is` say what they say."""

import subprocess
import sys
from pathlib import Path

import pytest

from speedproof.own.counter_example import smallest
from speedproof.own.draws import Draw
from speedproof.own.pair import OwnPair

from .asked import asked, refused
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
