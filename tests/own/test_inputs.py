"""Inputs from a generator, an example, a strategy or annotations alone; what is none of them is one clear error."""

import dataclasses
import random
from collections.abc import Callable
from typing import Any, Literal

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from jaxtyping import Bool, Float, Float32, Int
from torch import Tensor

from speedproof.errors import BadInput
from speedproof.own.draws import OF_ITEMS, Draw, Source
from speedproof.own.inputs import source_of
from speedproof.own.pair import OwnPair
from speedproof.own.values.differences import is_identical
from speedproof.own.values.leaves import leaves

from .asked import asked, refused, unsound


def total(items: Any) -> Any:
    made = 0
    for item in items:
        made += item
    return made


def summed(items: Any) -> Any:
    return sum(items)


def without_the_last_of_four(items: Any) -> Any:
    return sum(items[:3]) if len(items) == 4 else sum(items)


def scaled(items: Any, factor: Any = 2) -> Any:
    return [item * factor for item in items]


def numbers(size: int, rng: random.Random) -> dict[str, Any]:
    return {"items": [rng.randrange(1, 100) for _ in range(size)]}


def made(given: Any, function: Callable[..., Any] = total, size: int = 5, seed: int = 3) -> dict[str, Any]:
    return dict(Draw(source_of(given, "inputs", function), size, seed).make())


def in_a_file(text: str) -> Callable[..., Any]:
    """The function `make` of a file with that text."""
    names: dict[str, Any] = {"__name__": "data"}
    exec(text, names)
    found: Callable[..., Any] = names["make"]
    return found


# Generators.


def test_a_generator_gets_every_size_and_other_seeds() -> None:
    seen: list[int] = []

    def make(size: int, rng: random.Random) -> dict[str, Any]:
        seen.append(size)
        return numbers(size, rng)

    asked(total, summed, make, sizes=(0, 1, 4))
    assert set(seen) == {0, 1, 4}
    assert made(make, seed=1) != made(make, seed=2)
    assert made(make, seed=1) == made(make, seed=1)


def test_a_size_that_is_wrong_is_refused_and_without_it_is_not() -> None:
    assert "items=" in str(refused(total, without_the_last_of_four, numbers, sizes=(3, 4, 5)))
    asked(total, without_the_last_of_four, numbers, sizes=(3, 5))


def test_a_generator_may_want_the_random_numbers_alone() -> None:
    def make(rng: random.Random) -> dict[str, Any]:
        return {"items": [rng.randrange(100) for _ in range(rng.randrange(6))]}

    asked(total, summed, make)
    assert refused(total, without_the_last_of_four, make)
    assert made(make, seed=1) != made(make, seed=2)


def test_a_generator_may_give_the_only_argument_bare_or_all_of_them_by_position() -> None:
    assert made(lambda size, rng: [1] * size) == {"items": [1] * 5}
    assert made(lambda size, rng: ([1] * size, 3), scaled) == {"items": [1] * 5, "factor": 3}


RNG = "def make(size, rng%s): return {'items': [type(rng).__module__]}"


@pytest.mark.parametrize(
    ("text", "module"),
    [
        (RNG % "", "random"),
        ("import numpy as np\n" + RNG % "", "numpy.random._generator"),
        ("import numpy.random\n" + RNG % "", "numpy.random._generator"),
        ("import numpy as np\nimport random\n" + RNG % ": random.Random", "random"),
        ("import numpy as np\n" + RNG % ": np.random.Generator", "numpy.random._generator"),
        (
            "from __future__ import annotations\nimport numpy as np\n" + RNG % ": np.random.Generator",
            "numpy.random._generator",
        ),
        (
            "from __future__ import annotations\nfrom numpy.random import Generator\n" + RNG % ": Generator",
            "numpy.random._generator",
        ),
        ("from __future__ import annotations\nfrom random import Random\n" + RNG % ": Random", "random"),
        ("import torch\n" + RNG % ": torch.Generator", "torch._C"),
        ("from __future__ import annotations\nimport torch\n" + RNG % ": torch.Generator", "torch._C"),
    ],
)
def test_the_kind_of_random_numbers_is_the_annotations_or_what_the_file_uses(text: str, module: str) -> None:
    assert made(in_a_file(text))["items"] == [module]


