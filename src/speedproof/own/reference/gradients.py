"""What flows back through an answer: the gradients of each of its tensors by every argument that asks for them."""

import functools
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from zlib import crc32

from speedproof.own.values.leaf import is_module, is_tensor, torch
from speedproof.own.values.leaves import attributes, is_users
from speedproof.pairs.marks import is_array


def has_graph(answer: Any) -> bool:
    """Whether anything can flow back through an answer."""
    return any(tensor.requires_grad for _, tensor in _tensors(answer, ""))


USUAL_FLOW = (0,)
"""What flows back through an answer is compared for one set of numbers that flow into it."""
OTHER_FLOWS = (1, 2, 3, 4)
"""Sets of numbers by which it is seen how large the reference's own errors are. Where every gradient comes from one
number that is close to 1, as in a softmax, all of one set's may be right by luck: without these, 16 of 4,000 right
gradients were beyond what was allowed, up to 11 times; with them the largest had 0.18 of it."""


def gradients_of(function: Callable[..., Any], flows: Sequence[int] = USUAL_FLOW) -> Callable[..., Any]:
    """The function that answers with the gradients of what this one answers."""

    @functools.wraps(function)
    def answered(**inputs: Any) -> Any:
        return gradients(inputs, function(**inputs), flows)

    return answered


def gradients(inputs: Mapping[str, Any], answer: Any, flows: Sequence[int] = USUAL_FLOW) -> dict[str, Any]:
    """By the names of a tensor of the answer and of one of the arguments: the gradient, of the argument's shape; with
    several flows one after the other along a first dimension of its own.

    Each tensor of the answer goes by itself, so that a small one does not drown in what flows back through a large one.
    What flows into it are numbers of both signs from 1 to 2, the same in every call for the same flow. The arguments'
    own `grad` stays as it is.
    """
    wanted = {place: one for place, one in _tensors(dict(inputs), "") if one.requires_grad}
    found: dict[str, Any] = {}
    for place, tensor in _tensors(answer, "answer") if wanted else ():
        if tensor.requires_grad:
            each = [_one_flow(tensor, place, flow, wanted) for flow in flows]
            for name in wanted:
                parts = [one[name] for one in each]
                found[f"{place} by {name}"] = parts[0] if len(parts) == 1 else torch().stack(parts)
    return found


def _one_flow(tensor: Any, place: str, flow: int, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """By argument: its gradient where these numbers flow into the tensor."""
    asked = [*wanted.values()]
    parts = torch().autograd.grad(tensor, asked, _weights(tensor, place, flow), retain_graph=True, allow_unused=True)
    return {
        name: _by_itself(argument if part is None else part, part is None)
        for name, argument, part in zip(wanted, asked, parts, strict=True)
    }


def _by_itself(part: Any, is_nothing: bool) -> Any:
    """A gradient in memory of its own; nothing that flows is zero."""
    found = torch().zeros_like(part) if is_nothing else part
    return found.detach().clone(memory_format=torch().contiguous_format) if found.layout is torch().strided else found


def _weights(tensor: Any, place: str, flow: int) -> Any:
    found = torch()
    generator = found.Generator().manual_seed(crc32(place.encode()) + flow)

    def numbers() -> Any:
        drawn = 4 * found.rand(tensor.shape, generator=generator, dtype=found.float32) - 2
        return found.where(drawn < 0, drawn - 2, drawn + 2) / 2

    both = found.complex(numbers(), numbers()) if tensor.is_complex() else numbers()
    return both.to(tensor.dtype).to(tensor.device)


def _tensors(value: Any, place: str, above: frozenset[int] = frozenset()) -> Iterator[tuple[str, Any]]:
    """All tensors in a value, parameters of modules among them, by place."""
    if id(value) in above:
        return
    above |= {id(value)}
    if is_tensor(value):
        yield place or "it", value
    elif is_module(value):
        yield from ((f"{place}.{name}", one) for name, one in value.named_parameters())
        for front, part in value.named_modules():
            held = {name: one for name, one in vars(part).items() if is_tensor(one)} | dict(part.named_buffers(front))
            yield from ((".".join(filter(None, (place, front, name))), one) for name, one in held.items())
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _tensors(one, f"{place}[{key!r}]" if place else str(key), above)
    elif isinstance(value, list | tuple | deque) or (is_array(value) and value.dtype == object):
        for n, one in enumerate(value.flat if is_array(value) else value):
            yield from _tensors(one, f"{place}[{n}]", above)
    elif is_users(value):
        for name, one in attributes(value).items():
            yield from _tensors(one, f"{place}.{name}", above)
