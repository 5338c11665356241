"""Counters of operators on arrays: they see what the function asks for, and change no answer."""

import copy
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy import zeros

from speedproof.counters.arrays import numpy_bytes, numpy_operators, why_no_operators
from speedproof.counters.tally import Call, Work, work
from speedproof.counters.watched_arrays import MAKERS
from speedproof.errors import BadInput

A = np.arange(12.0).reshape(3, 4)
BYTES = A.nbytes


def operators(twin: Callable[..., Any], **inputs: Any) -> dict[str, int]:
    return dict(work([numpy_operators], twin, inputs).tables.get("numpy_operators", {}))


def n_bytes(twin: Callable[..., Any], **inputs: Any) -> int:
    return work([numpy_bytes], twin, inputs).counts["numpy_bytes"]


def arithmetic(a: Any) -> Any:
    b = a + 1
    b *= 2
    return a @ b.T, -b, a**2 == b, np.add(a, b), divmod(a, 3), a.sum(), a.mean(axis=0), 3 - a


def indexed(a: Any) -> Any:
    b = a.copy()
    b[b > 5] += 1
    b[[0, 1], [1, 0]] = 7
    return b, a[1], a[0, 2], a[..., ::2], [float(x) for row in a for x in row], sorted(b[0]), 3.0 in a


def functions(a: Any) -> Any:
    return (
        *(np.concatenate([a, a]), np.where(a > 2, a, 0), np.einsum("ij,kj->ik", a, a), np.linalg.svd(a), np.sort(a)),
        *(np.unique(a, return_counts=True), np.pad(a, 1), np.histogram(a), np.fft.fft(a), np.cov(a), np.split(a, 3)),
        *(np.clip(a, 0, 1), np.median(a), np.nan_to_num(a), np.meshgrid(a[0], a[1]), np.atleast_3d(a), np.outer(a, a)),
    )


def called_back(a: Any) -> Any:
    halves = np.apply_along_axis(lambda row: row / 2, 0, a)
    return halves, np.piecewise(a, [a < 3, a >= 3], [lambda x: -x, 7]), np.vectorize(lambda x: x + 1)(a)


def in_place(a: Any, out: Any) -> Any:
    np.multiply(a, 2, out=out)
    np.clip(a, 1, 5, out)
    out.sort()
    out[1:] = a[:-1]
    np.add.at(out, [0, 0], 1)
    np.copyto(out[2], 3)
    out.setflags(write=False)
    return a, out, out.flags.writeable


def made(a: Any) -> Any:
    found, beside = np.zeros(len(a)), zeros(len(a))
    for i, row in enumerate(np.asarray(a)):
        found[i] = row.sum()
        beside[i] = max(row)
    return found, beside, np.array([[1, 2], [3, 4]]) * 2, np.asarray(a) is a, np.arange(4) + a, np.eye(3) @ a


def shown(a: Any) -> Any:
    return str(a), repr(a), f"{a[0, 0]:.1f}", a.tolist(), a.tobytes(), len(a), bool(a.any()), float(a[0, :1].sum())


def odd(a: Any) -> Any:
    masked = np.ma.array(a, mask=a > 4)
    words, things = np.array(["a", "bc"]), np.array([None, "x", 1], dtype=object)
    windows = np.lib.stride_tricks.sliding_window_view(a, 2, axis=1)
    drawn = np.random.default_rng(3).permutation(a)
    empty = a[:0]
    return (
        masked.sum(),
        masked + a,
        words == "a",
        things,
        windows.sum(-1),
        drawn,
        empty.sum(),
        a.T.copy(),
        a.astype("f4"),
    )


TWINS = (arithmetic, indexed, functions, called_back, made, shown, odd)


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.__name__)
def test_watched_arrays_change_no_answer(twin: Callable[..., Any]) -> None:
    assert why_no_operators(twin, lambda: {"a": A.copy()}) == ""