def test_all_kinds_follow_the_seed() -> None:
    for text in (
        "def make(size, rng): return [rng.random() for _ in range(size)]",
        "import numpy\ndef make(size, rng): return rng.random(size)",
        "import torch\ndef make(size, rng: torch.Generator): return torch.rand(size, generator=rng)",
    ):
        once, again, other = (leaves(made(in_a_file(text), seed=seed)) for seed in (1, 1, 2))
        assert is_identical(once, again) and not is_identical(once, other)


# Examples.


def test_an_example_is_arguments_by_name_or_by_position_or_the_only_one() -> None:
    assert made({"items": [1], "factor": 3}, scaled) == {"items": [1], "factor": 3}
    assert made({"items": [1]}, scaled) == {"items": [1]}
    assert made(([1], 3), scaled) == {"items": [1], "factor": 3}
    assert made([1, 2]) == {"items": [1, 2]}
    assert made("text") == {"items": "text"}


def test_an_example_is_copied_for_each_call() -> None:
    def emptied(items: list[int]) -> int:
        found = len(items)
        items.clear()
        return found

    example = {"items": [1, 2, 3]}
    asked(emptied, emptied, example)
    assert example == {"items": [1, 2, 3]}


def test_an_example_is_also_asked_about_in_other_orders_and_lengths() -> None:
    def first_largest(items: list[int]) -> int:
        return max(items, default=0)

    def last(items: list[int]) -> int:
        return items[-1] if items else 0

    assert "reversed" in str(refused(first_largest, last, [1, 2, 3])).lower() or refused(first_largest, last, [1, 2, 3])
    source = source_of([1, 2, 3], "inputs", first_largest)
    formed = {form: Draw(source, 0, 1, form).make()["items"] for form in OF_ITEMS}
    assert formed["reversed"] == [3, 2, 1] and formed["empty"] == [] and formed["sliced"] == [2]
    assert formed["repeated"] == [1, 1, 2, 3, 1] and sorted(formed["shuffled"]) == [1, 2, 3]


def test_an_example_that_tells_nothing_apart_proves_nothing() -> None:
    assert "check is invalid" in unsound(lambda n: 1, lambda n: 1, {"n": 3})


def test_forms_in_memory_hold_the_same_values() -> None:
    example = {"items": np.arange(12.0).reshape(3, 4)}
    source = source_of(example, "inputs", total)
    for form, contiguous in (("strided", False), ("fortran", False), ("distinct", True)):
        found = Draw(source, 0, 0, form).make()["items"]  # type: ignore[arg-type]
        assert np.array_equal(found, example["items"]) and found.flags.c_contiguous is contiguous


# Strategies.


def test_a_strategy_draws_and_finds_the_smallest_difference_itself() -> None:
    strategy = st.fixed_dictionaries({"items": st.lists(st.integers(0, 1000))})
    asked(total, summed, strategy)

    def wrong_above_500(items: list[int]) -> int:
        return sum(item for item in items if item <= 500)

    assert "smallest inputs: items=[501]" in str(refused(total, wrong_above_500, strategy))


def test_a_strategy_may_draw_the_only_argument_or_a_tuple() -> None:
    asked(total, summed, st.lists(st.integers()))
    asked(
        scaled, lambda items, factor=2: [factor * i for i in items], st.tuples(st.lists(st.integers()), st.integers())
    )
    assert refused(total, without_the_last_of_four, st.lists(st.integers(1, 9), min_size=4, max_size=4))


def test_a_strategy_without_examples_is_told() -> None:
    assert "cannot be drawn from" in unsound(total, summed, st.nothing())


