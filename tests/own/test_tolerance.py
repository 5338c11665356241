"""The tolerance that nobody types: right rewrites are within it, wrong ones far beyond, and its origin is told."""

import cmath
import math
import random
import signal
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from scipy.special import log_softmax as scipys_log_softmax
from scipy.special import softmax as scipys_softmax

from speedproof.errors import BadInput
from speedproof.own.draws import Draw, Source
from speedproof.own.inputs import source_of
from speedproof.own.reference import rounding
from speedproof.own.reference.answers import Answer
from speedproof.own.reference.rounding import turned
from speedproof.own.same import argmax, clusters, numbers, parsed, ranking, sets
from speedproof.own.values.leaf import Leaf
from speedproof.own.values.leaves import leaves
from speedproof.pairs.kit import PLAIN

from .asked import asked, refused, unsound

FAR = 100
"""Times what is allowed that a wrong rewrite is off at least: none of these is a close call."""
Function = Callable[..., Any]


# Pairwise distances of points that are far from the origin.


def points(size: int, rng: np.random.Generator) -> dict[str, Any]:
    return {"x": 1e4 + rng.standard_normal((size, 3))}


def distances(x: Any) -> Any:
    n = len(x)
    found = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            found[i, j] = math.sqrt(sum((x[i, k] - x[j, k]) ** 2 for k in range(x.shape[1])))
    return found


def broadcast(x: Any) -> Any:
    return np.sqrt(((x[:, None] - x[None]) ** 2).sum(-1))


def by_norm(x: Any) -> Any:
    return np.linalg.norm(x[:, None] - x[None], axis=-1)


def expanded(x: Any) -> Any:
    squares = (x**2).sum(1)
    return np.sqrt(np.maximum(squares[:, None] + squares[None] - 2 * x @ x.T, 0))


def in_single(x: Any) -> Any:
    near = x.astype(np.float32)
    return np.sqrt(((near[:, None] - near[None]) ** 2).sum(-1)).astype(np.float64)


# Variance of numbers whose mean is large.


def readings(size: int, rng: random.Random) -> dict[str, Any]:
    return {"values": [1e6 + rng.gauss(0, 1) for _ in range(size)]}


def variance(values: list[float]) -> float:
    mean = sum(values) / len(values) if values else 0.0
    return sum((value - mean) ** 2 for value in values) / len(values) if values else 0.0


def welford(values: list[float]) -> float:
    mean, total = 0.0, 0.0
    for i, value in enumerate(values, 1):
        before = value - mean
        mean += before / i
        total += before * (value - mean)
    return total / len(values) if values else 0.0


def by_numpy(values: list[float]) -> float:
    return float(np.var(values)) if values else 0.0


def by_exact_sums(values: list[float]) -> float:
    mean = math.fsum(values) / len(values) if values else 0.0
    return math.fsum((value - mean) ** 2 for value in values) / len(values) if values else 0.0


def one_pass(values: list[float]) -> float:
    n = len(values)
    return sum(v * v for v in values) / n - (sum(values) / n) ** 2 if n else 0.0


def of_a_sample(values: list[float]) -> float:
    return variance(values) * len(values) / (len(values) - 1) if len(values) > 1 else 0.0


# Probabilities of large logits.


def logits(size: int, rng: np.random.Generator) -> dict[str, Any]:
    return {"x": 400 * rng.standard_normal(max(size, 1))}


def softmax(x: Any) -> Any:
    top = max(x)
    weights = [math.exp(value - top) for value in x]
    total = sum(weights)
    return np.array([weight / total for weight in weights])


def by_parts(x: Any) -> Any:
    weights = np.exp(x - x.max())
    return weights * (1 / weights.sum())


def in_single_logits(x: Any) -> Any:
    return scipys_softmax(x.astype(np.float32)).astype(np.float64)


def log_softmax(x: Any) -> Any:
    top = max(x)
    return np.array([value - top - math.log(sum(math.exp(other - top) for other in x)) for value in x])


def in_logarithms(x: Any) -> Any:
    shifted = x - x.max()
    return shifted - np.log(np.exp(shifted).sum())


def clipped(x: Any) -> Any:
    return np.log(scipys_softmax(x) + 1e-300)


