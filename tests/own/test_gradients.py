"""What flows back through an answer is compared like the answer, and by nothing but its own allowance."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from speedproof.own.reference import answers
from speedproof.own.reference.gradients import USUAL_FLOW, gradients

from .asked import asked, refused


def rows(size: int, rng: torch.Generator) -> dict[str, Tensor]:
    """Rows and weights that ask for gradients."""
    made = {"rows": torch.randn(size, 3, generator=rng), "weights": torch.randn(3, generator=rng)}
    return {name: one.requires_grad_() for name, one in made.items()}


def softmax(rows: Tensor, weights: Tensor) -> Tensor:
    shifted = torch.exp(rows * weights - (rows * weights).amax(dim=-1, keepdim=True))
    return shifted / shifted.sum(dim=-1, keepdim=True)


def softmax_of_library(rows: Tensor, weights: Tensor) -> Tensor:
    return torch.softmax(rows * weights, dim=-1)


def softmax_without_rows(rows: Tensor, weights: Tensor) -> Tensor:
    """Nothing flows back to the rows."""
    return torch.softmax(rows.detach() * weights, dim=-1)


class RoundedAt(torch.autograd.Function):
    """The same numbers; what flows back is rounded as a number of that size is."""

    @staticmethod
    def forward(context: Any, value: Tensor, size: float) -> Tensor:
        context.size = size
        return value.clone()

    @staticmethod
    def backward(context: Any, flowing: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        return (flowing + context.size) - context.size, None


class Halved(torch.autograd.Function):
    """The same numbers, of which half flows back."""

    @staticmethod
    def forward(context: Any, value: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(context: Any, flowing: Tensor) -> Tensor:  # type: ignore[override]
        return flowing / 2


class Raising(Halved):
    @staticmethod
    def backward(context: Any, flowing: Tensor) -> Tensor:  # type: ignore[override]
        raise NotImplementedError("nobody has written it")


def softmax_halved(rows: Tensor, weights: Tensor) -> Tensor:
    return Halved.apply(softmax(rows, weights))  # type: ignore[no-any-return, no-untyped-call]


def softmax_of_none(rows: Tensor, weights: Tensor) -> Tensor:
    return Raising.apply(softmax(rows, weights))  # type: ignore[no-any-return, no-untyped-call]


class WrittenOut(torch.autograd.Function):
    """The gradient of a softmax by its formula."""

    @staticmethod
    def forward(context: Any, value: Tensor) -> Tensor:
        found = torch.softmax(value, dim=-1)
        context.save_for_backward(found)
        return found

    @staticmethod
    def backward(context: Any, flowing: Tensor) -> Tensor:  # type: ignore[override]
        (found,) = context.saved_tensors
        return found * (flowing - (flowing * found).sum(dim=-1, keepdim=True))  # type: ignore[no-any-return]


def softmax_written_out(rows: Tensor, weights: Tensor) -> Tensor:
    return WrittenOut.apply(rows * weights)  # type: ignore[no-any-return, no-untyped-call]


@pytest.mark.parametrize("candidate", [softmax_of_library, softmax_written_out])
def test_a_right_one_passes(candidate: Callable[..., Any]) -> None:
    assert asked(softmax, candidate, rows)


@pytest.mark.parametrize("candidate", [softmax_without_rows, softmax_halved, softmax_of_none])
def test_the_same_answer_with_other_gradients_is_refused(candidate: Callable[..., Any]) -> None:
    told = refused(softmax, candidate, rows)
    assert told.rule == "autograd", str(told)
    assert "flows back" in str(told) or "NotImplementedError" in str(told)


def test_where_all_gradients_are_right_by_luck_others_tell_how_large_their_errors_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What flows into the one number here has a zero for its last digit, so that adding 1 to it loses nothing."""

    def lucky(x: Tensor) -> Tensor:
        return RoundedAt.apply(x, 1.0)  # type: ignore[no-any-return, no-untyped-call]

    def as_good(x: Tensor) -> Tensor:
        return RoundedAt.apply(x, 2.0**7)  # type: ignore[no-any-return, no-untyped-call]

    def worse(x: Tensor) -> Tensor:
        return RoundedAt.apply(x, 2.0**12)  # type: ignore[no-any-return, no-untyped-call]

    assert asked(lucky, as_good, one, sizes=[1])
    assert refused(lucky, worse, one, sizes=[1]).rule == "autograd"
    monkeypatch.setattr(answers, "OTHER_FLOWS", USUAL_FLOW)
    assert "64 times the largest of the reference's own errors" in str(refused(lucky, as_good, one, sizes=[1]))


def test_both_may_raise_when_one_goes_back() -> None:
    assert asked(softmax_of_none, softmax_of_none, rows)
    assert "the reference NotImplementedError" in str(refused(softmax_of_none, softmax, rows))