# Annotations.


@dataclasses.dataclass
class Order:
    amount: int
    word: str


def of_builtins(words: list[str], most: int, deep: dict[str, list[int]], flag: bool = False) -> Any:
    return len(words), most, sorted(deep)


def of_choices(kind: Literal["sum", "max"], items: tuple[int, ...]) -> int:
    return sum(items) if kind == "sum" else max(items, default=0)


def always_sum(kind: Literal["sum", "max"], items: tuple[int, ...]) -> int:
    return sum(items)


def of_orders(orders: list[Order]) -> int:
    return sum(order.amount for order in orders)


def last_order(orders: list[Order]) -> int:
    return orders[-1].amount if orders else 0


def of_arrays(x: Float[np.ndarray, "n d"], weights: Float[np.ndarray, "1 d"]) -> Any:
    return x * weights


def of_arrays_without_weights(x: Any, weights: Any) -> Any:
    return x * 1.0


def of_tensors(x: Float32[Tensor, "n 3"], chosen: Bool[Tensor, "n 1"], counts: Int[Tensor, "n 1"]) -> Any:
    return x * chosen + counts


def test_annotations_alone_suffice() -> None:
    asked(of_builtins, lambda words, most, deep, flag=False: (len(words), most, sorted(deep)))
    asked(of_choices, of_choices)
    asked(of_orders, lambda orders: sum(order.amount for order in orders))
    asked(of_arrays, lambda x, weights: weights * x)
    asked(of_tensors, of_tensors)


def test_annotations_alone_see_what_is_wrong() -> None:
    assert refused(of_choices, always_sum)
    assert refused(of_orders, last_order)
    assert refused(of_arrays, of_arrays_without_weights)
    assert refused(of_tensors, lambda x, chosen, counts: x * chosen)


def of_defaults(n: int, scale: int = 1, *, by: int = 0) -> int:
    return n * scale + by


def test_annotated_parameters_with_a_default_are_given_and_left_out() -> None:
    asked(of_defaults, lambda n, scale=1, *, by=0: by + scale * n)
    assert refused(of_defaults, lambda n, scale=1, *, by=0: n + by)
    assert refused(of_defaults, lambda n, scale=2, *, by=0: n * scale + by)
    assert refused(of_defaults, lambda n, scale=1, *, by=0: n * scale)


def unknown_annotation(n: "Nope") -> int:  # type: ignore[name-defined]  # noqa: F821
    return 1


def test_an_annotation_that_cannot_be_looked_up_is_told_as_that() -> None:
    assert "cannot be looked up" in unsound(unknown_annotation, unknown_annotation)


def test_jaxtyping_shapes_are_kept_across_arguments() -> None:
    arrays = made(None, of_arrays)
    assert arrays["x"].shape[1:] == arrays["weights"].shape[1:] and arrays["x"].dtype == np.float32
    assert len({made(None, of_arrays, seed=seed)["x"].shape for seed in range(20)}) > 3
    tensors = made(None, of_tensors)
    assert tensors["x"].shape == (len(tensors["chosen"]), 3) and tensors["counts"].dtype == torch.int64


# Errors.


def test_a_generator_that_ignores_its_seed_is_told() -> None:
    unseeded = random.Random(5)
    told = unsound(total, summed, lambda size, rng: [unseeded.random() for _ in range(size)])
    assert "ignores its seed" in told and "First apart: ['items'][0], 0." in told


def test_a_generator_that_raises_is_told_with_its_place() -> None:
    def make(size: int, rng: random.Random) -> dict[str, Any]:
        return {"items": [1 / (size - 5)]}

    words = unsound(total, summed, make, sizes=(3, 5))
    assert "raised ZeroDivisionError" in words and "size 5" in words and "test_inputs.py" in words


