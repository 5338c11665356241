"""Pairs on a CUDA device are judged there: what is moved, widened, drawn and goes back stays on it."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from speedproof.own.effects.random_numbers import drawn_apart, random_marks, random_states, seed_all
from speedproof.own.reference.nearby import changed, mixer, mover, wider

from .asked import asked, refused, unsound

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")


def rows(size: int, rng: torch.Generator) -> dict[str, Tensor]:
    return {"x": torch.randn(size + 1, 16, generator=rng).to("cuda")}


def trained(size: int, rng: torch.Generator) -> dict[str, Tensor]:
    return {"x": rows(size, rng)["x"].requires_grad_()}


def softmax(x: Tensor) -> Tensor:
    e = torch.exp(x - x.amax(dim=1, keepdim=True))
    return e / e.sum(dim=1, keepdim=True)


def of_library(x: Tensor) -> Tensor:
    return torch.softmax(x, dim=1)


def halved(x: Tensor) -> Tensor:
    return torch.softmax(x.half(), dim=1).float()


def on_the_host(x: Tensor) -> Tensor:
    return torch.softmax(x.cpu(), dim=1)


def on_the_host_and_back(x: Tensor) -> Tensor:
    return torch.softmax(x.cpu(), dim=1).cuda()


def in_place(x: Tensor) -> Tensor:
    x.sub_(x.amax(dim=1, keepdim=True))
    return torch.softmax(x, dim=1)


def detached(x: Tensor) -> Tensor:
    e = torch.exp(x - x.amax(dim=1, keepdim=True))
    return e / e.detach().sum(dim=1, keepdim=True)


def products(x: Tensor) -> Tensor:
    return torch.stack([x @ x[i] for i in range(len(x))])


def products_at_once(x: Tensor) -> Tensor:
    return x @ x.T


def products_in_tf32(x: Tensor) -> Tensor:
    with torch.autocast("cuda", dtype=torch.bfloat16):
        return (x @ x.T).float()


@pytest.mark.parametrize(
    ("reference", "candidate"),
    [(softmax, of_library), (softmax, on_the_host_and_back), (products, products_at_once)],
)
@pytest.mark.parametrize("make", [rows, trained])
def test_a_right_one_passes(reference: Callable[..., Any], candidate: Callable[..., Any], make: Any) -> None:
    assert asked(reference, candidate, make)


@pytest.mark.parametrize(
    ("reference", "candidate", "make"),
    [
        (softmax, halved, rows),
        (softmax, on_the_host, rows),
        (softmax, in_place, rows),
        (softmax, detached, trained),
        (products, products_in_tf32, rows),
    ],
)
def test_a_wrong_one_is_refused(reference: Callable[..., Any], candidate: Callable[..., Any], make: Any) -> None:
    assert refused(reference, candidate, make)


def drawn(x: Tensor) -> Tensor:
    return x + torch.rand(x.shape, device="cuda")


def drawn_twice(x: Tensor) -> Tensor:
    torch.rand(1, device="cuda")
    return x + torch.rand(x.shape, device="cuda")


def drawn_elsewhere(x: Tensor) -> Tensor:
    found = drawn(x)
    torch.rand(1, device="cuda")
    return found


def drawn_from_time(x: Tensor) -> Tensor:
    torch.cuda.seed()
    return drawn(x)


def test_the_devices_random_numbers_start_alike() -> None:
    assert asked(drawn, drawn, rows)
    assert refused(drawn, drawn_twice, rows) and refused(drawn, drawn_elsewhere, rows)
    assert "differently each time" in unsound(drawn_from_time, drawn, rows)
    torch.zeros(1, device="cuda")
    before = random_states()
    seed_all(3)
    one = random_marks()
    torch.rand(1, device="cuda")
    assert drawn_apart(one, random_marks())
    seed_all(3)
    assert not drawn_apart(one, random_marks()) and len(before) == 4


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_what_is_moved_or_widened_stays_on_the_device(dtype: torch.dtype) -> None:
    value = torch.tensor([1.0, -2.0, 3.0], dtype=dtype, device="cuda")
    for change in (mover(3, 1), mixer(1), wider):
        assert changed({"x": value}, change)["x"].device == value.device


def test_no_fault_is_planted_and_why_is_told() -> None:
    checked = asked(softmax, of_library, rows, faults=5)
    assert checked.faults and "CUDA device" in checked.faults.why_none