# Rows of norms over six decades, each made as long as one.


def rows(size: int, rng: np.random.Generator) -> dict[str, Any]:
    return {"x": rng.standard_normal((size, 4)) * 10.0 ** rng.uniform(-3, 3, (size, 1))}


def normed(x: Any) -> Any:
    return np.array([row / math.sqrt(sum(value * value for value in row)) for row in x]).reshape(x.shape)


def normed_at_once(x: Any) -> Any:
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def normed_with_epsilon(x: Any) -> Any:
    return x / (np.linalg.norm(x, axis=1, keepdims=True) + 1e-8)


# Sums.


def weights(size: int, rng: random.Random) -> dict[str, Any]:
    return {"values": [rng.uniform(-1, 1) for _ in range(size)]}


def total(values: list[float]) -> float:
    made = 0.0
    for value in values:
        made += value
    return made


def backwards(values: list[float]) -> float:
    return total(values[::-1])


def exact(values: list[float]) -> float:
    return math.fsum(values)


def in_halves(values: list[float]) -> float:
    if len(values) < 3:
        return total(values)
    return in_halves(values[: len(values) // 2]) + in_halves(values[len(values) // 2 :])


def in_array(values: list[float]) -> float:
    return float(np.sum(values))


def in_single_array(values: list[float]) -> float:
    return float(np.sum(np.array(values, np.float32)))


def without_the_smallest(values: list[float]) -> float:
    return total([value for value in values if abs(value) > 0.1 or len(values) < 20])


# In torch, in single precision.


def hidden(size: int, rng: np.random.Generator) -> dict[str, Any]:
    x = rng.standard_normal((size + 1, 16)) * 3 + 10
    return {"x": torch.from_numpy(x).float()}


def layer_norm(x: torch.Tensor) -> torch.Tensor:
    found = []
    for row in x:
        mean = row.mean()
        found.append((row - mean) / torch.sqrt(((row - mean) ** 2).mean() + 1e-5))
    return torch.stack(found)


def torchs_layer_norm(x: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.layer_norm(x, x.shape[-1:], eps=1e-5)


def layer_norm_in_bfloat16(x: torch.Tensor) -> torch.Tensor:
    return torchs_layer_norm(x.bfloat16()).float()


def layer_norm_of_another_epsilon(x: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.layer_norm(x, x.shape[-1:], eps=1e-2)


class Case(NamedTuple):
    reference: Function
    candidate: Function
    inputs: Function


RIGHT = (
    Case(distances, broadcast, points),
    Case(distances, by_norm, points),
    Case(variance, welford, readings),
    Case(variance, by_numpy, readings),
    Case(variance, by_exact_sums, readings),
    Case(softmax, by_parts, logits),
    Case(log_softmax, in_logarithms, logits),
    Case(log_softmax, scipys_log_softmax, logits),
    Case(softmax, scipys_softmax, logits),
    Case(normed, normed_at_once, rows),
    Case(total, backwards, weights),
    Case(total, exact, weights),
    Case(total, in_halves, weights),
    Case(total, in_array, weights),
    Case(exact, total, weights),
    Case(layer_norm, torchs_layer_norm, hidden),
)
WRONG = (
    Case(distances, expanded, points),
    Case(distances, in_single, points),
    Case(variance, one_pass, readings),
    Case(variance, of_a_sample, readings),
    Case(softmax, in_single_logits, logits),
    Case(log_softmax, clipped, logits),
    Case(normed, normed_with_epsilon, rows),
    Case(total, in_single_array, weights),
    Case(total, without_the_smallest, weights),
    Case(layer_norm, layer_norm_in_bfloat16, hidden),
    Case(layer_norm, layer_norm_of_another_epsilon, hidden),
)


def name(case: Case) -> str:
    return f"{case.reference.__name__}-{case.candidate.__name__}"


@pytest.mark.parametrize("case", RIGHT, ids=name)
def test_a_right_rewrite_passes_whatever_the_seed(case: Case) -> None:
    for seed in (1, 2):
        found = asked(*case, sizes=(0, 1, 20), seed=seed)
        assert found.certificate.candidate.worst_errors.get("element", 0.0) <= 1


@pytest.mark.parametrize("case", WRONG, ids=name)
def test_a_wrong_rewrite_is_refused_and_no_close_call(case: Case) -> None:
    found = refused(*case, sizes=(1, 5, 40))
    assert found.rule == "element"
    assert found.excess is not None and found.excess > FAR


# Where the number comes from.


def running(values: list[float]) -> list[float]:
    made, found = 0.0, []
    for value in values:
        made += value
        found.append(made)
    return found


def with_one_large(size: int, rng: random.Random) -> dict[str, Any]:
    return {"values": [rng.random() for _ in range(size)] + [1e14]}


def worse_in_front(values: list[float]) -> list[float]:
    found = running(values)
    return [value + 1e-9 if i == 0 and len(found) > 3 else value for i, value in enumerate(found)]


def worse_at_the_end(values: list[float]) -> list[float]:
    found = running(values)
    return [*found[:-1], found[-1] + 1e-3]


def test_what_is_allowed_is_told_for_each_element() -> None:
    """An error that is nothing beside the large value at the end is one in front."""
    assert refused(running, worse_in_front, with_one_large).rule == "element"
    asked(running, worse_at_the_end, with_one_large)


def test_a_running_sum_in_an_array_too_is_told_for_each_element() -> None:
    def summed(x: Any) -> Any:
        return np.cumsum(x)

    def in_front(x: Any) -> Any:
        return np.cumsum(x) + np.where(np.arange(len(x)) == 0, 1e-9, 0.0) * (len(x) > 3)

    def make(size: int, rng: np.random.Generator) -> Any:
        return np.append(rng.random(size), 1e14)

    assert "[0] is" in str(refused(summed, in_front, make))


def test_a_refusal_says_what_is_allowed_and_why() -> None:
    words = str(refused(variance, one_pass, readings))
    assert "that is allowed" in words
    assert "twice the reference's own error (in higher precision" in words
    assert "moving every input by one unit in the last place" in words


def test_where_the_reference_does_not_run_wider_that_is_not_claimed() -> None:
    def narrow(x: Any) -> Any:
        if x.dtype != np.float64:
            raise TypeError("only float64")
        return x * 3.0

    def off(x: Any) -> Any:
        return x * 3.0000001

    words = str(refused(narrow, off, lambda size, rng: rng_array(size, rng)))
    assert "higher precision" not in words and "one unit in the last place" in words
    asked(narrow, lambda x: x + x + x, lambda size, rng: rng_array(size, rng))


def rng_array(size: int, rng: np.random.Generator) -> Any:
    return rng.standard_normal(size)


def spread_of(reference: Function, value: Any) -> Any:
    source = Source(lambda size, seed: {"x": value}, "a value")
    return Answer(reference, Draw(source, 0, 0), PLAIN).band


def test_few_inputs_are_moved_one_at_a_time_so_that_no_two_moves_cancel() -> None:
    """Moved together by the same step, numbers keep their differences."""
    band = spread_of(lambda x: x[0] - x[1], [1e8, 1e8 + 1])
    unit = math.ulp(1e8)
    assert unit <= band.allowed[""] < 20 * unit


def test_an_answer_that_does_not_hang_on_the_inputs_is_allowed_its_own_rounding_alone() -> None:
    band = spread_of(lambda x: 3.5, [1e8, 2e8])
    assert 0 < band.allowed[""] < 4 * math.ulp(3.5)


def test_a_band_can_be_asked_and_says_how_far_beyond() -> None:
    band = spread_of(lambda x: x + x, 1.0)
    near, far = ({"": Leaf("float", value, True)} for value in (2.0, 2.5))
    assert band.difference(near) is None and band.worst_share(near) == 0
    told = band.difference(far)
    assert told is not None and told.excess == band.worst_share(far) > 1e12


def test_not_a_number_and_infinity_must_be_where_they_are() -> None:
    def halved(x: Any) -> Any:
        with np.errstate(all="ignore"):
            return np.log(x) / 2

    def cleaned(x: Any) -> Any:
        return np.nan_to_num(halved(x))

    def make(size: int, rng: np.random.Generator) -> Any:
        return np.concatenate([rng.random(size), [0.0, -1.0]])

    asked(halved, lambda x: 0.5 * halved(x) * 2, make)
    assert refused(halved, cleaned, make).excess == math.inf


def test_whole_numbers_and_text_beside_floats_stay_exact() -> None:
    def told(values: list[float]) -> Any:
        return {"mean": sum(values) / max(len(values), 1), "n": len(values), "over": sum(v > 0 for v in values)}

    def in_another_order(values: list[float]) -> Any:
        return {**told(values), "mean": sum(reversed(values)) / max(len(values), 1)}

    def one_more(values: list[float]) -> Any:
        return {**told(values), "over": sum(v > 0 for v in values) + (len(values) == 30)}

    asked(told, in_another_order, weights)
    assert "['over']" in str(refused(told, one_more, weights))


def test_dataclasses_are_moved_and_widened_too() -> None:
    from dataclasses import dataclass

    @dataclass
    class Reading:
        values: list[float]

    def make(size: int, rng: random.Random) -> Any:
        return {"reading": Reading(readings(size, rng)["values"])}

    asked(lambda reading: variance(reading.values), lambda reading: welford(reading.values), make)
    assert refused(lambda reading: variance(reading.values), lambda reading: one_pass(reading.values), make)


def test_generators_of_floats_are_compared_once_and_item_by_item() -> None:
    def halves(values: list[float]) -> Any:
        return (value / 3 * 1.5 for value in values)

    def other_halves(values: list[float]) -> Any:
        yield from [value * 0.5 for value in values]

    def too_few(values: list[float]) -> Any:
        yield from [value * 0.5 for value in values][:29]

    asked(halves, other_halves, weights)
    assert "[29] is missing" in str(refused(halves, too_few, weights))


# What a user says.


def test_a_tolerance_with_a_reason_counts() -> None:
    same = numbers(rel=1e-5, why="the sensor has four digits")
    asked(total, lambda values: total(values) * (1 + 1e-7), weights, same=same)
    found = refused(total, lambda values: total(values) * (1 + 1e-3), weights, same=same)
    assert "the sensor has four digits" in str(found) and "rel=1e-05" in str(found)
    same = numbers(abs=0.5, why="a vote")
    asked(total, lambda values: total(values) + 0.25, weights, same=same)
    assert refused(total, lambda values: total(values) + 0.75, weights, same=same)


def test_whole_numbers_stay_exact_within_a_tolerance() -> None:
    assert refused(len, lambda values: len(values) + 1, weights, same=numbers(rel=1.0, why="whatever"))


@pytest.mark.parametrize(
    "make",
    [
        lambda: numbers(rel=1e-3),
        lambda: numbers(rel=1e-3, why="  "),
        lambda: sets(),
        lambda: clusters(),
        lambda: ranking(by=total),
        lambda: argmax(by=total),
        lambda: numbers(why="none"),
        lambda: numbers(rel=-1.0, why="none"),
        lambda: numbers(rel=math.nan, why="none"),
    ],
)
def test_a_rule_needs_a_reason_and_a_tolerance(make: Callable[[], Any]) -> None:
    with pytest.raises(BadInput, match=r"Expected (why|a tolerance)"):
        make()


def scores(values: list[float]) -> list[float]:
    return values


def tied(size: int, rng: random.Random) -> dict[str, Any]:
    return {"values": [float(rng.randrange(3)) for _ in range(size)]}


def order(values: list[float]) -> list[int]:
    return sorted(range(len(values)), key=lambda i: -values[i])


def order_of_ties_turned(values: list[float]) -> list[int]:
    return sorted(range(len(values)), key=lambda i: (-values[i], -i))


def test_a_ranking_may_order_ties_as_it_likes_and_nothing_else() -> None:
    assert refused(order, order_of_ties_turned, tied)
    same = ranking(by=scores, why="ties are shown side by side")
    asked(order, order_of_ties_turned, tied, same=same)
    assert refused(order, lambda values: order(values)[::-1], tied, same=same).rule == "order"
    assert "ranks one twice" in str(refused(order, lambda values: [0] * len(values), tied, same=same))
    assert "ranks 1," in str(refused(order, lambda values: order(values)[:1], tied, same=same, sizes=(2, 5)))
    assert refused(order, lambda values: [i + 1 for i in order(values)], tied, same=same)


def first_best(values: list[float]) -> int:
    return max(range(len(values)), key=lambda i: values[i], default=-1)


def last_best(values: list[float]) -> int:
    return max(range(len(values)), key=lambda i: (values[i], i), default=-1)


def test_an_index_of_the_largest_may_be_any_of_the_largest() -> None:
    assert refused(first_best, last_best, tied)
    same = argmax(by=scores, why="any of the best will do")
    asked(first_best, last_best, tied, same=same, sizes=(1, 2, 5, 30))
    assert refused(first_best, lambda values: 0, tied, same=same, sizes=(1, 2, 5, 30)).rule == "order"
    assert refused(first_best, lambda values: 1000, tied, same=same, sizes=(1, 2, 5, 30))


def found_words(size: int, rng: random.Random) -> dict[str, Any]:
    return {"words": [rng.choice("abcdef") for _ in range(size)]}


def firsts(words: list[str]) -> list[str]:
    return list(dict.fromkeys(words))


def test_sets_may_come_in_any_order_and_count_every_item() -> None:
    assert refused(firsts, sorted_once, found_words)
    same = sets(why="shown in a cloud")
    asked(firsts, sorted_once, found_words, same=same)
    assert "missing" in str(refused(firsts, lambda words: firsts(words)[1:], found_words, same=same))
    assert refused(firsts, lambda words: words, found_words, same=same)
    assert refused(firsts, lambda words: 5, found_words, same=same).rule == "type"


def sorted_once(words: list[str]) -> list[str]:
    return sorted(set(words))


def labels(words: list[str]) -> list[int]:
    known = firsts(words)
    return [known.index(word) for word in words]


def labels_renamed(words: list[str]) -> list[int]:
    known = sorted_once(words)
    return [known.index(word) + 10 for word in words]


def test_clusters_may_be_renamed_and_neither_merged_nor_split() -> None:
    assert refused(labels, labels_renamed, found_words)
    same = clusters(why="labels mean nothing")
    asked(labels, labels_renamed, found_words, same=same)
    asked(labels, lambda words: np.array(labels_renamed(words)), found_words, same=same)
    assert refused(labels, lambda words: [0 for _ in words], found_words, same=same)
    assert refused(labels, lambda words: list(range(len(words))), found_words, same=same)
    assert refused(labels, lambda words: labels(words)[1:], found_words, same=same).rule == "shape"


def agree(one: Any, other: Any) -> None:
    assert sorted(one) == sorted(other), "other words"


def test_a_users_own_function_judges() -> None:
    asked(firsts, sorted_once, found_words, same=agree)
    words = str(refused(firsts, lambda words: firsts(words)[1:], found_words, same=agree))
    assert "other words" in words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("closeness(rel=1)", "is no way to compare. Expected numbers"),
        ("numbers(1e-6)", "keyword arguments"),
        ("numbers(rel=1e-6", "cannot be read"),
        ("numbers(rel=1e-6)", "needs a reason"),
        ("numbers(relative=1e-6, why='x')", "cannot be read"),
        ("numbers(rel=open('x'), why='x')", "cannot be read"),
        ("numbers(rel='a', why='x')", "cannot be read"),
    ],
)
def test_a_rule_on_the_command_line_that_is_none_is_told(text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words.replace("(", r"\(")):
        parsed(text, lambda name: name)


def test_a_rule_on_the_command_line_is_the_same_as_in_python() -> None:
    found: Any = parsed("numbers(rel=1e-6, why='noise')", lambda name: name)
    assert (found.words, found.why) == (numbers(rel=1e-6, why="x").words, "noise")
    found = parsed("ranking(by='data.py:scores', why='ties')", {"data.py:scores": scores}.__getitem__)
    assert found.words == "ranking(by=scores)"
    found = parsed("data.py:scores", {"data.py:scores": scores}.__getitem__)
    assert found is scores


def test_a_reference_whose_answers_are_all_within_what_is_allowed_proves_nothing() -> None:
    """Its noise is as large as what tells two inputs apart."""

    def noise(values: list[float]) -> float:
        return sum((v * 1e20 for v in values), 0.0) - sum((v * 1e20 for v in reversed(values)), 0.0)

    assert "invalid" in unsound(noise, lambda values: 0.0, weights, sizes=(0, 1, 2))


def test_leaves_of_a_band_are_the_answers_own() -> None:
    band = spread_of(lambda x: {"a": [x, 1], "b": x * 2}, 1.5)
    assert set(band.allowed) == {"['a'][0]", "['b']"} <= set(leaves({"a": [1.5, 1], "b": 3.0}))


def sums(rows: list[list[float]]) -> set[float]:
    found = set()
    for row in rows:
        total = 0.0
        for one in row:
            total += one
        found.add(total)
    return found


def rows_of_numbers(size: int, rng: random.Random) -> dict[str, Any]:
    return {"rows": [[rng.uniform(-1, 1) for _ in range(9)] for _ in range(size)]}


def test_numbers_in_a_set_have_a_tolerance_too() -> None:
    asked(sums, lambda rows: {math.fsum(row) for row in rows}, rows_of_numbers)
    assert refused(sums, lambda rows: {math.fsum(row) * (1 + 1e-9) for row in rows}, rows_of_numbers).rule == "element"
    assert refused(sums, lambda rows: {math.fsum(row) for row in rows[1:]}, rows_of_numbers).rule == "shape"


def test_a_tolerance_that_cannot_be_worked_out_is_no_fault_of_the_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(value: Any, change: Any) -> Any:
        raise AttributeError("numbers of a strange kind")

    monkeypatch.setattr("speedproof.own.reference.tolerance.changed", failing)
    told = unsound(sums, lambda rows: {math.fsum(row) for row in rows}, rows_of_numbers)
    assert "could not be worked out" in told and "strange kind" in told and "same=numbers" in told


# Constants, whole numbers and ties.


def compound(n: int) -> float:
    found = 1.0
    for _ in range(n):
        found *= 1.05
    return found


def harmonic(n: int) -> float:
    found = 0.0
    for i in range(1, n + 1):
        found += 1.0 / i
    return found


def window(n: int) -> list[float]:
    return [0.5 - 0.5 * math.cos(2 * math.pi * i / (n - 1)) for i in range(n)] if n > 1 else [1.0] * n


def spectrum(values: list[float]) -> list[complex]:
    n = len(values)
    return [sum(values[j] * cmath.exp(-2j * math.pi * k * j / n) for j in range(n)) for k in range(n)]


def how_many(size: int, rng: random.Random) -> dict[str, Any]:
    return {"n": rng.randrange(size + 1)}


def signal_(size: int, rng: random.Random) -> dict[str, Any]:
    return {"values": [rng.gauss(0, 1) for _ in range(size)]}


OF_CONSTANTS: list[tuple[Any, Any, Any, Any]] = [
    (compound, lambda n: 1.05**n, lambda n: float(np.float32(1.05)) ** n, how_many),
    (harmonic, lambda n: float((1 / np.arange(1, n + 1)).sum()), lambda n: math.log(n + 0.5) if n else 0.0, how_many),
    (window, lambda n: np.hanning(n).tolist(), lambda n: np.hamming(n).tolist(), how_many),
    (
        spectrum,
        lambda values: np.fft.fft(values).tolist() if values else [],
        lambda values: np.fft.fft(np.float32(values)).astype(complex).tolist() if values else [],
        signal_,
    ),
]


@pytest.mark.parametrize(("reference", "right", "wrong", "make"), OF_CONSTANTS)
def test_roundings_of_constants_and_whole_numbers_count(reference: Any, right: Any, wrong: Any, make: Any) -> None:
    """A run in higher precision sees none of them: what the processor's rounding does is seen by turning it."""
    for seed in (1, 2, 3):
        asked(reference, right, make, seed=seed)
        assert refused(reference, wrong, make, seed=seed)


def test_turning_the_rounding_leaves_everything_as_it_was() -> None:
    three = float("3")

    def sums(n: int) -> float:
        return math.cos(n) + 1 / three + math.pi

    functions = turned(sums, 0.0)
    assert len({*(function(5) for function in functions), sums(5)}) > 2
    assert 1 / three == 0.3333333333333333 and math.pi == 3.141592653589793
    assert (
        math.cos.__class__.__name__ == "builtin_function_or_method" and signal.getitimer(signal.ITIMER_VIRTUAL)[0] == 0
    )

    def endless(n: int) -> float:
        while n:
            pass
        return 1.0

    with pytest.raises(Exception, match=r"^$"):
        turned(endless, 0.0)[0](1)
    assert 1 / three == 0.3333333333333333


def test_a_call_that_takes_too_long_is_ended_wherever_it_is_and_leaves_everything_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also while constants and functions are put in their places, and where the function catches what ends it."""
    monkeypatch.setattr(rounding, "SHORTEST_S", 1e-6)
    three, ended = float("3"), 0

    def long(n: int) -> float:
        try:
            return sum(math.cos(i) for i in range(n))
        except Exception:
            return 1.0

    for n in range(400):
        try:
            assert turned(long, 0.0)[n % 4](50 * n) != 1.0 or n == 0
        except rounding._Endless:
            ended += 1
        assert 1 / three == 0.3333333333333333 and math.pi == 3.141592653589793
        assert math.cos.__class__.__name__ == "builtin_function_or_method"
        assert signal.getitimer(signal.ITIMER_VIRTUAL)[0] == 0 and signal.getsignal(signal.SIGVTALRM) is signal.SIG_DFL
    assert 0 < ended < 400


def test_who_ends_what_takes_too_long_by_the_clock_is_told_the_same() -> None:
    """A test runner, or a study, whose alarm is set for later."""
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    try:
        signal.setitimer(signal.ITIMER_REAL, 3600)
        for reference, right, wrong, make in OF_CONSTANTS:
            asked(reference, right, make)
            assert refused(reference, wrong, make)
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 3000
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def by_key(rows: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return sorted(rows)


def by_key_alone(rows: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return sorted(rows, key=lambda row: row[0])


def rows_with_ties(size: int, rng: random.Random) -> dict[str, Any]:
    return {"rows": [(float(rng.randrange(3)), rng.random()) for _ in range(size)]}


def inverse_of_difference(pairs: list[tuple[float, float]]) -> list[float]:
    return [1 / (a * a - b * b) for a, b in pairs]


def inverse_of_product(pairs: list[tuple[float, float]]) -> list[float]:
    return [1 / ((a - b) * (a + b)) for a, b in pairs]


def close_pairs(size: int, rng: random.Random) -> dict[str, Any]:
    return {"pairs": [(one := rng.uniform(1, 2), one + 1e-7 * rng.random()) for _ in range(size)]}


def test_where_ties_break_the_answer_jumps_and_that_is_no_rounding() -> None:
    """Moved by one unit, two equal keys are no longer equal: how far the answer jumps then is not allowed."""
    for seed in range(5):
        assert refused(by_key, by_key_alone, rows_with_ties, seed=seed).excess or 0 > 1e9
    asked(by_key, lambda rows: sorted(rows, key=lambda row: (row[0], row[1])), rows_with_ties)
    # What only moves much is allowed as before: nobody could do better.
    asked(inverse_of_difference, inverse_of_product, close_pairs)


# Inputs that looking at them uses up.


def total_of_each(values: Any) -> float:
    found = 0.0
    for value in values:
        found += value * 1.1
    return found


def numbers_of(size: int, rng: random.Random) -> dict[str, Any]:
    return {"values": [rng.uniform(-1, 1) for _ in range(size)]}


def iterator_of(size: int, rng: random.Random) -> dict[str, Any]:
    return {"values": iter(numbers_of(size, rng)["values"])}


def test_numbers_from_an_iterator_are_widened_and_moved_as_a_lists_are() -> None:
    both = [
        Answer(total_of_each, Draw(source_of(make, "inputs", total_of_each), 50, 3), PLAIN)
        for make in (numbers_of, iterator_of)
    ]
    listed, iterated = (answer.band for answer in both)
    assert iterated.origin == listed.origin and "in higher precision" in listed.origin
    assert iterated.right[""].value == listed.right[""].value