def test_a_generator_that_asks_the_other_kind_gets_a_hint() -> None:
    words = unsound(total, summed, in_a_file("def make(size, rng): return rng.integers(0, 9, size)"))
    assert "rng is a random.Random" in words and "np.random.Generator" in words
    words = unsound(total, summed, in_a_file("import numpy\ndef make(size, rng): return [rng.randrange(9)]"))
    assert "rng is a numpy.random" in words
    words = unsound(total, summed, in_a_file("def make(size, rng): return size.integers(9)"))
    assert "rng is a" not in words


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (lambda size, rng: {"values": []}, "gives 'values', which the functions do not take"),
        ({"values": []}, "gives 'values', which the functions do not take"),
        (lambda size, rng, more: {}, "takes 3 arguments. Expected make(size, rng) or make(rng)"),
        (lambda: {}, "takes 0 arguments"),
        (lambda *given: {}, "Expected make(size, rng)"),
        (lambda size, rng: {}, "missing a required argument: 'items'"),
    ],
)
def test_what_makes_no_arguments_is_told(given: Any, words: str) -> None:
    assert words in unsound(total, summed, given)


def test_what_is_no_arguments_of_two_parameters_is_told() -> None:
    assert "Expected a dictionary of keyword arguments: items, factor" in unsound(scaled, scaled, 5)


def test_an_example_that_cannot_be_copied_is_told() -> None:
    assert "cannot be copied" in unsound(total, summed, {"items": (i for i in range(3))})


def bare(items, factor):  # type: ignore[no-untyped-def]
    return items * factor


def half_annotated(items: list[int], factor):  # type: ignore[no-untyped-def]
    return items * factor


class Unbuildable:
    def __init__(self, key: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821


def of_unbuildable(items: Unbuildable, factor: int) -> Any:
    return factor


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (bare, "items, factor have no annotation"),
        (half_annotated, "factor has no annotation"),
        (of_unbuildable, "do not tell enough"),
    ],
)
def test_where_nothing_suffices_there_is_something_to_paste(function: Callable[..., Any], why: str) -> None:
    words = unsound(function, function)
    assert why in words
    assert words.endswith('def make(size, rng):\n    return {"items": ..., "factor": ...}')
    in_a_file(words[words.index("def make") :])


def test_a_reference_that_raises_on_all_inputs_is_told() -> None:
    assert "raises on all inputs" in unsound(total, summed, lambda size, rng: [None, None])


def test_a_reference_that_answers_differently_each_time_is_told() -> None:
    drawn = random.Random(7)
    words = unsound(lambda items: drawn.random(), summed, numbers)
    assert "differently each time" in words


def test_two_functions_of_other_parameters_are_told() -> None:
    assert "The two functions take other parameters: total(items) and scaled_by(items, by)" in unsound(
        total, scaled_by, numbers
    )


def scaled_by(items: Any, by: Any) -> Any:
    return items


def test_built_in_functions_take_arguments_by_position() -> None:
    asked(total, sum, numbers)
    assert refused(total, len, numbers)
    asked(sorted, lambda items: sorted(items), numbers)
    asked(lambda items, *, reverse: sorted(items, reverse=reverse), sorted, {"items": [3, 1, 2], "reverse": True})
    assert refused(sorted, lambda items: list(items), numbers)


def test_only_the_sizes_that_are_named_are_made() -> None:
    def make(size: int, rng: random.Random) -> list[int]:
        if size < 4:
            raise ValueError("too few")
        return [rng.randrange(9) for _ in range(size)]

    asked(total, summed, make, sizes=(4, 8))
    assert "smallest inputs" in str(refused(total, len, make, sizes=(5, 8)))
    assert "too few" in unsound(total, summed, make, sizes=(3, 8))


