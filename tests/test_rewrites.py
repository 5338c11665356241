"""The other side of the gate: valid rewrites of finding 1 must all pass, whatever their batches, orders and kernels."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from bench.certificate import Certificate
from bench.check import certify
from bench.findings.text_batching import FINDING
from bench.subject import Subject

N_TRIALS = 40


@dataclass(frozen=True)
class Rewrite:
    """One way to do the same work; every choice is legitimate."""

    batch_size: int
    order: str
    pad_multiple: int
    pad_token: int
    encode_chunk: int
    stop: str
    contiguous: bool
    split_product: bool

    @classmethod
    def drawn(cls, rng: random.Random) -> "Rewrite":
        return cls(
            batch_size=rng.choice([1, 2, 3, 5, 8, 17, 64, 1000]),
            order=rng.choice(["given", "length", "backwards", "random"]),
            pad_multiple=rng.choice([1, 2, 8, 16]),
            pad_token=rng.randrange(800),
            encode_chunk=rng.choice([1, 4, 7, 1000]),
            stop=rng.choice(["cache", "layer", "whole"]),
            contiguous=rng.random() < 0.5,
            split_product=rng.random() < 0.3,
        )

    def function(self, seed: int) -> Callable[..., Tensor]:
        def extract_features(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
            tokens = [model.to_tokens(text)[0] for text in texts]
            order = self._ordered(tokens, seed)
            rows: dict[int, Tensor] = {}
            with torch.no_grad():
                for start in range(0, len(order), self.batch_size):
                    batch = order[start : start + self.batch_size]
                    acts = self._run(model, hook_name, self._padded([tokens[i] for i in batch]))
                    rows |= {i: acts[k, len(tokens[i]) - 1] for k, i in enumerate(batch)}
                stacked = torch.stack([rows[i] for i in range(len(texts))])
                chunks = torch.split(stacked, self.encode_chunk)
                return torch.cat([self._encode(sae, chunk) for chunk in chunks])

        return extract_features

    def _ordered(self, tokens: list[Tensor], seed: int) -> list[int]:
        order = list(range(len(tokens)))
        if self.order == "length":
            order.sort(key=lambda i: len(tokens[i]))
        elif self.order == "backwards":
            order.reverse()
        elif self.order == "random":
            random.Random(seed).shuffle(order)
        return order

    def _padded(self, tokens: list[Tensor]) -> Tensor:
        batch = pad_sequence(tokens, batch_first=True, padding_value=self.pad_token)
        short = -batch.shape[1] % self.pad_multiple
        return torch.nn.functional.pad(batch, (0, short), value=self.pad_token)

    def _run(self, model: Any, hook_name: str, tokens: Tensor) -> Tensor:
        if self.stop == "layer":
            return model(tokens, stop_at_layer=int(hook_name.split(".")[1]))
        names = None if self.stop == "whole" else [hook_name]
        return model.run_with_cache(tokens, names_filter=names)[1][hook_name]

    def _encode(self, sae: Any, acts: Tensor) -> Tensor:
        if not self.contiguous:
            acts = acts.T.contiguous().T
        if self.split_product:
            half = acts.shape[1] // 2
            centred = acts - sae.b_dec
            product = centred[:, :half] @ sae.W_enc[:half] + centred[:, half:] @ sae.W_enc[half:]
            return torch.relu(product + sae.b_enc)
        return sae.encode(acts)


@pytest.mark.parametrize("seed", range(N_TRIALS))
def test_a_valid_rewrite_is_never_rejected(seed: int, tiny: Subject) -> None:
    rewrite = Rewrite.drawn(random.Random(seed))
    pair = FINDING.pairs[0]
    answer = certify(FINDING, pair, pair.workload("smoke"), rewrite.function(seed), tiny)
    assert isinstance(answer, Certificate), f"{rewrite}: {answer}"


def test_the_same_rewrites_with_one_fault_are_all_rejected(tiny: Subject) -> None:
    """The companion: each rewrite, reading one token too early."""
    pair = FINDING.pairs[0]

    def one_too_early(right: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def extract_features(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
            cut = [model.tokenizer.decode(model.to_tokens(text)[0, 1:-1]) for text in texts]
            return right(model, sae, hook_name, cut)

        return extract_features

    for seed in range(8):
        wrong = one_too_early(Rewrite.drawn(random.Random(seed)).function(seed))
        assert not isinstance(certify(FINDING, pair, pair.workload("smoke"), wrong, tiny), Certificate)
