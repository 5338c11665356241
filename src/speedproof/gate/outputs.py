"""What can be said of an output without knowing the answer: whose memory it is in, and whether autograd can use it."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import fields, is_dataclass
from typing import Any

from speedproof.digest import digest
from speedproof.errors import NotEquivalent
from speedproof.pairs.kit import Kit

UNCHANGING = (bool, int, float, complex, str, bytes, type(None))
"""Nothing can be written into values of these, and there may be a million of them."""


def objections(
    kit: Kit, output: Any, held: Set[int], foreign: Set[int], usual: tuple[bool, bool]
) -> Iterator[NotEquivalent]:
    """One for each rule that the output breaks by what it is.

    `held` is the memory of earlier calls' outputs, which are still alive; `foreign` is other memory that no output may
    share; `usual` is how autograd sees the definition's output.
    """
    own = memory(kit, output)
    if not own.isdisjoint(held | foreign):
        whose = "an input or a weight" if own.isdisjoint(held) else "an earlier output"
        yield NotEquivalent(
            "own memory", f"returns memory that {whose} holds, so one changes with the other. Expected a new output."
        )
    graph, inference = autograd(kit, output)
    if graph != usual[0]:
        yield NotEquivalent(
            "autograd", f"output {'carries' if graph else 'lacks'} an autograd graph, unlike the definition's."
        )
    if inference and not usual[1]:
        yield NotEquivalent(
            "autograd", "output is an inference tensor, which raises when it later meets autograd. Clone it outside."
        )


def autograd(kit: Kit, output: Any) -> tuple[bool, bool]:
    """Whether anything in the output carries an autograd graph, and whether anything can never join one."""
    seen = [kit.autograd(part) for part in _parts(output)]
    return any(graph for graph, _ in seen), any(inference for _, inference in seen)


def memory(kit: Kit, value: Any) -> set[int]:
    """Addresses of what a later call could write into: tensors' storage, arrays, lists, dictionaries."""
    return {place for part in _parts(value) if type(part) not in UNCHANGING for place in kit.memory(part)}


def fingerprint(kit: Kit, inputs: Mapping[str, Any]) -> str:
    """Changes when a call changes its inputs: plain data, arrays and tensors by content, other objects by identity."""
    return digest({name: _mark(kit, value) for name, value in inputs.items()})


def _mark(kit: Kit, value: Any) -> Any:
    if isinstance(value, dict):
        return [(repr(k), _mark(kit, v)) for k, v in value.items()]
    if isinstance(value, list | tuple):
        return [_mark(kit, v) for v in value]
    return kit.mark(value)


def _parts(value: Any) -> Iterator[Any]:
    """The value and all that is in it, each container once, however deep."""
    waiting, met = [value], set()
    while waiting:
        one = waiting.pop()
        yield one
        if id(one) not in met:
            met.add(id(one))
            waiting += reversed(_inside(one))


def _inside(value: Any) -> list[Any]:
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, field.name) for field in fields(value)]
    is_tree = isinstance(value, list | tuple | dict)
    return list(value.values() if isinstance(value, dict) else value) if is_tree else []