def test_work_in_place_reaches_the_arrays_that_were_given() -> None:
    assert why_no_operators(in_place, lambda: {"a": A.copy(), "out": np.zeros((3, 4))}) == ""
    mine, watched = ({"a": A.copy(), "out": np.zeros((3, 4))} for _ in range(2))
    given = dict(watched)
    in_place(**mine)
    operators_seen = work([numpy_operators], in_place, watched)
    assert operators_seen.counts["numpy_operators"] > 0
    assert all(watched[name] is given[name] for name in given)
    np.testing.assert_array_equal(given["out"], mine["out"])


def test_a_function_that_looks_at_the_type_is_noticed() -> None:
    def refuses(a: Any) -> Any:
        if type(a) is not np.ndarray:
            raise TypeError("only arrays\nand nothing else")
        return a + 1

    def looks(a: Any) -> int:
        return len(a + 1) if type(a) is np.ndarray else 0

    def none(a: Any) -> int:
        return 1

    given = {"a": A}
    assert why_no_operators(refuses, lambda: dict(given)).endswith(
        "refuses arrays that are watched: TypeError: only arrays"
    )
    assert why_no_operators(looks, lambda: dict(given)).endswith("answers otherwise where its arrays are watched.")
    assert why_no_operators(none, lambda: dict(given)).startswith("No operator of ")


def test_operators_are_counted_by_name_however_they_are_written() -> None:
    def written(a: Any) -> Any:
        return a + 1, np.add(a, 1), 1 + a, a.sum(), np.sum(a), np.add.reduce(a), a @ a.T, a.dot(a.T), np.dot(a, a.T)

    assert operators(written, a=A) == {
        "numpy.add": 3,
        "ndarray.sum": 1,
        "numpy.sum": 1,
        "numpy.add.reduce": 1,
        "numpy.matmul": 1,
        "ndarray.dot": 1,
        "numpy.dot": 1,
    }


def test_what_numpy_calls_within_an_operator_is_not_counted() -> None:
    def spread(a: Any) -> Any:
        return np.std(a), np.percentile(a, 30), np.linalg.norm(a)

    assert operators(spread, a=A) == {"numpy.std": 1, "numpy.percentile": 1, "numpy.linalg.norm": 1}


def test_what_numpy_calls_back_is_counted() -> None:
    def by_columns(a: Any) -> Any:
        return np.apply_along_axis(lambda column: column * 2, 0, a)

    assert operators(by_columns, a=A) == {"numpy.apply_along_axis": 1, "numpy.multiply": 4}


def test_a_loop_over_elements_counts_each() -> None:
    def loop(a: Any, n: int) -> Any:
        total = np.zeros(1)
        for i in range(n):
            total[0] = a[i] + total[0]
        return total

    seen = operators(loop, a=A.ravel(), n=6)
    assert seen == {"numpy.zeros": 1, "ndarray.__getitem__": 12, "ndarray.__setitem__": 6}
    assert operators(loop, a=A.ravel(), n=12)["ndarray.__getitem__"] == 24


def test_arrays_in_containers_are_seen_and_other_containers_stay_the_same_objects() -> None:
    words = ["a"]

    def nested(parts: Any, words: Any) -> bool:
        for part in (*parts["list"], parts["tuple"][0]):
            part + 1
        return words is here

    here = words
    assert operators(nested, parts={"list": [A, A], "tuple": (A,)}, words=words) == {"numpy.add": 3}
    assert why_no_operators(nested, lambda: {"parts": {"list": [A], "tuple": (A,)}, "words": words}) == ""


def test_an_array_that_is_given_twice_is_one() -> None:
    def same(a: Any, b: Any) -> bool:
        return (a + b) is not None and a is b

    assert why_no_operators(same, lambda: {"a": A, "b": A}) == ""


def test_bytes_are_those_of_operands_and_of_what_is_new() -> None:
    def add(a: Any) -> Any:
        return a + a

    def add_in_place(a: Any) -> None:
        a += 1

    assert n_bytes(add, a=A) == 3 * BYTES
    assert n_bytes(add_in_place, a=A.copy()) == 2 * BYTES
    assert n_bytes(lambda a: a.sum(), a=A) == BYTES + 8
    assert n_bytes(lambda a: np.concatenate([a, a]), a=A) == 4 * BYTES
    assert n_bytes(lambda a: a.sort(), a=A.copy()) == 2 * BYTES
    assert n_bytes(lambda a: np.zeros_like(a), a=A) == n_bytes(lambda a: np.zeros(12), a=A) == BYTES
    assert n_bytes(lambda a: np.dot(a, a.T, np.empty((3, 3))), a=A) == 2 * BYTES + 2 * 9 * 8


