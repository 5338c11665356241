"""Faults planted in the user's own candidate: seen where the inputs are good, told by line where they are too tame."""

import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from speedproof.own import planting
from speedproof.own.faults import faults_of
from speedproof.own.planting import Seen, plant
from speedproof.pairs import files
from speedproof.records.kinds import Faulted

from .asked import asked

MOST = 60
DEDUPE = """\
def dedupe(items):
    seen = set()
    found = []
    for item in items:
        if item in seen:
            continue
        seen.add(item)
        found.append(item)
    return found
"""
RARE = """\
def total(items):
    if len(items) > 1000:
        return sum(items) - 1
    made = 0
    for item in items:
        made += item
    return made
"""
HELPED = """\
FACTOR = 3


def scaled(item):
    return item * FACTOR


class Scale:
    def by_two(self, item):
        return item * 2


def both(items):
    def inner(item):
        return scaled(item) + 1
    return [inner(item) for item in items]
"""
HANGING = """\
import os


def counted(items):
    i = 0
    while i < len(items):
        i += 1
    if i < 0:
        os._exit(3)
    return i
"""
SILENT = '''\
def told(items: list[int], factor: int = 2) -> str:
    """A text, with numbers 1 and 2 in it."""
    assert factor != 5, "not 5"
    if factor == 7:
        raise ValueError(f"{factor + 1}")
    return f"{items}"
'''


def firsts(items: list[int]) -> list[int]:
    return list(dict.fromkeys(items))


