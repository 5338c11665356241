"""Counters: how much work a call does, the same on every machine and under any load.

Each counter is a context manager over a `Call` that yields a `Tally`. Counted calls are never timed.
"""

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from .clock import elapsed_s
from .duplicates import find_duplicates
from .equivalence import Inputs


@dataclass
class Tally:
    """What a counter has seen so far."""

    count: int = 0


@dataclass(frozen=True)
class Call:
    """A twin and the inputs that it is about to be called with."""

    twin: Callable[..., Any]
    inputs: Inputs


Counter = Callable[[Call], AbstractContextManager[Tally]]


def count(counters: Sequence[Counter], twin: Callable[..., Any], inputs: Inputs) -> dict[str, int]:
    """Every counter's tally over one call of `twin`, by the counter's name."""
    with ExitStack() as stack:
        call = Call(twin, inputs)
        tallies = {counter.__name__: stack.enter_context(counter(call)) for counter in counters}
        elapsed_s(lambda: twin(**inputs))
    return {name: tally.count for name, tally in tallies.items()}


@contextmanager
def forward_passes(call: Call) -> Iterator[Tally]:
    """Calls of the model: each embeds its tokens once."""
    with _on_call(call.inputs["model"].embed, lambda tokens: 1) as tally:
        yield tally


@contextmanager
def computed_tokens(call: Call) -> Iterator[Tally]:
    """Tokens that enter the model, padding included."""
    with _on_call(call.inputs["model"].embed, lambda tokens: int(tokens.numel())) as tally:
        yield tally


@contextmanager
def token_layers(call: Call) -> Iterator[Tally]:
    """Tokens times blocks finished, padding included. A block that a hook cuts short does not count."""
    tally = Tally()

    def add(module: Any, args: Any, output: Any) -> None:
        value = output[0] if isinstance(output, tuple) else output
        tally.count += value.shape[0] * value.shape[1]

    handles = [block.register_forward_hook(add) for block in call.inputs["model"].blocks]
    try:
        yield tally
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def flops(call: Call) -> Iterator[Tally]:
    """Floating-point operations of matrix products. None at all is an error: then the counter saw nothing."""
    tally = Tally()
    with _Flops(tally):
        yield tally
    if tally.count == 0:
        raise RuntimeError("The FLOP counter saw no matrix product. Expected at least one forward pass.")


class _Flops(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up torch's own FLOP formulas. `FlopCounterMode` would also track modules, and its hooks keep every graph
    of a loop alive: over ten gigabytes on the report's workload."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.tally = tally

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        output = func(*args, **kwargs)
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.tally.count += formula(*args, **kwargs, out_val=output)
        return output


@contextmanager
def encodes(call: Call) -> Iterator[Tally]:
    """Full encodes of an SAE."""
    saes = call.inputs["saes"].values() if "saes" in call.inputs else [call.inputs["sae"]]
    with ExitStack() as stack:
        parts = [stack.enter_context(_on_call(sae.hook_sae_acts_post, lambda acts: 1)) for sae in saes]
        tally = Tally()
        yield tally
        tally.count = sum(part.count for part in parts)


@contextmanager
def bytes_saved_for_backward(call: Call) -> Iterator[Tally]:
    """Bytes that autograd saves over the call, added up over forward passes; weights and views of them excluded."""
    tally = Tally()
    weights = {p.untyped_storage().data_ptr() for p in call.inputs["model"].parameters()}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().data_ptr() not in weights:
            tally.count += tensor.numel() * tensor.element_size()
        # An output that is saved whole would hold its own graph, and so never be freed.
        return tensor.detach()

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield tally


class _CountedText(str):
    """A string that counts how often it is compared with another object."""

    tally: Tally

    def __eq__(self, other: object) -> bool:
        self.tally.count += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


@contextmanager
def string_comparisons(call: Call) -> Iterator[Tally]:
    """Comparisons of a text with another string object."""
    tally = Tally()
    texts = call.inputs["texts"]
    plain = list(texts)
    for i, text in enumerate(plain):
        texts[i] = _CountedText(text)
        texts[i].tally = tally
    try:
        yield tally
    finally:
        texts[:] = plain


@contextmanager
def duplicate_definitions(call: Call) -> Iterator[Tally]:
    """Functions that the twin's file defines more than once."""
    yield Tally(len(find_duplicates([Path(inspect.getsourcefile(call.twin) or "")])))


_directory_scans: list[Tally] = []


def _audit(event: str, _: Any) -> None:
    if _directory_scans and event in ("os.scandir", "os.listdir"):
        for tally in _directory_scans:
            tally.count += 1


sys.addaudithook(_audit)


@contextmanager
def directory_scans(call: Call) -> Iterator[Tally]:
    """Directories that are listed, by Python's audit events."""
    tally = Tally()
    _directory_scans.append(tally)
    try:
        yield tally
    finally:
        _directory_scans.remove(tally)


@contextmanager
def _on_call(module: Any, amount: Callable[[Any], int]) -> Iterator[Tally]:
    tally = Tally()

    def add(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        tally.count += amount(args[0] if args else next(iter(kwargs.values())))

    handle = module.register_forward_pre_hook(add, with_kwargs=True)
    try:
        yield tally
    finally:
        handle.remove()
