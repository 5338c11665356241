"""Changes of weights, made to the objects of an earlier call: whoever remembers the answer to them is now wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from speedproof.pairs.contract import Inputs

from .oracle import Oracle
from .subject import Subject


@contextmanager
def sae_weights_rolled(inputs: Inputs, subject: Subject, oracle: Oracle) -> Iterator[Oracle]:
    """Every SAE keeps its name, identity and shapes, and each of its features becomes the next one."""
    for sae in subject.saes.values():
        roll_features(sae, 1)
    try:
        yield oracle.of_altered_saes()
    finally:
        for sae in subject.saes.values():
            roll_features(sae, -1)


@torch.no_grad()
def roll_features(sae: Any, by: int) -> None:
    """Makes each of the SAE's features the one `by` places on."""
    for name, weight in [*sae.named_parameters(), *sae.named_buffers()]:
        if name == "b_dec":
            continue
        along = 0 if name == "W_dec" else -1
        weight.copy_(weight.roll(by, dims=along))


@contextmanager
def model_weights_rolled(inputs: Inputs, subject: Subject, oracle: Oracle) -> Iterator[Oracle]:
    """The model keeps its identity and shapes, each token gets the embedding of the next one, and the blocks' weights
    move along."""
    with weights_rolled(subject.model):
        yield oracle.of_altered_model(weights_rolled)


@contextmanager
def weights_rolled(model: Any) -> Iterator[None]:
    """As `roll_weights`, for as long as the context lasts."""
    roll_weights(model, 1)
    try:
        yield
    finally:
        roll_weights(model, -1)


@torch.no_grad()
def roll_weights(model: Any, by: int) -> None:
    """Rolls the tables with one row per token of the vocabulary, a tied output layer's among them, by a token.

    Every other matrix is rolled along its last dimension, so that whoever keeps a part of the weights keeps wrong ones.
    """
    for name, weight in model.named_parameters():
        if weight.ndim == 2 and weight.shape[0] == model.cfg.d_vocab and "unembed" not in name:
            weight.copy_(weight.roll(by, dims=0))
        elif weight.ndim > 1 and "unembed" not in name:
            weight.copy_(weight.roll(by, dims=-1))
