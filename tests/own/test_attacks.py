"""What once passed and should not have, and what was refused and is right: one pair for each kind of it."""

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from speedproof.errors import BadInput, NotEquivalent
from speedproof.own import proof
from speedproof.own.asking import check, check_pair
from speedproof.own.pair import OwnPair

Function = Callable[..., Any]


def ints(size: int, rng: Any) -> dict[str, Any]:
    return {"items": [int(rng.integers(0, 100)) for _ in range(size)]}


def floats(size: int, rng: np.random.Generator) -> dict[str, Any]:
    return {"items": rng.standard_normal(size)}


def passes(reference: Function, candidate: Function, make: Function, **options: Any) -> bool:
    """Whether the check passes it; what is neither passed nor refused is an error."""
    try:
        check(reference, candidate, make, seed=3, **options)
    except NotEquivalent:
        return False
    return True


class Loud(float):
    """Says of itself that it equals everything."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = float.__hash__


MEMO: dict[int, int] = {}


def remembered(items: list[int]) -> int:
    if len(items) in MEMO:
        return MEMO[len(items)]
    return sum(items)


def spoils_the_memory(items: list[int]) -> int:
    MEMO[len(items)] = sum(items[:5])
    return MEMO[len(items)]


def chunks_of_sixteen(items: list[int]) -> int:
    whole = sum(sum(items[i : i + 16]) for i in range(0, len(items) // 16 * 16, 16))
    return whole + sum(items[-(len(items) % 16) :])


WRONG: dict[str, tuple[Function, Function, Function]] = {
    "wrong at multiples of sixteen": (lambda items: sum(items), chunks_of_sixteen, ints),
    "another default": (
        lambda items, k=3: [k * one for one in items],
        lambda items, k=4: [k * one for one in items],
        lambda size, rng: {**ints(size, rng), "k": int(rng.integers(9))},
    ),
    "another order of parameters": (
        lambda items, k: [one - k for one in items],
        lambda k, items: [one - k for one in items],
        lambda size, rng: {"k": int(rng.integers(9)), **ints(size, rng)},
    ),
    "rows that are one row": (
        lambda items: [[0] * 3 for _ in items],
        lambda items: [[0] * 3] * len(items),
        ints,
    ),
    "a float that equals everything": (lambda items: float(sum(items)), lambda items: Loud(-1.0), ints),
    "a kind of float": (lambda items: float(sum(items)), lambda items: type("F", (float,), {})(sum(items)), ints),
    "a number where the reference overflows": (
        lambda items: np.exp(1000 * items) / (1 + np.exp(1000 * items)),
        lambda items: np.where(np.abs(items) > 0.7, 7.0, np.exp(1000 * items) / (1 + np.exp(1000 * items))),
        floats,
    ),
    "a reference that takes another way in higher precision": (
        lambda items: items / 2 if items.dtype == np.float64 else items / 2 * np.float32(1.001),
        lambda items: items / 2 * np.float32(1.0025),
        lambda size, rng: {"items": rng.random(size, np.float32)},
    ),
    "what both use is spoilt": (remembered, spoils_the_memory, ints),
}


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_does_not_pass(name: str) -> None:
    MEMO.clear()
    reference, candidate, make = WRONG[name]
    assert not passes(reference, candidate, make)


RIGHT: dict[str, tuple[Function, Function, Function]] = {
    "sums of sevenths of whole numbers": (
        lambda items: sum(one / 7 for one in items),
        lambda items: sum(one / 7 for one in reversed(items)),
        ints,
    ),
    "complex numbers": (
        lambda items: sum(items.tolist(), 0j),
        lambda items: complex(items.sum()),
        lambda size, rng: {"items": rng.standard_normal(size) + 1j * rng.standard_normal(size)},
    ),
    "a deque": (
        lambda items: sum(items),
        lambda items: sum(reversed(items)),
        lambda size, rng: {"items": deque(float(rng.random()) for _ in range(size))},
    ),
    "one unit of bfloat16": (
        lambda items: items + 1,
        lambda items: torch.where(items > 0, (items.float() + 1).bfloat16(), items + 1),
        lambda size, rng: {"items": torch.tensor([rng.random() for _ in range(size)], dtype=torch.bfloat16)},
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_passes(name: str) -> None:
    reference, candidate, make = RIGHT[name]
    assert passes(reference, candidate, make)


@pytest.mark.parametrize(
    "answer",
    [lambda items: (sum(items), lambda: items), lambda items: (sum(items), [*items].append)],
    ids=["a closure", "a method of an object"],
)
def test_what_cannot_be_looked_into_is_judged_neither_way(answer: Function) -> None:
    with pytest.raises((BadInput, NotEquivalent)):
        check(answer, lambda items: answer(items), ints, seed=3)


def test_two_folders_with_modules_of_one_name_get_each_their_own(tmp_path: Path) -> None:
    for name, factor in (("old", 2), ("new", 3), ("same", 2)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "helper.py").write_text(f"FACTOR = {factor}\n")
        (tmp_path / name / "algorithm.py").write_text(
            "import helper\ndef scaled(items):\n    return [helper.FACTOR * one for one in items]\n"
            "def make(size, rng):\n    return {'items': [rng.randrange(1, 9) for _ in range(size)]}\n"
        )

    def pair(other: str) -> OwnPair:
        return OwnPair(
            f"{tmp_path}/old/algorithm.py:scaled",
            f"{tmp_path}/{other}/algorithm.py:scaled",
            f"{tmp_path}/old/algorithm.py:make",
        )

    assert check_pair(pair("same"), seed=1)
    with pytest.raises(NotEquivalent):
        check_pair(pair("new"), seed=1)


def test_a_certificate_is_stale_where_a_module_of_the_package_changed(tmp_path: Path) -> None:
    package = tmp_path / "pkg"
    (package / "sub").mkdir(parents=True)
    for folder in (package, package / "sub"):
        (folder / "__init__.py").touch()
    (package / "util.py").write_text("k = 2\n")
    (package / "slow.py").write_text("def f(items):\n    return [2 * one for one in items]\n")
    (package / "sub" / "fast.py").write_text(
        "from ..util import k\ndef f(items):\n    return [k * one for one in items]\n"
    )
    (tmp_path / "data.py").write_text(
        "def make(size, rng):\n    return {'items': [rng.randrange(9) for _ in range(size)]}\n"
    )
    names = [f"{package}/slow.py:f", f"{package}/sub/fast.py:f", f"{tmp_path}/data.py:make"]
    pair = OwnPair(names[0], names[1], names[2], asked_by=(*names[:2], "--inputs", names[2]))
    checked = check_pair(pair, seed=1)
    proof.write_certificate(tmp_path / "c.json", pair, checked.certificate, None, 1)
    assert proof.verify(tmp_path / "c.json").is_valid
    (package / "util.py").write_text("k = 3\n")
    assert not proof.verify(tmp_path / "c.json").is_valid


def test_a_fault_does_no_harm(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("here")
    removes = f"    if len(items) < 0:\n        os.remove({str(kept)!r})\n"
    source = f"import os\ndef tidy(items):\n{removes}    return sorted(items)\n"
    (tmp_path / "mine.py").write_text(source)
    checked = check_pair(OwnPair(lambda items: sorted(items), f"{tmp_path}/mine.py:tidy", ints), faults=60, seed=1)
    assert checked.faults and checked.faults.n_planted
    assert kept.read_text() == "here"


def test_an_answer_that_holds_itself_is_judged() -> None:
    def endless(items: list[int], last: int) -> list[Any]:
        found: list[Any] = [*items]
        found.append(found)
        return [*found, last] if last else found

    assert passes(lambda items: endless(items, 0), lambda items: endless(items, 0), ints)
    assert not passes(lambda items: endless(items, 0), lambda items: endless(items, 1), ints)
