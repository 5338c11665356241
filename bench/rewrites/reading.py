"""How a rewrite gets from texts to the activations at their last tokens."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence

from .by_hand import Forward
from .rewrite import Choices, Option


@dataclass(frozen=True)
class Batches(Choices):
    """How texts become batches, and how the model is run on one."""

    tokenised: str
    batch_size: int
    order: str
    shuffle_seed: int
    pad_multiple: int
    pad_token: int
    run: str

    ALTERNATIVES: ClassVar = {
        "tokenised": ("each", "together"),
        "batch_size": (1, 2, 3, 5, 8, 17, 1000),
        "order": ("given", "by length", "backwards", "random"),
        "shuffle_seed": range(100),
        "pad_multiple": (1, 2, 7, 8, 16),
        "pad_token": range(1000),
        # By hand is where most ways of rounding are, so it comes three times.
        "run": ("whole", "filtered cache", "hooks", "early stop", "exception", *["by hand"] * 3),
    }


@dataclass(frozen=True)
class Reading:
    """Last-token activations by batches; the forward pass by hand is used where the batches' `run` says so."""

    batches: Batches
    forward: Forward
    contiguous: bool

    @classmethod
    def drawn(cls, rng: random.Random) -> "Reading":
        """A reading with every choice drawn independently."""
        return cls(Batches.drawn(rng), Forward.drawn(rng), rng.random() < 0.5)

    @property
    def options(self) -> dict[str, Option]:
        """The choices that matter."""
        told = self.batches.options | {"contiguous": self.contiguous}
        if self.batches.order != "random":
            del told["shuffle_seed"]
        return told | (self.forward.options if self.batches.run == "by hand" else {})

    def last_tokens(self, model: Any, hook_names: Sequence[str], texts: Sequence[str]) -> dict[str, Tensor]:
        """Each hook's values at the texts' last tokens, of shape [text, d_model], in the texts' order."""
        tokens = self.tokens(model, texts)
        order, size = self.order([len(row) for row in tokens]), self.batches.batch_size
        rows: dict[str, list[Tensor]] = {name: [] for name in hook_names}
        for start in range(0, len(order), size):
            batch = [tokens[i] for i in order[start : start + size]]
            values = self._run(model, hook_names, self._padded(batch, model.cfg.n_ctx))
            for name in hook_names:
                rows[name] += [values[name][k, self.last_position(row)] for k, row in enumerate(batch)]
        return {name: self._laid_out(self.restored(rows[name], order)) for name in hook_names}

    def tokens(self, model: Any, texts: Sequence[str]) -> list[Tensor]:
        """Every text's tokens. Lengths come from tokenising each text alone, since the pad token is also the bos."""
        each = [model.to_tokens(text)[0] for text in texts]
        if self.batches.tokenised == "each":
            return each
        together = model.to_tokens(list(texts), padding_side="right")
        return [row[: len(alone)] for row, alone in zip(together, each, strict=True)]

    def order(self, lengths: Sequence[int]) -> list[int]:
        """The order in which texts are run."""
        order = list(range(len(lengths)))
        if self.batches.order == "by length":
            order.sort(key=lengths.__getitem__)
        elif self.batches.order == "backwards":
            order.reverse()
        elif self.batches.order == "random":
            random.Random(self.batches.shuffle_seed).shuffle(order)
        return order

    def last_position(self, tokens: Tensor) -> int:
        """Where a text's last token stands in its row; padding is on the right."""
        return len(tokens) - 1

    def restored(self, rows: Sequence[Tensor], order: Sequence[int]) -> Tensor:
        """Rows that were run in `order`, put back into the texts' order."""
        place = {i: k for k, i in enumerate(order)}
        return torch.stack([rows[place[i]] for i in range(len(order))])

    def _padded(self, tokens: list[Tensor], n_ctx: int) -> Tensor:
        token = self.batches.pad_token
        batch = pad_sequence(tokens, batch_first=True, padding_value=token)
        width = min(batch.shape[1] + -batch.shape[1] % self.batches.pad_multiple, n_ctx)
        return pad(batch, (0, width - batch.shape[1]), value=token)

    def _run(self, model: Any, hook_names: Sequence[str], tokens: Tensor) -> dict[str, Tensor]:
        run = self.batches.run
        if run == "by hand":
            return self.forward.residuals(model, hook_names, tokens)
        if run in ("hooks", "exception"):
            return _hooked(model, hook_names, tokens, stop=run == "exception")
        layers = [int(name.split(".")[1]) for name in hook_names]
        if run == "early stop" and len(hook_names) == 1:
            return {hook_names[0]: model(tokens, stop_at_layer=layers[0])}
        stop_at = max(layers) + 1 if run == "early stop" else None
        names = None if run == "whole" else list(hook_names)
        _, cache = model.run_with_cache(tokens, names_filter=names, stop_at_layer=stop_at)
        return {name: cache[name] for name in hook_names}

    def _laid_out(self, rows: Tensor) -> Tensor:
        return rows if self.contiguous else rows.T.contiguous().T


class _Reached(Exception):
    """Ends a forward pass once every hook has fired."""


def _hooked(model: Any, hook_names: Sequence[str], tokens: Tensor, stop: bool) -> dict[str, Tensor]:
    values: dict[str, Tensor] = {}

    def keep(value: Tensor, hook: Any) -> None:
        values[hook.name] = value.clone()
        if stop and len(values) == len(hook_names):
            raise _Reached

    try:
        model.run_with_hooks(tokens, fwd_hooks=[(name, keep) for name in hook_names])
    except _Reached:
        pass
    return values
