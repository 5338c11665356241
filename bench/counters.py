"""Counters: how much work a call does, the same on every machine and under any load.

Each counter is a context manager over a call's inputs that yields a `Tally`. Counted calls are never timed.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from .clock import elapsed_s
from .equivalence import Inputs


@dataclass
class Tally:
    """What a counter has seen so far."""

    count: int = 0


Counter = Callable[[Inputs], AbstractContextManager[Tally]]


def count(counters: Sequence[Counter], twin: Callable[..., Any], inputs: Inputs) -> dict[str, int]:
    """Every counter's tally over one call of `twin`, by the counter's name."""
    with ExitStack() as stack:
        tallies = {counter.__name__: stack.enter_context(counter(inputs)) for counter in counters}
        elapsed_s(lambda: twin(**inputs))
    return {name: tally.count for name, tally in tallies.items()}


@contextmanager
def forward_passes(inputs: Inputs) -> Iterator[Tally]:
    """Calls of the model: each embeds its tokens once."""
    with _on_call(inputs["model"].embed, lambda tokens: 1) as tally:
        yield tally


@contextmanager
def computed_tokens(inputs: Inputs) -> Iterator[Tally]:
    """Tokens that enter the model, padding included."""
    with _on_call(inputs["model"].embed, lambda tokens: int(tokens.numel())) as tally:
        yield tally


@contextmanager
def token_layers(inputs: Inputs) -> Iterator[Tally]:
    """Tokens times blocks finished, padding included. A block that a hook cuts short does not count."""
    tally = Tally()

    def add(module: Any, args: Any, output: Any) -> None:
        value = output[0] if isinstance(output, tuple) else output
        tally.count += value.shape[0] * value.shape[1]

    handles = [block.register_forward_hook(add) for block in inputs["model"].blocks]
    try:
        yield tally
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def flops(inputs: Inputs) -> Iterator[Tally]:
    """Floating-point operations of matrix products. None at all is an error: then the counter saw nothing."""
    tally = Tally()
    with FlopCounterMode(display=False) as mode:
        yield tally
    tally.count = mode.get_total_flops()
    if tally.count == 0:
        raise RuntimeError("The FLOP counter saw no matrix product. Expected at least one forward pass.")


@contextmanager
def encodes(inputs: Inputs) -> Iterator[Tally]:
    """Full encodes of an SAE."""
    saes = inputs["saes"].values() if "saes" in inputs else [inputs["sae"]]
    with ExitStack() as stack:
        parts = [stack.enter_context(_on_call(sae.hook_sae_acts_post, lambda acts: 1)) for sae in saes]
        tally = Tally()
        yield tally
        tally.count = sum(part.count for part in parts)


@contextmanager
def bytes_saved_for_backward(inputs: Inputs) -> Iterator[Tally]:
    """Bytes that autograd keeps over the call, weights excluded, each tensor once per saving."""
    tally = Tally()

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        if not isinstance(tensor, torch.nn.Parameter):
            tally.count += tensor.numel() * tensor.element_size()
        return tensor

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
def string_comparisons(inputs: Inputs) -> Iterator[Tally]:
    """Comparisons of a text with another string object."""
    tally = Tally()
    texts = inputs["texts"]
    plain = list(texts)
    for i, text in enumerate(plain):
        texts[i] = _CountedText(text)
        texts[i].tally = tally
    try:
        yield tally
    finally:
        texts[:] = plain


_directory_scans: list[Tally] = []


def _audit(event: str, _: Any) -> None:
    if _directory_scans and event in ("os.scandir", "os.listdir"):
        for tally in _directory_scans:
            tally.count += 1


sys.addaudithook(_audit)


@contextmanager
def directory_scans(inputs: Inputs) -> Iterator[Tally]:
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