def with_repeats(size: int, rng: random.Random) -> dict[str, Any]:
    return {"items": [rng.randrange(max(size // 2, 1)) for _ in range(size)]}


def without_repeats(size: int, rng: random.Random) -> dict[str, Any]:
    return {"items": rng.sample(range(1000), size)}


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, str], Callable[..., Any]]:
    """The function of that name in a file of that text."""

    def write(text: str, name: str) -> Callable[..., Any]:
        path = tmp_path / f"{name}.py"
        path.write_text(text, encoding="utf-8")
        found: Callable[..., Any] = files.load(f"{path}:{name}")
        return found

    return write


Write = Callable[[str, str], Callable[..., Any]]


def planted(reference: Callable[..., Any], candidate: Callable[..., Any], inputs: Any, most: int = MOST) -> Faulted:
    found = asked(reference, candidate, inputs, sizes=(0, 1, 5, 8), faults=most).faults
    assert found is not None
    return found


def test_all_are_seen_where_the_inputs_are_good(written: Write) -> None:
    found = planted(firsts, written(DEDUPE, "dedupe"), with_repeats)
    assert found.n_planted == found.n_possible >= 5
    assert found.n_seen == found.n_planted and not found.unseen and not found.unreached


def test_where_the_inputs_are_too_tame_the_line_is_told(written: Write) -> None:
    found = planted(firsts, written(DEDUPE, "dedupe"), without_repeats)
    assert found.n_seen < found.n_planted
    assert "line 7: seen.add(item) -> pass" in found.unseen
    assert any("line 6" in one for one in (*found.unseen, *found.unreached))


def test_lines_that_nothing_reaches_are_told(written: Write) -> None:
    found = planted(sum_of, written(RARE, "total"), with_repeats)
    assert found.unreached == ("line 3",)
    assert not any("line 3" in one for one in found.unseen)


def sum_of(items: list[int]) -> int:
    return sum(items)


def test_a_fault_that_hangs_or_exits_is_seen(written: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planting, "SHORTEST_S", 0.3)
    monkeypatch.setattr(planting, "SLOWER", 0.0)
    found = planted(len, written(HANGING, "counted"), with_repeats)
    assert not any("line 7" in one for one in found.unseen)
    assert not any("if" in one for one in found.unseen)


def test_helpers_of_the_same_file_get_faults_too_and_inner_functions(written: Write) -> None:
    possible, why_none = faults_of(written(HELPED, "both"))
    assert not why_none
    assert {one.line for one in possible} == {5, 15, 16}
    assert {one.function for one in possible} == {"both", "scaled"}


def test_methods_get_faults(tmp_path: Path) -> None:
    path = tmp_path / "helped.py"
    path.write_text(HELPED, encoding="utf-8")
    possible, _ = faults_of(files.load(f"{path}:Scale.by_two"))
    assert {one.function for one in possible} == {"Scale.by_two"} and {one.line for one in possible} == {10}
    assert "line 10: item * 2 -> item / 2" in [one.words for one in possible]


def test_what_is_only_said_gets_no_fault(written: Write) -> None:
    told = written(SILENT, "told")
    lines = [one.line for one in faults_of(told)[0]]
    assert 3 not in lines and 5 not in lines and 2 not in lines
    assert set(lines) == {4, 6}


def test_nothing_is_left_in_this_process(written: Write) -> None:
    candidate = written(DEDUPE, "dedupe")
    code, children = candidate.__code__, set(psutil.Process().children())
    open_before = set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()
    planted(firsts, candidate, with_repeats)
    assert candidate.__code__ is code
    assert candidate(items=[1, 1, 2]) == [1, 2]
    assert set(psutil.Process().children()) == children
    assert not open_before or set(os.listdir("/proc/self/fd")) == open_before


def test_no_more_than_so_many_are_planted_and_how_many_could_be_is_told(written: Write) -> None:
    found = planted(firsts, written(DEDUPE, "dedupe"), with_repeats, most=3)
    assert found.n_planted <= 3 < found.n_possible


def test_none_is_planted_without_source_or_without_time(written: Write) -> None:
    assert "the candidate" in planted(sum_of, sum, with_repeats).why_none
    empty = written("def none(items):\n    pass\n", "none")
    assert "nothing in the candidate" in faults_of(empty)[1]
    found = plant(written(DEDUPE, "dedupe"), lambda: True, lambda: None, 0.1, 0.0)
    assert found == Seen(0, 0, (), (), n_possible=found.n_possible) and found.n_possible > 0


def test_a_check_that_passes_everything_sees_no_fault_and_one_that_passes_nothing_sees_all(written: Write) -> None:
    dedupe = written(DEDUPE, "dedupe")

    def run() -> None:
        dedupe([1, 1, 2])

    blind = plant(dedupe, lambda: True, run, 0.1, 30.0)
    assert blind.n_seen == 0 and len(blind.unseen) == blind.n_planted > 0
    as_written = dedupe.__code__
    strict = plant(dedupe, lambda: dedupe.__code__ is as_written, run, 0.1, 30.0)
    assert strict.n_seen == strict.n_planted == blind.n_planted and not strict.unseen


def test_a_decorated_function_is_planted_in_itself(written: Write) -> None:
    text = "import functools\n\n\n@functools.lru_cache\ndef twice(n):\n    return n * 2\n"
    possible, why_none = faults_of(written(text, "twice"))
    assert not why_none and {one.line for one in possible} == {6}


def test_text_is_not_taken_away_from_text(written: Write) -> None:
    text = "def greeted(name):\n    made = 'hello '\n    return 'hello ' + name + '!'\n"
    words = [one.words for one in faults_of(written(text, "greeted"))[0]]
    assert not any(" - " in one for one in words)


def test_the_words_of_a_check_tell_what_was_seen(written: Write) -> None:
    found = asked(firsts, written(DEDUPE, "dedupe"), with_repeats, sizes=(0, 1, 5), faults=2)
    assert f"{found.faults.n_seen} of {found.faults.n_planted} planted faults seen" in str(found)  # type: ignore[union-attr]
    assert "planted" not in str(asked(firsts, written(DEDUPE, "dedupe"), with_repeats, sizes=(0, 1, 5)))


def with_threads_of_its_own(items: list[int]) -> int:
    """As a library that starts its threads once, and waits for them in a fork for ever."""
    if os.getpid() != STARTED_IN:
        time.sleep(60)
    return sum(items)


STARTED_IN = os.getpid()


def test_where_libraries_do_not_survive_a_fork_no_fault_is_planted_and_that_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(planting, "SHORTEST_S", 0.5)
    monkeypatch.setattr(planting, "SLOWER", 0.1)
    found = planted(sum_of, with_threads_of_its_own, with_repeats)
    assert found.n_planted == 0 and "threads of their own" in found.why_none
