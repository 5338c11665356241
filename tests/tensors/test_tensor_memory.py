"""Memory that a call takes in tensors: what is counted, what one batch's activations are, and what a twin may take."""

import copy
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from bench.findings import find
from impl_batched.packed_forward import TOKEN_BUDGET
from speedproof.counters.tally import count
from speedproof.lens.least_work import MOST_MEMORY, batch_bytes, batch_tokens, most_bytes, weight_bytes
from speedproof.lens.subject import Subject, find_subject
from speedproof.pairs.contract import Inputs
from speedproof.pairs.finding import Pair
from speedproof.tensors.counters import bytes_allocated, peak_tensor_bytes
from tests.bench.test_packed_forward import model_of

N = 2**20
"""Bytes of a tensor below."""
BEFORE = [torch.ones(N // 4)]


def taken(function: Callable[..., Any], inputs: Inputs | None = None) -> int:
    """By the second call: the first may lay something out for good."""
    function(**(inputs or {}))
    return count((peak_tensor_bytes,), function, inputs or {})["peak_tensor_bytes"]


def one() -> torch.Tensor:
    return torch.ones(N // 4)


def two_at_once() -> torch.Tensor:
    first, second = torch.ones(N // 4), torch.ones(N // 4)
    return first[:1] + second[:1]


def one_after_the_other() -> None:
    torch.ones(N // 4)
    torch.ones(N // 4)


def in_place_of_what_was_there() -> None:
    BEFORE[0] = BEFORE[0] + 1


@pytest.mark.parametrize(
    ("function", "n"), [(one, 1), (two_at_once, 2), (one_after_the_other, 1), (in_place_of_what_was_there, 1)]
)
def test_what_is_there_at_once_beyond_what_was_there_is_counted(function: Callable[..., Any], n: int) -> None:
    assert n * N <= taken(function) < n * N + 1024


def test_a_call_that_takes_nothing_counts_nothing() -> None:
    assert taken(lambda: None) == 0


def test_what_a_kernel_takes_and_frees_inside_is_seen() -> None:
    """The companion: a counter of operators' outputs does not see it."""
    q = torch.ones(1, 4, 256, 64)
    inside = taken(lambda: F.scaled_dot_product_attention(q, q, q))
    assert inside > count((bytes_allocated,), lambda: F.scaled_dot_product_attention(q, q, q), {})["bytes_allocated"]


def block_values(model: Any, n_tokens: int) -> int:
    """What the model's own hooks carry through its first block, attention's scores left out, in numbers."""
    _, cache = model.run_with_cache(torch.zeros(1, n_tokens, dtype=torch.long))
    left_out = ("hook_scale", "hook_attn_scores", "hook_pattern", "hook_rot_q", "hook_rot_k")
    return sum(v.numel() for k, v in cache.items() if k.startswith("blocks.0.") and not k.endswith(left_out))


@pytest.mark.parametrize("name", ["folded LayerNorm", "LayerNorm", "grouped heads", "gated", "of Llama's kind"])
def test_one_batchs_activations_are_what_the_models_hooks_carry_through_a_block(name: str) -> None:
    model, inputs = model_of(name), {"model": model_of(name), "texts": []}
    assert batch_bytes(inputs, 10) == 4 * block_values(model, 10)


def test_one_batch_of_gpt2s_size_by_hand() -> None:
    sizes = {"d_model": 768, "n_heads": 12, "d_head": 64, "d_mlp": 3072}
    model = SimpleNamespace(cfg=SimpleNamespace(**sizes), parameters=lambda: iter([torch.ones(1)]))
    sae = SimpleNamespace(cfg=SimpleNamespace(d_in=768, d_sae=24_576))
    inputs = {"model": model, "sae": sae, "texts": ["a", "b"]}
    assert batch_bytes(inputs, 1024) == 4 * (1024 * 19 * 768 + 2 * (768 + 2 * 24_576))


def test_a_text_that_is_longer_than_the_budget_is_a_pass_of_its_own(tiny: Subject) -> None:
    inputs = {"model": tiny.model, "texts": ["a", "b", "word " * 60]}
    a, b, long = (tiny.model.to_tokens(text).shape[1] for text in inputs["texts"])
    assert [batch_tokens(inputs, budget) for budget in (1, long + 1, 10_000)] == [long, long + 1, a + b + long]


def test_a_memory_that_two_weights_share_counts_once() -> None:
    table = torch.nn.Linear(8, 8, bias=False)
    tied = torch.nn.ModuleList([table, torch.nn.Linear(8, 8, bias=False)])
    assert weight_bytes({"model": tied}) == 2 * 4 * 64
    tied[1].weight = table.weight
    assert weight_bytes({"model": tied}) == 4 * 64


def pair_of(finding: str, function: str) -> Pair:
    return find(finding).pair(function)


BATCHED = [
    *(("text_batching", name) for name in ("extract_features", "explore_feature", "find_features_for_concept")),
    ("comparison_table", "comparison_table"),
]
"""The twins that pack texts."""
FEW, MANY = [0, 1, 2, 3], list(range(70))
"""Few texts make little of the activations, so that the weights decide; many the other way round."""


def held_and_most(function: Callable[..., Any], pair: Pair, subject: Subject, items: Sequence[int]) -> tuple[int, int]:
    """Bytes in memory during a call, the weights among them, and how many they may be."""
    inputs = pair.inputs(pair.workload("smoke"), subject, list(items))
    weights, batch = weight_bytes(inputs), batch_bytes(inputs, batch_tokens(inputs, TOKEN_BUDGET))
    return weights + taken(function, inputs), most_bytes(weights, batch)


@pytest.mark.parametrize("items", [FEW, MANY], ids=["few texts", "many texts"])
@pytest.mark.parametrize("name", ["tiny", "tiny:hook_resid_post", "tiny:bridge"])
@pytest.mark.parametrize(("finding", "function"), BATCHED)
def test_a_batched_twin_holds_at_most_1_3_times_the_weights_and_one_batch(
    finding: str, function: str, name: str, items: list[int]
) -> None:
    pair, subject = pair_of(finding, function), find_subject(name)
    held, most = held_and_most(pair.batched, pair, subject, items)
    assert MOST_MEMORY == 1.3 and held <= most


def test_a_twin_that_copies_every_weight_is_seen(tiny: Subject) -> None:
    pair = pair_of("text_batching", "extract_features")

    def copies(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Any:
        return pair.batched(copy.deepcopy(model), copy.deepcopy(sae), hook_name, texts)

    held, most = held_and_most(copies, pair, tiny, FEW)
    assert held > most


def test_a_twin_that_keeps_what_every_block_makes_is_seen(tiny: Subject) -> None:
    pair = pair_of("comparison_table", "comparison_table")
    held, most = held_and_most(pair.sequential, pair, tiny, MANY)
    assert held > most
