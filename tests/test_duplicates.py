"""The detector of functions that are defined twice."""

import json
from pathlib import Path

import pytest

from bench.duplicates import find_duplicates
from bench.errors import BadInput

ROOT = Path(__file__).parent.parent


def found(tmp_path: Path, source: str) -> list[str]:
    path = tmp_path / "some.py"
    path.write_text(source)
    return [duplicate.name for duplicate in find_duplicates([path])]


def test_the_definition_of_finding_4_has_one_and_the_batched_twin_none() -> None:
    (duplicate,) = find_duplicates([ROOT / "impl_sequential/feature_links.py"])
    assert duplicate.name == "neuronpedia_link"
    assert find_duplicates([ROOT / "impl_batched/feature_links.py"]) == []


def test_a_nested_shadow_is_seen_whatever_its_local_names_docstring_and_types(tmp_path: Path) -> None:
    first = "def f(a):\n    b = a + 1\n    return b\n"
    second = "def g():\n    def f(x: int) -> int:\n        'Doc.'\n        y = x + 1\n        return y\n"
    assert found(tmp_path, first + second) == ["f"]


@pytest.mark.parametrize(
    "second",
    [
        "def f(a): return a + 2",
        "def f(a, b=1): return a + 1",
        "@cache\ndef f(a): return a + 1",
        "def h(a): return a + 1",
        "def f(a): return outer + 1",
        "class C:\n    def f(a): return a + 1",
    ],
)
def test_functions_that_mean_something_else_are_not_duplicates(tmp_path: Path, second: str) -> None:
    assert found(tmp_path, f"def f(a): return a + 1\n{second}\n") == []


def test_notebooks_are_read_across_cells(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["def f(): pass"]},
        {"cell_type": "code", "source": ["%pip install x\n", "def f(a):\n", "    return a\n"]},
        {"cell_type": "code", "source": ["%%bash\n", "echo no python\n"]},
        {"cell_type": "code", "source": "def table():\n    def f(b):\n        return b\n"},
    ]
    path = tmp_path / "phase_3.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    (duplicate,) = find_duplicates([tmp_path])
    assert (duplicate.first, duplicate.again) == (f"{path}:cell 2:2", f"{path}:cell 4:2")


def test_what_is_no_python_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not Python"):
        found(tmp_path, "def f(:\n")
    with pytest.raises(BadInput, match="There is no"):
        find_duplicates([tmp_path / "absent.py"])
    (tmp_path / "broken.ipynb").write_text("{")
    with pytest.raises(BadInput, match="cannot be read"):
        find_duplicates([tmp_path / "broken.ipynb"])
