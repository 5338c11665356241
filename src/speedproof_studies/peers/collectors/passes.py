"""What all peers share: tokens, passes of like lengths, and what a library needs to be built once."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

import impl_sequential.text_batching as sequential
from speedproof.clock import elapsed_s
from speedproof.errors import BadInput

TOKEN_BUDGET = 512
"""Tokens in one pass, padding included: as many as the batched twin took when the peers were first timed."""


@dataclass(frozen=True)
class Made:
    """What a peer is called with, made of a model's weights as they are now, and the seconds that took."""

    library: Any
    """The library's own object: a model, a store, a wrapper."""
    tokenizer: Any
    """A copy, since a call changes how the tokenizer pads and cuts."""
    model: Any
    stamp: tuple[Any, ...]
    took_s: float


_made: dict[str, Made] = {}
"""The last one of each peer. Weights that change make another."""


def made(peer: str, model: Any, layer: int, make: Callable[[], Any]) -> Made:
    """What `make` gives for these weights and that layer, made anew where either has changed since."""
    stamp = (layer, *((one.data_ptr(), one._version) for one in model.parameters()))
    known = _made.get(peer)
    if known is None or known.model is not model or known.stamp != stamp:
        _made.pop(peer, None)
        library, took_s = elapsed_s(make)
        known = _made[peer] = Made(library, copy.deepcopy(model.tokenizer), model, stamp, took_s)
    return known


def made_in_s(peer: str) -> float | None:
    """Seconds that it took last to make what the peer is called with; None where it has not been called."""
    return _made[peer].took_s if peer in _made else None


def layer_read(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> int:
    """The block whose input the hook is.

    Raises:
        ValueError, TypeError: as the definition.
        BadInput: the hook is no block's input; no peer is asked about another.
    """
    sequential._check(model, hook_name, texts)
    place, _, kind = hook_name.rpartition(".")
    if kind != "hook_resid_pre":
        raise BadInput(f"{hook_name} is no block's input. Expected blocks.LAYER.hook_resid_pre.")
    return int(place.split(".")[1])


def encoded(sae: Any, hook_name: str, acts: Tensor) -> Tensor:
    """The features of the last tokens, of all texts at once. Raises ValueError where the width is another."""
    sequential._check_width(sae, hook_name, acts)
    features: Tensor = sae.encode(acts)
    return features


def last_tokens(known: Made, texts: Sequence[str], run: Callable[[Tensor], Tensor]) -> Tensor:
    """The value at each text's last token, of shape [text, width]; `run` takes tokens [text, position] padded behind.

    Every peer is given the best batches that a user would make: all texts tokenised in one call, and run in order of
    length, as many in a pass as the budget takes.
    """
    tokens = tokenised(known, texts)
    rows: list[Tensor | None] = [None] * len(texts)
    for chosen in passes([len(one) for one in tokens]):
        padded = pad_sequence([torch.tensor(tokens[i]) for i in chosen], batch_first=True)
        value = run(padded)
        for place, i in enumerate(chosen):
            rows[i] = value[place, len(tokens[i]) - 1]
    return torch.stack([row for row in rows if row is not None])


def tokenised(known: Made, texts: Sequence[str]) -> list[list[int]]:
    """Each text's tokens as the model has them: with its bos before them, cut at the context's end."""
    n_ctx = known.model.cfg.n_ctx
    found: list[list[int]] = known.tokenizer(with_bos(known, texts), truncation=True, max_length=n_ctx)["input_ids"]
    return found


def with_bos(known: Made, texts: Sequence[str]) -> list[str]:
    """The texts with the bos before them, where the model wants one that the tokenizer does not give."""
    cfg = known.model.cfg
    bos = known.tokenizer.bos_token if cfg.default_prepend_bos and not cfg.tokenizer_prepends_bos else ""
    return [bos + text for text in texts]


def passes(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Texts in order of length, in runs within the token budget once padded; at least one text each."""
    chosen: list[int] = []
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        if chosen and (len(chosen) + 1) * lengths[i] > TOKEN_BUDGET:
            yield chosen
            chosen = []
        chosen.append(i)
    yield chosen
