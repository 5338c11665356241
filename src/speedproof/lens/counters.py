"""Counters of what a model and its SAEs are made to do."""

from collections import Counter as Counts
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, wraps
from itertools import pairwise, takewhile
from types import FunctionType
from typing import Any

from torch import Tensor
from transformer_lens.hook_points import HookPoint

from speedproof.counters.tally import Call, Tally
from speedproof.tensors.counters import Operators


@contextmanager
def forward_passes(call: Call) -> Iterator[Tally]:
    """Passes through the model: each looks its tokens up once."""
    with _on_look_up(call, lambda tokens: 1) as tally:
        yield tally


@contextmanager
def computed_tokens(call: Call) -> Iterator[Tally]:
    """Tokens that enter the model, padding included."""
    with _on_look_up(call, lambda tokens: int(tokens.numel())) as tally:
        yield tally


@contextmanager
def real_tokens(call: Call) -> Iterator[Tally]:
    """Tokens that enter the model and are of a text; divided by `computed_tokens`, the padding efficiency.

    A pad token may be a real token too, so a row is known by its text: one of the call's texts that it begins with, or
    ends with where that explains more of the batch. Where padding makes a row look like several texts, it takes one
    that no other row has taken yet, so that over all texts the sum is right whichever was meant. A row that is of no
    batch is texts one behind the other, without padding; what several texts begin with may be left out of some.

    Raises:
        RuntimeError: a row that holds none of the texts, so that its padding cannot be known.
    """
    texts = [tuple(call.inputs["model"].to_tokens(text)[0].tolist()) for text in call.inputs["texts"]]
    rows = _Rows(texts)
    with _on_look_up(call, lambda tokens: rows.real(tokens.tolist())) as tally:
        yield tally


class _Rows:
    """Which of the texts each row of tokens holds."""

    def __init__(self, texts: Sequence[tuple[int, ...]]) -> None:
        self.texts = texts
        self.longest_first = sorted(set(texts), key=len, reverse=True)
        self.left = Counts(texts)

    def real(self, batch: Sequence[Any]) -> int:
        """How many of the batch's tokens are of a text."""
        if batch and isinstance(batch[0], int):
            return self._packed(tuple(batch))
        sides = [[self._fitting(row, at_end) for row in batch] for at_end in (False, True)]
        fitting = max(sides, key=lambda side: sum(len(texts[0]) for texts in side if texts))
        if not all(fitting):
            raise RuntimeError("The model was given tokens that are none of the texts, with or without padding.")
        return sum(map(self._take, fitting))

    def _packed(self, row: tuple[int, ...]) -> int:
        # From the end: every part ends as a text does, so no part needs to be kept.
        ends = {len(row)}
        for end in range(len(row), 0, -1):
            if end in ends:
                for text, n_shared in self._by_last_token.get(row[end - 1], ()):
                    n_there = _n_alike(reversed(text), (row[place] for place in range(end - 1, -1, -1)))
                    ends |= {end - n for n in range(max(len(text) - n_shared, 1), n_there + 1)}
        if 0 not in ends:
            raise RuntimeError("The model was given tokens in one row that are no texts one behind the other.")
        return len(row)

    @cached_property
    def _by_last_token(self) -> dict[int, list[tuple[tuple[int, ...], int]]]:
        """Texts by their last token, each with how many tokens it begins with as another does."""
        in_order, n_shared = sorted(self.longest_first), Counts[tuple[int, ...]]()
        for one, other in pairwise(in_order):
            n_alike = _n_alike(one, other)
            n_shared[one], n_shared[other] = max(n_shared[one], n_alike), max(n_shared[other], n_alike)
        by_last_token = defaultdict(list)
        for text in filter(None, in_order):
            by_last_token[text[-1]].append((text, n_shared[text]))
        return by_last_token

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


def _n_alike(one: Iterable[int], other: Iterable[int]) -> int:
    """How many tokens two runs of them begin with alike."""
    return sum(1 for _ in takewhile(lambda two: two[0] == two[1], zip(one, other, strict=False)))


@contextmanager
def token_layers(call: Call) -> Iterator[Tally]:
    """Tokens times blocks that take their last product for them, padding included."""
    weights = {_memory(weight) for block in call.inputs["model"].blocks for weight in _last_weights(block)}
    tally = Tally()

    def seen(func: Any, args: Any, kwargs: Any, output: Any) -> None:
        is_product = func._overloadpacket.__name__ in ("addmm", "mm", "bmm", "baddbmm")
        if is_product and any(_memory(one) in weights for one in args if isinstance(one, Tensor)):
            tally.count += output.numel() // output.shape[-1]

    with Operators(seen):
        yield tally


def _last_weights(block: Any) -> list[Tensor]:
    """The weight and bias of a block's last product. The weight may be copied before it is used; the bias is not."""
    mlp = getattr(block, "mlp", None)
    if mlp is None:
        return [block.attn.W_O, block.attn.b_O]
    return [mlp.W_out, mlp.b_out] if "b_out" in dict(mlp.named_parameters()) else list(mlp.out.parameters())


def _memory(tensor: Tensor) -> int:
    return int(tensor.untyped_storage().data_ptr())


@contextmanager
def hook_fires(call: Call) -> Iterator[Tally]:
    """Hook functions at the hook points of the model that are reached; a cache is a hook at every point it keeps."""
    points = call.inputs["model"].hook_dict.values()
    with _on_points(points, lambda point: len(point._forward_hooks)) as tally:
        yield tally


@contextmanager
def encodes(call: Call) -> Iterator[Tally]:
    """Full encodes of an SAE."""
    saes = call.inputs["saes"].values() if "saes" in call.inputs else [call.inputs["sae"]]
    with _on_points([sae.hook_sae_acts_post for sae in saes], lambda point: 1) as tally:
        yield tally


@contextmanager
def _on_points(points: Iterable[Any], amount: Callable[[Any], int]) -> Iterator[Tally]:
    """Adds up over the hook points that are reached, unseen by code that asks for hooks or for patched functions."""
    # One point may have several names.
    watched, tally, forward = {id(point) for point in points}, Tally(), HookPoint.forward

    def counted(point: Any, *args: Any, **kwargs: Any) -> Any:
        if id(point) in watched:
            tally.count += amount(point)
        return forward(point, *args, **kwargs)

    # A twin that takes another way where somebody put a function into the library would be counted on that other way.
    as_the_library = FunctionType(counted.__code__, forward.__globals__, closure=counted.__closure__)
    HookPoint.forward = wraps(forward)(as_the_library)  # type: ignore[method-assign]
    try:
        yield tally
    finally:
        HookPoint.forward = forward  # type: ignore[method-assign]


@contextmanager
def _on_look_up(call: Call, amount: Callable[[Tensor], int]) -> Iterator[Tally]:
    """Adds up over the tokens that are looked up in the model's embedding, by the model or by who reads its weights."""
    table, tally = next(iter(call.inputs["model"].embed.parameters())), Tally()

    def seen(func: Any, args: Any, kwargs: Any, output: Any) -> None:
        name = func._overloadpacket.__name__
        if name in ("embedding", "index", "index_select") and _memory(args[0]) == _memory(table):
            tally.count += amount(args[1][0] if name == "index" else args[-1 if name == "index_select" else 1])

    with Operators(seen):
        yield tally
