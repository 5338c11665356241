"""Beyond the return value: the candidate does to arguments, state and memory what the reference does."""

import functools
import math
import os
import random
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch

from speedproof.errors import BadInput, NotEquivalent
from speedproof.own.effects.random_numbers import random_marks

from .asked import asked, refused, unsound

Function = Callable[..., Any]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In a folder of its own, since functions here write files and leave for other folders."""
    monkeypatch.chdir(tmp_path)
    yield


def numbers(size: int, rng: random.Random) -> dict[str, Any]:
    return {"items": [rng.randrange(1, 100) for _ in range(size)]}


def arrays(size: int, rng: np.random.Generator) -> dict[str, Any]:
    return {"items": rng.standard_normal(size)}


def tensors(size: int, rng: torch.Generator) -> dict[str, Any]:
    return {"items": torch.rand(size, generator=rng, dtype=torch.float32)}


def total(items: Any) -> Any:
    return sum(items)


def doubled(items: Any) -> Any:
    return items * 2


# Arguments.


def sorted_in_place(items: list[int]) -> int:
    items.sort()
    return sum(items)


def sorted_in_place_by_hand(items: list[int]) -> int:
    for i in range(len(items)):
        for j in range(i):
            if items[j] > items[i]:
                items[i], items[j] = items[j], items[i]
    return sum(items)


def test_who_changes_arguments_as_the_reference_does_passes_and_who_does_so_alone_does_not() -> None:
    asked(sorted_in_place, sorted_in_place_by_hand, numbers)
    found = refused(total, sorted_in_place, numbers)
    assert found.rule == "inputs" and "changes its arguments: argument 'items'[0]" in str(found)


def test_who_changes_arguments_otherwise_or_not_at_all_is_refused() -> None:
    def in_reverse(items: list[int]) -> int:
        items.sort(reverse=True)
        return sum(items)

    for candidate in (in_reverse, total):
        found = refused(sorted_in_place, candidate, numbers)
        assert found.rule == "inputs" and "argument 'items'" in str(found)


def test_an_array_that_is_changed_in_place_is_seen() -> None:
    def in_place(items: Any) -> Any:
        items *= 2
        return items.copy()

    assert refused(doubled, in_place, arrays).rule == "inputs"
    asked(in_place, in_place, arrays)


def test_what_is_changed_deep_inside_is_seen() -> None:
    def make(size: int, rng: random.Random) -> dict[str, Any]:
        return {"items": {"rows": [[rng.randrange(9)] for _ in range(size)]}}

    def first(items: Any) -> Any:
        return [row[0] for row in items["rows"]]

    def popped(items: Any) -> Any:
        return [row.pop() for row in items["rows"]]

    assert "['rows'][0]" in str(refused(first, popped, make))


# Exceptions.


def first_or_error(items: list[int]) -> int:
    if not items:
        raise ValueError("no items")
    return items[0]


def first_or_other_words(items: list[int]) -> int:
    if not items:
        raise ValueError("nothing there")
    return items[0]


def first_or_other_error(items: list[int]) -> int:
    return items[0]


def first_or_nothing(items: list[int]) -> Any:
    return items[0] if items else None


@pytest.mark.parametrize(
    ("exceptions", "candidate", "passes"),
    [
        ("type", first_or_other_words, True),
        ("type", first_or_other_error, False),
        ("text", first_or_other_words, False),
        ("text", first_or_error, True),
        ("any", first_or_other_error, True),
        ("any", first_or_nothing, False),
    ],
)
def test_what_the_reference_refuses_the_candidate_must_refuse(
    exceptions: Any, candidate: Function, passes: bool
) -> None:
    if passes:
        asked(first_or_error, candidate, numbers, exceptions=exceptions)
    else:
        assert refused(first_or_error, candidate, numbers, exceptions=exceptions).rule == "refusals"


def test_who_raises_where_the_reference_answers_is_refused() -> None:
    found = refused(first_or_nothing, first_or_error, numbers)
    assert found.rule == "raises" and "raised ValueError: no items" in str(found)


def test_arguments_that_are_changed_before_an_exception_count_too() -> None:
    def clearing(items: list[int]) -> int:
        found = list(items)
        if len(items) == 2:
            items.clear()
            raise ValueError("two")
        return found[0] if found else 0

    def not_clearing(items: list[int]) -> int:
        if len(items) == 2:
            raise ValueError("two")
        return items[0] if items else 0

    asked(clearing, clearing, numbers, sizes=(1, 2, 5))
    assert refused(not_clearing, clearing, numbers, sizes=(1, 2, 5)).rule == "inputs"


def test_there_is_no_fourth_way_to_compare_exceptions() -> None:
    with pytest.raises(BadInput, match="Expected type, text or any"):
        asked(total, total, numbers, exceptions="message")


# Random numbers.


def shuffled(items: list[int]) -> list[int]:
    found = list(items)
    random.shuffle(found)
    return found


def shuffled_by_hand(items: list[int]) -> list[int]:
    found = list(items)
    for i in reversed(range(1, len(found))):
        j = random._inst._randbelow(i + 1)  # type: ignore[attr-defined]
        found[i], found[j] = found[j], found[i]
    return found


def shuffled_and_one_more(items: list[int]) -> list[int]:
    found = shuffled(items)
    random.random()
    return found


def jittered(items: Any) -> Any:
    return items + np.random.standard_normal(items.shape)


def jittered_and_one_more(items: Any) -> Any:
    found = jittered(items)
    np.random.random()
    return found


def dropped(items: torch.Tensor) -> torch.Tensor:
    return items * torch.rand(items.shape)


def dropped_and_one_more(items: torch.Tensor) -> torch.Tensor:
    found = dropped(items)
    torch.rand(1)
    return found


@pytest.mark.parametrize(
    ("reference", "same", "one_more", "make"),
    [
        (shuffled, shuffled_by_hand, shuffled_and_one_more, numbers),
        (jittered, lambda items: np.random.standard_normal(items.shape) + items, jittered_and_one_more, arrays),
        (dropped, lambda items: torch.rand(items.shape) * items, dropped_and_one_more, tensors),
    ],
)
def test_random_numbers_are_drawn_as_the_reference_draws_them(
    reference: Function, same: Function, one_more: Function, make: Function
) -> None:
    asked(reference, same, make)
    assert "draws other numbers" in str(refused(reference, one_more, make))


def test_who_alone_draws_random_numbers_is_refused() -> None:
    def drawing(items: list[int]) -> int:
        random.random()
        return sum(items)

    assert "random" in refused(total, drawing, numbers).rule
    assert random.Random(1).random() == random.Random(1).random()


def test_a_check_leaves_the_random_numbers_where_they_were() -> None:
    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    before = random_marks()
    asked(shuffled, shuffled_by_hand, numbers)
    refused(jittered, jittered_and_one_more, arrays)
    refused(dropped, dropped_and_one_more, tensors)
    assert random_marks() == before
    random.random()
    assert random_marks() != before


# State of the process.


class Leaving(NamedTuple):
    """What a call leaves changed, and the aspect that says so."""

    aspect: str
    leave: Callable[[], Any]
    make: Function = numbers


ended = threading.Event()
kept: list[Any] = []


def left_thread() -> None:
    kept.append(threading.Thread(target=ended.wait))
    kept[-1].start()


LEFT = (
    Leaving("environment variables", lambda: os.environ.update(SPEEDPROOF_TRIED=str(len(os.environ)))),
    Leaving("working directory", lambda: os.chdir("/")),
    Leaving("warnings filters", lambda: warnings.filterwarnings("ignore", message=f"no {len(warnings.filters)}")),
    Leaving("numpy error state", lambda: np.seterr(under="raise"), arrays),
    Leaving("interpreter limits", lambda: sys.setrecursionlimit(sys.getrecursionlimit() + 1)),
    Leaving("files", lambda: Path("left.txt").write_text("left")),
    Leaving("open files", lambda: kept.append(open(__file__))),
    Leaving("running threads", left_thread),
    Leaving("python random state", lambda: random.random()),
    Leaving("numpy random state", lambda: np.random.random(), arrays),
    Leaving("torch random state", lambda: torch.rand(1), tensors),
    Leaving("grad mode", lambda: torch.set_grad_enabled(False), tensors),
    Leaving("default dtype", lambda: torch.set_default_dtype(torch.float64), tensors),
)


def leaving(leave: Callable[[], Any], items: Any) -> Any:
    found = total(items)
    leave()
    return found


@pytest.fixture
def closed() -> Iterator[None]:
    yield
    ended.set()
    while kept:
        one = kept.pop()
        (one.join if isinstance(one, threading.Thread) else one.close)()
    ended.clear()


@pytest.mark.usefixtures("closed")
@pytest.mark.parametrize("left", LEFT, ids=lambda left: left.aspect)
def test_what_a_candidate_leaves_behind_is_refused_and_can_be_waived_with_a_reason(left: Leaving) -> None:
    candidate = partial(leaving, left.leave)
    found = refused(total, candidate, left.make, sizes=(2, 3))
    assert left.aspect in str(found) or "draws other numbers" in str(found)
    if "random" not in left.aspect:
        assert found.rule == left.aspect and f'--allow "{left.aspect}: WHY"' in str(found)
        told = asked(total, candidate, left.make, sizes=(2, 3), allow=[f"{left.aspect}: it is known"])
        assert dict(told.certificate.allowed_to) == {left.aspect: "it is known"}


@pytest.mark.usefixtures("closed")
@pytest.mark.parametrize("left", LEFT, ids=lambda left: left.aspect)
def test_what_the_reference_leaves_too_is_no_ones_fault(left: Leaving) -> None:
    if left.aspect in ("files", "open files", "running threads"):
        pytest.skip("each leaves its own")
    asked(partial(leaving, left.leave), partial(leaving, left.leave), left.make, sizes=(2, 3))


@pytest.mark.parametrize(
    ("allow", "words"),
    [
        ("working directory", "needs a reason"),
        ("working directory:  ", "needs a reason"),
        ("moon phase: full", "Unknown aspect of state 'moon phase'"),
    ],
)
def test_a_waiver_needs_an_aspect_and_a_reason(allow: str, words: str) -> None:
    assert words in unsound(total, total, numbers, allow=[allow])


def test_a_waiver_lets_nothing_else_pass() -> None:
    candidate = partial(leaving, lambda: os.chdir("/"))
    allow = ["environment variables: set for children"]
    assert refused(total, candidate, numbers, allow=allow).rule == "working directory"


def test_afterwards_everything_is_as_before(tmp_path: Path) -> None:
    before = os.getcwd(), dict(os.environ), list(warnings.filters), sys.getrecursionlimit(), torch.is_grad_enabled()
    for left in LEFT[:5] + LEFT[-2:]:
        refused(total, partial(leaving, left.leave), left.make, sizes=(2, 3))
    assert before == (
        os.getcwd(),
        dict(os.environ),
        list(warnings.filters),
        sys.getrecursionlimit(),
        torch.is_grad_enabled(),
    )


def test_who_turns_something_and_puts_it_back_passes() -> None:
    def careful(items: Any) -> Any:
        with np.errstate(all="raise"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return sum(items)

    asked(total, careful, numbers)


# Memory.


def test_an_answer_in_an_arguments_memory_is_refused_unless_the_reference_does_so() -> None:
    def every_other(items: Any) -> Any:
        return items[::2]

    def copied(items: Any) -> Any:
        return items[::2].copy()

    assert refused(copied, every_other, arrays).rule == "own memory"
    asked(every_other, every_other, arrays)
    asked(copied, lambda items: np.ascontiguousarray(items[::2]) + 0, arrays)


def test_a_copy_where_the_reference_hands_out_the_arguments_memory_is_refused() -> None:
    def halves(items: list[int]) -> Any:
        items[:] = [item // 2 for item in items]
        return items

    def halves_and_copy(items: list[int]) -> Any:
        items[:] = [item // 2 for item in items]
        return list(items)

    asked(halves, halves, numbers)
    assert "returns a copy" in str(refused(halves, halves_and_copy, numbers))


_buffers: dict[int, Any] = {}


def in_one_buffer(items: Any) -> Any:
    found = _buffers.setdefault(len(items), np.empty(len(items)))
    np.multiply(items, 2, out=found)
    return found


def test_an_answer_in_an_earlier_answers_memory_is_refused() -> None:
    found = refused(doubled, in_one_buffer, arrays)
    assert found.rule == "own memory" and "earlier output" in str(found)


# Remembered.


def by_identity(known: dict[Any, Any], items: Any) -> Any:
    return known.setdefault(id(items), total(items))


def by_length(known: dict[Any, Any], items: Any) -> Any:
    return known.setdefault(len(items), total(items))


def by_content(known: dict[Any, Any], items: Any) -> Any:
    return known.setdefault(tuple(items), total(items))


def with_mutable_default(items: list[int], seen: list[int] = []) -> Any:  # noqa: B006
    seen.extend(items)
    return sum(seen)


def copying_cached(known: dict[Any, list[int]], items: list[int]) -> list[int]:
    return known.setdefault(tuple(items), [2 * item for item in items])


def test_an_answer_that_is_known_by_identity_or_length_is_refused_and_by_content_is_not() -> None:
    assert refused(total, partial(by_identity, {}), numbers)
    assert refused(total, partial(by_length, {}), numbers)
    asked(total, partial(by_content, {}), numbers)


def test_an_array_that_is_known_by_identity_is_refused() -> None:
    held: list[Any] = []

    def known_array(items: Any) -> Any:
        for one, found in held:
            if one is items:
                return found
        held.append((items, np.cumsum(items)))
        return held[-1][1]

    assert refused(lambda items: np.cumsum(items), known_array, arrays)


def test_a_frame_is_an_argument_as_any_other() -> None:
    def make(size: int, rng: np.random.Generator) -> dict[str, Any]:
        return {"items": pd.DataFrame({"x": rng.integers(0, 9, size)})}

    def twice(items: Any) -> Any:
        return items["x"] * 2

    asked(twice, lambda items: items["x"] + items["x"], make)
    assert refused(twice, lambda items: items["x"] * 2 + (len(items) > 4), make)


def test_what_is_added_up_over_calls_is_refused() -> None:
    assert refused(total, lambda items: with_mutable_default(items), numbers)


def test_a_remembered_list_that_the_caller_may_change_is_refused() -> None:
    def twice(items: list[int]) -> list[int]:
        return [2 * item for item in items]

    assert refused(twice, partial(copying_cached, {}), numbers).rule == "own memory"


def test_who_goes_by_identity_of_items_is_refused() -> None:
    def make(size: int, rng: random.Random) -> dict[str, Any]:
        words = [f"word {rng.randrange(3)}" for _ in range(3)]
        return {"items": [rng.choice(words) for _ in range(size)]}

    def firsts(items: list[str]) -> list[str]:
        return list(dict.fromkeys(items))

    def firsts_by_identity(items: list[str]) -> list[str]:
        return list({id(item): item for item in items}.values())

    assert refused(firsts, firsts_by_identity, make)


# Grad.


def with_grad(size: int, rng: torch.Generator) -> dict[str, Any]:
    return {"items": torch.rand(size + 1, generator=rng).requires_grad_()}


def test_an_answer_carries_a_graph_where_the_references_does() -> None:
    def detached(items: torch.Tensor) -> torch.Tensor:
        return (items * 2).detach()

    asked(doubled, lambda items: items + items, with_grad)
    assert refused(doubled, detached, with_grad)
    assert refused(detached, doubled, with_grad)


# How arguments are given.


def test_arguments_must_be_taken_by_position_too_and_by_name() -> None:
    def by_name_alone(*, items: list[int]) -> int:
        return sum(items)

    assert "position" in str(refused(total, by_name_alone, numbers))


def test_an_array_that_is_not_contiguous_must_be_read_as_well() -> None:
    def raw(items: Any) -> Any:
        return np.frombuffer(items.base if items.base is not None else items, dtype=items.dtype)[: len(items)] * 2

    assert isinstance(refused(doubled, raw, arrays), NotEquivalent)


def test_special_values_are_asked_about_where_that_is_wanted() -> None:
    def largest(items: Any) -> Any:
        return np.max(items, initial=-np.inf)

    def largest_by_comparing(items: Any) -> Any:
        found = np.float64(-np.inf)
        for item in items:
            if item > found:
                found = item
        return found

    asked(largest, largest_by_comparing, arrays)
    assert refused(largest, largest_by_comparing, arrays, specials=True)
    asked(largest, lambda items: items.max(initial=-np.inf), arrays, specials=True)


class Rows:
    """As many classes have it: something is worked out once, and kept."""

    def __init__(self, numbers: list[float]) -> None:
        self.numbers = numbers

    @cached_property
    def total(self) -> float:
        return math.fsum(self.numbers)


def rows(size: int, rng: random.Random) -> dict[str, Any]:
    return {"rows": Rows([rng.uniform(-1, 1) for _ in range(size)])}


def test_what_a_cached_property_or_a_library_keeps_is_no_change_of_an_argument() -> None:
    def emptied(rows: Rows) -> float:
        found = rows.total
        rows.numbers.clear()
        return found

    asked(lambda rows: math.fsum(rows.numbers), lambda rows: rows.total, rows)
    assert refused(lambda rows: math.fsum(rows.numbers), emptied, rows, sizes=(3, 5)).rule == "inputs"

    def sums(matrix: Any) -> Any:
        found = np.zeros(matrix.shape[0])
        for i, _, value in zip(*scipy.sparse.find(matrix), strict=True):
            found[i] += value
        return found

    def sums_at_once(matrix: Any) -> Any:
        return np.asarray(matrix.sum(axis=1)).ravel()

    def sums_and_more(matrix: Any) -> Any:
        found = sums_at_once(matrix)
        matrix.data *= 2
        return found

    def sparse(size: int, rng: np.random.Generator) -> dict[str, Any]:
        return {"matrix": scipy.sparse.random(size + 1, size + 1, density=0.5, random_state=rng, format="csr")}

    asked(sums, sums_at_once, sparse)
    assert refused(sums, sums_and_more, sparse).rule == "inputs"


def shares(items: list[int]) -> Iterator[int]:
    return (10 // item for item in items)


def shares_at_once(items: list[int]) -> Iterator[int]:
    return iter([10 // item for item in items])


def small_numbers(size: int, rng: random.Random) -> dict[str, Any]:
    return {"items": [rng.randrange(3) for _ in range(size)]}


def test_an_iterator_that_raises_is_shown_as_far_as_it_goes() -> None:
    told = str(refused(shares, shares_at_once, small_numbers))

    assert "smallest inputs: items=[0]" in told
    assert "reference: iter([], and then raises ZeroDivisionError" in told and "candidate: raises ZeroDi" in told


def test_a_refusal_stands_where_no_counter_example_can_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*given: Any) -> None:
        raise OSError("nothing to be had")

    monkeypatch.setattr("speedproof.own.counter_example.smallest", fails)
    told = str(refused(shares, shares_at_once, small_numbers))

    assert "ZeroDivisionError" in told and "smallest inputs" not in told


def test_one_object_for_two_arguments_in_some_draws_is_refilled_in_none() -> None:
    def make(size: int, rng: random.Random) -> dict[str, Any]:
        items = [rng.randrange(9) for _ in range(size)]
        return {"items": items, "others": items if rng.random() < 0.5 else [1]}

    def longer(items: list[int], others: list[int]) -> int:
        items.append(0)
        return len(others)

    for seed in range(6):
        assert asked(longer, longer, make, seed=seed)


def test_a_function_that_goes_by_the_class_of_its_first_argument_is_called_so() -> None:
    @functools.singledispatch
    def doubled(value: Any, times: int = 2) -> Any:
        return value * times

    @doubled.register
    def _(value: list, times: int = 2) -> Any:  # type: ignore[type-arg]
        return [one * times for one in value]

    def make(size: int, rng: random.Random) -> dict[str, Any]:
        return {"value": [rng.randrange(9) for _ in range(size)]}

    assert asked(lambda value, times=2: [one + one for one in value], doubled, make)
    assert refused(lambda value, times=2: value * times, doubled, make)