def test_a_seed_that_is_ignored_in_the_middle_of_a_long_array_is_seen() -> None:
    unseeded = np.random.default_rng(5)

    def make(size: int, rng: random.Random) -> Any:
        found = np.zeros(100 * size)
        found[len(found) // 2 :][:1] = unseeded.random()
        return found

    assert "ignores its seed" in unsound(total, summed, make)


def test_other_sizes_must_be_sizes() -> None:
    for sizes in ((), (-1,), ("a",)):
        with pytest.raises(BadInput, match="no sizes"):
            OwnPair(total, summed, numbers, sizes=sizes)  # type: ignore[arg-type]


def test_a_source_made_by_hand_repeats() -> None:
    source = Source(lambda size, seed: {"items": [size, seed]}, "by hand")
    assert Draw(source, 2, 3).make() == {"items": [2, 3]} and Draw(source, 2, 3) == Draw(source, 2, 3)


def in_order_of_first(items: list[int]) -> list[int]:
    return list(dict.fromkeys(items))


def sorted_instead(items: list[int]) -> list[int]:
    return sorted(set(items))


def few_items(size: int, rng: random.Random) -> dict[str, Any]:
    return {"items": [rng.randrange(size + 1) for _ in range(size)]}


@pytest.mark.usefixtures("all_draws")
def test_who_names_few_sizes_gets_as_many_draws() -> None:
    """Of five small numbers every tenth draw is in order, so that a few draws let this pass now and then."""
    given: list[tuple[int, ...]] = []

    def noted(items: list[int]) -> list[int]:
        given.append(tuple(items))
        return [*dict.fromkeys(items)]

    asked(in_order_of_first, noted, few_items, sizes=(0, 1, 5))
    assert len({items for items in given if len(items) == 5}) >= 8
    for seed in (176, 303, 342):
        assert refused(in_order_of_first, sorted_instead, few_items, sizes=(0, 1, 5), seed=seed)


@pytest.mark.parametrize(
    ("sizes", "usual"),
    [((0, 1, 5), 5), ((5,), 5), ((1,), 1), ((10, 1000), 10), ((1, 1000), 1000), ((1000, 100_000), 1000), (None, 100)],
)
def test_the_usual_size_is_some_and_takes_no_long_time(sizes: tuple[int, ...] | None, usual: int) -> None:
    assert OwnPair(in_order_of_first, sorted_instead, few_items, sizes=sizes).usual == usual


def many_digits(items: list[str]) -> int:
    return sum(len(item) for item in items)


def many_digits_of_one_row(items: list[str]) -> int:
    return len(items) * len(items[0]) if items else 0


def first_of_sorted(items: list[int]) -> int | None:
    return min(items, default=None)


def first_item(items: list[int]) -> int | None:
    return items[0] if items else None


def kinds(items: Any) -> int:
    return len(items) if isinstance(items, list) else 0


def exact_kinds(items: Any) -> int:
    return len(items) if type(items) is list else 0


@pytest.mark.parametrize(
    ("reference", "candidate", "make"),
    [
        (many_digits, many_digits_of_one_row, lambda size, rng: {"items": [f"{rng.random():.3f}"] * size}),
        (first_of_sorted, first_item, lambda size, rng: {"items": sorted(int(99 * rng.random()) for _ in range(size))}),
        (kinds, exact_kinds, lambda size, rng: {"items": [rng.random() for _ in range(size)]}),
    ],
)
def test_a_generators_promises_are_kept_unless_more_is_asked_for(reference: Any, candidate: Any, make: Any) -> None:
    asked(reference, candidate, make)
    assert refused(reference, candidate, make, grow=True)
    asked(reference, lambda items: reference(items), make, grow=True)


def test_a_function_of_starred_arguments_is_told_to_take_a_list() -> None:
    def largest(*items: int) -> int:
        return max(items)

    assert "wrap both in functions of a list" in unsound(largest, largest, lambda size, rng: {"items": [size]})


def test_a_coroutine_is_told_to_be_waited_for() -> None:
    async def later(items: list[int]) -> int:
        return sum(items)

    assert "asyncio.run" in unsound(later, later, lambda size, rng: {"items": [size]})