def test_a_small_part_of_an_answer_does_not_drown_in_a_large_one() -> None:
    def both(rows: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        return 1e12 * rows.sum() * weights, softmax(rows, weights)

    def second_halved(rows: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        return 1e12 * rows.sum() * weights, softmax_halved(rows, weights)

    assert refused(both, second_halved, rows).rule == "autograd"


def test_by_a_models_weights_and_in_answers_of_ones_own() -> None:
    @dataclass
    class Answer:
        loss: Tensor
        parts: dict[str, list[Tensor]]

    def make(size: int, rng: torch.Generator) -> dict[str, Any]:
        torch.manual_seed(0)
        return {"model": torch.nn.Linear(3, 2), "x": torch.randn(size, 3, generator=rng)}

    def forward(model: torch.nn.Linear, x: Tensor) -> Answer:
        found = x @ model.weight.T + model.bias
        return Answer(found.square().sum(), {"outputs": [found]})

    def by_call(model: torch.nn.Linear, x: Tensor) -> Answer:
        found = model(x)
        return Answer((found * found).sum(), {"outputs": [found]})

    def without_bias(model: torch.nn.Linear, x: Tensor) -> Answer:
        found = x @ model.weight.T + model.bias.detach()
        return Answer((found * found).sum(), {"outputs": [found]})

    assert asked(forward, by_call, make)
    told = refused(forward, without_bias, make)
    assert told.rule == "autograd" and "by model.bias" in str(told)


def test_nothing_that_flows_and_zero_are_one() -> None:
    def alone(rows: Tensor, weights: Tensor) -> Tensor:
        return rows * 2

    def with_nothing(rows: Tensor, weights: Tensor) -> Tensor:
        return rows + rows + 0 * weights.sum()

    assert asked(alone, with_nothing, rows)


def test_without_a_graph_nothing_goes_back() -> None:
    calls: list[Tensor] = []

    def plain(rows: Tensor) -> Tensor:
        return rows * 2

    def counted(rows: Tensor) -> Tensor:
        rows.register_hook(calls.append) if rows.requires_grad else None  # type: ignore[no-untyped-call]
        return rows + rows

    def make(size: int, rng: torch.Generator) -> dict[str, Tensor]:
        return {"rows": torch.randn(size, generator=rng)}

    assert asked(plain, counted, make) and not calls


def test_ones_own_grad_stays_as_it_is() -> None:
    x = torch.ones(3, requires_grad=True)
    x.grad = torch.full((3,), 7.0)
    found = gradients({"x": x}, [x * 2, {"y": x.sum()}])
    assert {name: one.shape for name, one in found.items()} == {"answer[0] by x": (3,), "answer[1]['y'] by x": (3,)}
    assert x.grad.tolist() == [7.0] * 3
    assert found["answer[0] by x"].tolist() == gradients({"x": x}, [x + x])["answer[0] by x"].tolist()


def guided(x: Tensor) -> Tensor:
    """A rectifier through which only what is positive flows back."""
    return Guided.apply(x)  # type: ignore[no-any-return, no-untyped-call]


class Guided(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, value: Tensor) -> Tensor:
        context.save_for_backward(value)
        return value.relu()

    @staticmethod
    def backward(context: Any, flowing: Tensor) -> Tensor:  # type: ignore[override]
        (value,) = context.saved_tensors
        return flowing.clamp(min=0) * (value > 0)  # type: ignore[no-any-return]


def one(size: int, rng: torch.Generator) -> dict[str, Tensor]:
    return {"x": torch.randn(size, generator=rng).requires_grad_()}


def test_what_flows_in_has_both_signs() -> None:
    assert refused(torch.relu, guided, one).rule == "autograd"
    assert asked(lambda x: torch.relu(x), lambda x: x.clamp(min=0) * (x > 0), one)


def test_both_parts_of_a_complex_number_count() -> None:
    def both(x: Tensor) -> Tensor:
        return torch.complex(x, x * x)

    assert asked(both, lambda x: x + 1j * x.square(), one)
    assert refused(both, lambda x: torch.complex(x, (x * x).detach()), one).rule == "autograd"


HOLDERS: dict[str, Callable[[Tensor], Any]] = {
    "a deque": lambda value: deque([value]),
    "an array of objects": lambda value: _boxed([value]),
    "a mapping in a tuple": lambda value: ({"a": [value]},),
}


def _boxed(values: list[Any]) -> Any:
    found = np.empty(len(values), dtype=object)
    for place, one in enumerate(values):
        found[place] = one
    return found


@pytest.mark.parametrize("holder", HOLDERS.values(), ids=HOLDERS)
def test_tensors_are_found_in_whatever_holds_them(holder: Callable[[Tensor], Any]) -> None:
    assert gradients({"x": (x := torch.ones(2, requires_grad=True))}, holder(x * x))
    assert refused(lambda x: holder(x * x), lambda x: holder(x * x.detach()), one).rule == "autograd"


def test_what_a_module_holds_beside_its_parameters_counts() -> None:
    class Scaled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = torch.full((1,), 3.0, requires_grad=True)

    def make(size: int, rng: torch.Generator) -> dict[str, Any]:
        return {"module": Scaled(), "x": torch.randn(size + 1, generator=rng)}

    assert asked(lambda module, x: module.scale * x, lambda module, x: x * module.scale, make)

    def without_it(module: Any, x: Tensor) -> Tensor:
        return x * module.scale.detach() + 0 * module.scale

    told = refused(lambda module, x: module.scale * x, without_it, make)
    assert told.rule == "autograd" and "module.scale" in str(told)


def test_an_answer_without_tensors_for_some_sizes_carries_no_graph_there() -> None:
    assert asked(lambda x: [row * 2 for row in x], lambda x: [row + row for row in x], one)
    assert refused(lambda x: [row * 2 for row in x], lambda x: [row.detach() * 2 for row in x], one).rule == "autograd"
