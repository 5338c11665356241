"""Counters of what a model and its SAEs are made to do."""

from collections import Counter as Counts
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from speedproof.counters.tally import Call, Tally


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
def real_tokens(call: Call) -> Iterator[Tally]:
    """Tokens that enter the model and are of a text; divided by `computed_tokens`, the padding efficiency.

    A pad token may be a real token too, so a row is known by its text: one of the call's texts that it begins with, or
    ends with where that explains more of the batch. Where padding makes a row look like several texts, it takes one
    that no other row has taken yet, so that over all texts the sum is right whichever was meant.

    Raises:
        RuntimeError: a row that holds none of the texts, so that its padding cannot be known.
    """
    texts = [tuple(call.inputs["model"].to_tokens(text)[0].tolist()) for text in call.inputs["texts"]]
    rows = _Rows(texts)
    with _on_call(call.inputs["model"].embed, lambda tokens: rows.real(tokens.tolist())) as tally:
        yield tally


class _Rows:
    """Which of the texts each row of tokens holds."""

    def __init__(self, texts: Sequence[tuple[int, ...]]) -> None:
        self.texts = texts
        self.longest_first = sorted(set(texts), key=len, reverse=True)
        self.left = Counts(texts)

    def real(self, batch: Sequence[Sequence[int]]) -> int:
        """How many of the batch's tokens are of a text."""
        sides = [[self._fitting(row, at_end) for row in batch] for at_end in (False, True)]
        fitting = max(sides, key=lambda side: sum(len(texts[0]) for texts in side if texts))
        if not all(fitting):
            raise RuntimeError("The model was given tokens that are none of the texts, with or without padding.")
        return sum(map(self._take, fitting))

    def _fitting(self, row: Sequence[int], at_end: bool) -> list[tuple[int, ...]]:
        return [
            text
            for text in self.longest_first
            if tuple(row[len(row) - len(text) :] if at_end else row[: len(text)]) == text
        ]

    def _take(self, fitting: Sequence[tuple[int, ...]]) -> int:
        if not any(self.left[text] > 0 for text in fitting):
            # The texts are run once more.
            self.left.update(self.texts)
        taken = next(text for text in fitting if self.left[text] > 0)
        self.left[taken] -= 1
        return len(taken)


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
def hook_fires(call: Call) -> Iterator[Tally]:
    """Hook functions at the hook points of the model that are reached; a cache is a hook at every point it keeps."""
    # One point may have several names.
    points = {id(point): point for point in call.inputs["model"].hook_dict.values()}.values()
    tally = Tally()

    def add(point: Any, args: Any) -> None:
        tally.count += len(point._forward_hooks)

    handles = [point.register_forward_pre_hook(add) for point in points]
    try:
        yield tally
    finally:
        for handle in handles:
            handle.remove()


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
def _on_call(module: Any, amount: Callable[[Any], int]) -> Iterator[Tally]:
    tally = Tally()

    def add(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        tally.count += amount(args[0] if args else next(iter(kwargs.values())))

    handle = module.register_forward_pre_hook(add, with_kwargs=True)
    try:
        yield tally
    finally:
        handle.remove()
