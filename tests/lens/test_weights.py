"""Every tensor of a module is known and cast, wherever it hangs: plain attributes, containers, shared memory."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from speedproof.lens.subject import Subject
from speedproof.lens.weights import all_tensors, cast, in_dtype, is_in, tensors_of


class Odd(torch.nn.Module):
    """Holds tensors in every way that a module can."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.arange(6.0).reshape(2, 3))
        self.register_buffer("table", torch.tensor([1.5, 2.5]))
        self.plain = torch.tensor([0.5])
        self.listed = [torch.ones(2), {"inner": (torch.zeros(1),)}]
        self.held = SimpleNamespace(deep=torch.full((2,), 7.0))
        self.alias = self.weight.data
        self.turned = self.weight.data.T
        self.same = self.plain
        self.indices = torch.tensor([1, 2])
        fused = torch.arange(8.0)
        self.halves = (fused[:4], fused[4:])
        # Not registered, as the bridge keeps the model that it wraps.
        self.__dict__["unregistered"] = torch.nn.Linear(2, 1)


def test_every_tensor_has_a_name_and_every_memory_is_told_once() -> None:
    assert [name for name, _ in tensors_of(Odd())] == [
        *("weight", "table", "plain", "indices", "unregistered.weight", "unregistered.bias"),
        *("listed[0]", "held.deep", "halves[0]", "halves[1]", "listed[1]['inner'][0]"),
    ]


def test_all_floating_point_tensors_are_cast_and_what_shared_memory_goes_on_sharing_it() -> None:
    odd = Odd()
    before = {name: tensor.clone() for name, tensor in all_tensors(odd)}
    cast(odd, torch.float64)
    for name, tensor in all_tensors(odd):
        assert tensor.dtype == (torch.int64 if name == "indices" else torch.float64)
        assert torch.equal(tensor, before[name].to(tensor.dtype))
    odd.weight.data[0, 1] = 50.0
    assert odd.alias[0, 1] == odd.turned[1, 0] == 50.0 and odd.same is odd.plain
    assert odd.halves[0].untyped_storage().data_ptr() == odd.halves[1].untyped_storage().data_ptr()
    assert isinstance(odd.weight, torch.nn.Parameter) and is_in(odd, torch.float64)


def test_a_plain_tensor_of_another_type_is_seen() -> None:
    """The companion: torch's own cast leaves it, and the module counts as not cast."""
    assert not is_in(Odd().to(torch.float64), torch.float64)


@pytest.mark.parametrize("name", ["tiny", "tiny_bridge"])
def test_nothing_of_an_embedded_subject_is_left_out(name: str, request: Any) -> None:
    subject: Subject = request.getfixturevalue(name)
    for module in (subject.model, *subject.saes.values()):
        told = {tensor.untyped_storage().data_ptr() for _, tensor in tensors_of(module)}
        assert told >= {p.untyped_storage().data_ptr() for p in (*module.parameters(), *module.buffers())}


def test_a_module_in_its_type_already_is_left_alone() -> None:
    module = torch.nn.Linear(2, 2)
    memory = module.weight.data_ptr()
    assert in_dtype(module, "float32") is module and module.weight.data_ptr() == memory
    assert in_dtype(Odd(), "bfloat16").plain.dtype == torch.bfloat16