def test_views_cost_a_call_and_no_bytes() -> None:
    def views(a: Any) -> Any:
        return a[1:], a.reshape(-1), a.transpose(), np.asarray(a), a.astype(float, copy=False), np.split(a, 3)

    done = work([numpy_operators, numpy_bytes], views, {"a": A})
    assert done.counts == {"numpy_operators": 6, "numpy_bytes": 0}
    assert n_bytes(lambda a: a.T.copy(), a=A) == 2 * BYTES


def test_an_index_counts_what_it_selects() -> None:
    def assign(a: Any) -> None:
        a[0] = 1

    assert n_bytes(lambda a: a[0], a=A) == 0
    assert n_bytes(lambda a: a[0, 0], a=A) == 2 * 8
    assert n_bytes(lambda a: a[[0, 2]], a=A) == 2 * 2 * 4 * 8
    assert n_bytes(assign, a=A.copy()) == 4 * 8


def test_twice_the_size_is_twice_the_bytes_and_as_many_operators() -> None:
    def compute(a: Any) -> Any:
        return np.sqrt(a * a + a)

    one, two = (work([numpy_operators, numpy_bytes], compute, {"a": np.ones(n)}) for n in (500, 1_000))
    assert two.counts["numpy_operators"] == one.counts["numpy_operators"] == 3
    assert two.counts["numpy_bytes"] == 2 * one.counts["numpy_bytes"] == 8_000 * (3 + 3 + 2)


def test_both_counters_together_count_as_alone() -> None:
    def alone(counter: Any) -> Work:
        return work([counter], made, {"a": A.copy()})

    both = work([numpy_operators, numpy_bytes], made, {"a": A.copy()})
    assert both.tables == {**alone(numpy_operators).tables, **alone(numpy_bytes).tables}


def test_another_thread_gets_plain_arrays_and_is_not_counted() -> None:
    kinds: list[type] = []

    def beside() -> None:
        kinds.append(type(np.zeros(3)))
        np.zeros(3) + 1

    def run(a: Any) -> Any:
        thread = threading.Thread(target=beside)
        thread.start()
        thread.join()
        return a + 1

    assert operators(run, a=A) == {"numpy.add": 1} and kinds == [np.ndarray]


def everything() -> dict[str, Any]:
    return {name: getattr(np, name) for name in MAKERS} | {"zeros of this file": zeros}


def test_nothing_is_left_replaced_also_after_an_error() -> None:
    def fails(a: Any) -> None:
        assert everything() != before
        a + 1
        raise LookupError("as it should")

    before, inputs = everything(), {"a": A, "list": [A]}
    given = copy.copy(inputs)
    with pytest.raises(LookupError, match="as it should"):
        work([numpy_operators, numpy_bytes], lambda a, list: fails(a), inputs)
    assert everything() == before
    assert inputs.keys() == given.keys() and all(inputs[name] is given[name] for name in given)


def test_an_array_that_is_kept_is_an_array_like_any_afterwards() -> None:
    kept: list[Any] = []
    work([numpy_operators], lambda a: kept.append(a + 1), {"a": A})
    assert isinstance(kept[0], np.ndarray) and type(kept[0] + 1) is np.ndarray
    np.testing.assert_array_equal(kept[0] * 2, (A + 1) * 2)


def test_inputs_that_cannot_be_replaced_are_refused() -> None:
    from types import MappingProxyType

    with pytest.raises(BadInput, match="in a dict"), numpy_operators(Call(arithmetic, MappingProxyType({"a": A}))):
        pass


def test_without_numpy_there_is_nothing_to_count_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(__import__("sys").modules, "numpy")
    assert why_no_operators(len, lambda: {}).startswith("Nobody has imported NumPy")
    with pytest.raises(BadInput, match="Nobody has imported NumPy"), numpy_operators(Call(len, {})):
        pass
