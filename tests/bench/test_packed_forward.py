"""The packed pass: what it takes on, what it leaves to the model, and that both are right."""

import copy
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial, wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import torch
from sae_lens.registry import SAE_TRAINING_CLASS_REGISTRY
from torch import Tensor
from transformer_lens import HookedTransformer, HookedTransformerConfig
from transformer_lens.components import MLP, TransformerBlock

import impl_batched.comparison_table as table
import impl_batched.packed_forward as packed
import impl_batched.text_batching as batched
from impl_batched.packed_forward import last_token_values, tokenise
from speedproof.lens.embedded.tokenizers import embedded_tokenizer
from speedproof.lens.subject import find_subject
from speedproof.lens.weights import in_dtype
from speedproof.pairs import texts
from speedproof_studies.architectures.kinds import Cell
from speedproof_studies.architectures.models import CONFIGS
from speedproof_studies.architectures.session import save
from speedproof_studies.architectures.tokenizers import usual

TEXTS = [
    *(*texts.own(9), "", "<|endoftext|>", "ends so<|endoftext|>", "word " * 300),
    *("twice", "a middling text of words", "twice"),
    *("a middling text of pears", "a middling", "of words a middling text"),
]
"""Ragged ones, an empty one, literal special tokens, one that is longer than the context, one that comes twice, some
that begin alike, one that is another's beginning, and one of the same words elsewhere."""


def texts_of(model: Any) -> list[str]:
    """Those that have a token."""
    return [text for text in TEXTS if text or len(model.to_tokens("")[0])]


PLACES = ("resid_pre", "attn_out", "resid_mid", "mlp_out", "resid_post")
ALL = frozenset(PLACES)
NO_MLP = frozenset(("resid_pre", "attn_out", "resid_post"))
NONE = frozenset[str]()
GEMMA: dict[str, Any] = {
    "normalization_type": "RMS",
    "positional_embedding_type": "rotary",
    "gated_mlp": True,
    "act_fn": "gelu_pytorch_tanh",
    "n_key_value_heads": 2,
    "use_normalization_before_and_after": True,
    "attn_scores_soft_cap": 5.0,
    "use_local_attn": True,
    "window_size": 6,
    "attn_types": ["local", "global"],
}
LLAMA: dict[str, Any] = {
    "normalization_type": "RMSPre",
    "positional_embedding_type": "rotary",
    "gated_mlp": True,
    "act_fn": "silu",
    "n_key_value_heads": 2,
}
ARCHITECTURES: dict[str, tuple[dict[str, Any], frozenset[str]]] = {
    "folded LayerNorm": ({}, ALL),
    "LayerNorm": ({"normalization_type": "LN"}, ALL),
    "RMSNorm": ({"normalization_type": "RMS"}, ALL),
    "folded RMSNorm": ({"normalization_type": "RMSPre"}, ALL),
    "no norm": ({"normalization_type": None}, ALL),
    "relu": ({"act_fn": "relu"}, ALL),
    "gelu": ({"act_fn": "gelu"}, ALL),
    "gelu_fast": ({"act_fn": "gelu_fast"}, ALL),
    "rotary": ({"positional_embedding_type": "rotary"}, ALL),
    "rotary, a quarter, in pairs": (
        {"positional_embedding_type": "rotary", "rotary_dim": 4, "rotary_adjacent_pairs": True},
        ALL,
    ),
    "parallel": ({"parallel_attn_mlp": True, "positional_embedding_type": "rotary"}, ALL - {"resid_mid"}),
    "attention alone": ({"attn_only": True}, NO_MLP),
    "gated": ({"gated_mlp": True, "act_fn": "silu"}, ALL),
    "grouped heads": ({"n_key_value_heads": 2}, ALL),
    "other scale": ({"attn_scale": 3.0}, ALL),
    "no scale": ({"use_attn_scale": False}, ALL),
    "scale by layer": ({"scale_attn_by_inverse_layer_idx": True}, ALL),
    "softcap": ({"attn_scores_soft_cap": 2.0}, ALL),
    "windows": ({"use_local_attn": True, "window_size": 6, "attn_types": ["global", "local"]}, ALL),
    "of Gemma's kind": (GEMMA, ALL),
    "of Llama's kind": (LLAMA, ALL),
    "alibi": ({"positional_embedding_type": "alibi"}, NONE),
    "shortformer": ({"positional_embedding_type": "shortformer"}, NONE),
    "solu with a norm": ({"act_fn": "solu_ln"}, NONE),
    "experts": ({"num_experts": 4, "experts_per_token": 2, "act_fn": "silu", "gated_mlp": True}, NONE),
    "normed queries": ({"use_qk_norm": True}, NONE),
    "clipped queries": ({"clip_qkv": 0.1}, NONE),
    "normed embedding": ({"post_embedding_ln": True, "normalization_type": "LN"}, NONE),
    "norms behind": ({"original_architecture": "Olmo2ForCausalLM", "normalization_type": "RMS"}, NONE),
    "both directions": ({"attention_dir": "bidirectional"}, NONE),
}
"""Of `HookedTransformer`: what differs from a small model of GPT-2's kind, and the hooks of a block that are packed."""
NO_MID, AROUND = ALL - {"resid_mid"}, frozenset(("resid_pre", "resid_mid", "resid_post"))
BRIDGES: dict[str, frozenset[str]] = {
    "raw bridge": ALL,
    "bridge in compatibility mode": ALL,
    **{
        f"{mode} bridge to {kind}": hooks
        for kind, hooks in {
            **dict.fromkeys(("gpt2", "llama", "mistral", "qwen2", "qwen3"), ALL),
            "gpt_neox": NO_MID,
            # Behind what these hooks show there is a norm, in a bridge.
            **dict.fromkeys(("gemma2", "gemma3"), AROUND),
        }.items()
        for mode in ("raw", "processed")
    },
}
"""Bridges, to a model in memory and to each of Transformers' kinds as it is loaded from a folder."""
_LONG = {"rope_type": "longrope", "rope_theta": 1e4, "short_factor": [1.0] * 4, "long_factor": [3.0] * 4}
_LONG |= {"original_max_position_embeddings": 12, "factor": 4.0}
ODD: dict[str, tuple[str, dict[str, Any], frozenset[str]]] = {
    "raw bridge to llama with a window that it leaves out": ("llama", {"sliding_window": 4}, ALL),
    "raw bridge to gpt2 with a window that it leaves out": ("gpt2", {"sliding_window": 4}, ALL),
    "raw bridge to mistral with kinds of layers": ("mistral", {"layer_types": ["full_attention"] * 3}, NONE),
    "raw bridge to llama with one head of keys": ("llama", {"num_key_value_heads": 1}, ALL),
    "raw bridge to llama with biases": ("llama", {"attention_bias": True, "mlp_bias": True}, ALL),
    "raw bridge to llama whose queries are clipped": ("llama", {"clip_qkv": 0.5}, NONE),
    "raw bridge to llama that turns by the longest text": ("llama", {"rope_parameters": _LONG}, NONE),
    "raw bridge to gemma3 that looks both ways": ("gemma3", {"use_bidirectional_attention": True}, NONE),
}
"""Settings that a checkpoint may have: the kind of model, what differs, and the hooks of a block that are packed."""
BRIDGES |= {name: hooks for name, (_, _, hooks) in ODD.items()}


def config_with(kind: str, settings: dict[str, Any]) -> Any:
    """The configuration of a small model of that kind, with other settings."""
    config = PLAIN[kind]()
    for name, value in settings.items():
        setattr(config, name, value)
    return config


PLAIN = dict(CONFIGS)


@cache
def model_of(name: str) -> Any:
    """A model with seeded weights, none of them as it would be by default. Not to be changed."""
    if " bridge to " in name:
        mode, kind = name.split(" bridge to ")
        kind, settings = ODD[name][:2] if name in ODD else (kind, {})
        with tempfile.TemporaryDirectory() as place, patch.dict(CONFIGS, {kind: partial(config_with, kind, settings)}):
            folder = Path(place) / "subject"
            save(Cell(kind, "", usual(kind)), folder)
            return find_subject(f"{folder}:raw" if mode == "raw" else str(folder)).model
    if name in BRIDGES:
        model = copy.deepcopy(find_subject("tiny:bridge").model)
        if name != "raw bridge":
            model.enable_compatibility_mode(disable_warnings=True)
        return model
    sizes: dict[str, Any] = {"n_layers": 2, "d_model": 32, "n_heads": 4, "d_head": 8, "d_vocab": 1024, "n_ctx": 128}
    plain: dict[str, Any] = {"act_fn": "gelu_new", "normalization_type": "LNPre", "device": "cpu", "eps": 0.01}
    given = {"init_weights": False, **sizes, **plain, **ARCHITECTURES[name][0]}
    model = HookedTransformer(HookedTransformerConfig(**given), embedded_tokenizer(), move_to_device=False)
    generator = torch.Generator().manual_seed(3)
    for parameter in model.parameters():
        is_norm, fan_in = parameter.dim() == 1, parameter.shape[-2] if parameter.dim() > 1 else 1
        with torch.no_grad():
            parameter.normal_(mean=float(is_norm) / 2, std=0.2 if is_norm else fan_in**-0.5, generator=generator)
    return model.eval()


def hook_names(model: Any) -> Iterator[tuple[str, str]]:
    """Each place in each block that this model has, with its name."""
    for layer in range(model.cfg.n_layers):
        for place in PLACES:
            if (name := f"blocks.{layer}.hook_{place}") in model.hook_dict:
                yield place, name


@torch.no_grad()
def right_values(model: Any, names: Sequence[str]) -> dict[str, Tensor]:
    """Each hook's value at each text's last token, one text at a time, in float64."""
    exact = in_dtype(copy.deepcopy(model), "float64")
    caches = [exact.run_with_cache(model.to_tokens(text), names_filter=names)[1] for text in texts_of(model)]
    return {name: torch.stack([cache[name][0, -1] for cache in caches]) for name in names}


def one_at_a_time(model: Any, name: str) -> Tensor:
    """The same of one hook."""
    return right_values(model, [name])[name]


def assert_right(found: Tensor, right: Tensor) -> None:
    """Float32's rounding of sums as long as a small model's, and no more."""
    error = (found.double() - right).abs().max() / right.abs().max()
    assert found.shape == right.shape and error < 2e-6, f"off by {error:.1e} of the largest"


@torch.no_grad()
def packed_value(model: Any, name: str) -> Tensor | None:
    found = last_token_values(model, [name], tokenise(model, texts_of(model)))
    return None if found is None else found[name]


@torch.no_grad()
def general_value(model: Any, name: str) -> Tensor:
    return batched._run_padded(model, name, tokenise(model, texts_of(model)))


EXPECTED = {**{name: hooks for name, (_, hooks) in ARCHITECTURES.items()}, **BRIDGES}


@pytest.mark.parametrize("name", EXPECTED)
def test_each_hook_of_each_architecture_takes_the_path_that_is_named_and_both_paths_are_right(name: str) -> None:
    model = model_of(name)
    is_met = [hook for place, hook in hook_names(model) if name != "attention alone" or place in NO_MLP]
    right = right_values(model, is_met)
    taken = set()
    for place, hook in hook_names(model):
        if name == "attention alone" and place not in NO_MLP:
            # The model has the hook point and never reaches it.
            assert packed_value(model, hook) is None
            continue
        fast = packed_value(model, hook)
        if fast is None:
            assert place not in EXPECTED[name], f"{hook} was left to the model"
        # Behind a bridge the general way is the same whatever the model, so one hook stands for all.
        if " bridge to " not in name or hook == "blocks.1.hook_resid_post":
            assert_right(general_value(model, hook), right[hook])
        if fast is not None:
            assert_right(fast, right[hook])
            # Before the first block there is the embedding alone, whatever the blocks are.
            taken |= {place} if EXPECTED[name] or hook != "blocks.0.hook_resid_pre" else set()
    assert taken == EXPECTED[name]


@pytest.mark.parametrize("name", [name for name, hooks in EXPECTED.items() if hooks])
def test_several_hooks_of_one_pass_are_those_of_each_alone(name: str) -> None:
    model = model_of(name)
    hooks = [hook for place, hook in hook_names(model) if place in EXPECTED[name]]
    tokens = tokenise(model, texts_of(model))
    with torch.no_grad():
        together = last_token_values(model, hooks, tokens)
    assert together is not None and list(together) == hooks
    for hook in hooks:
        alone = packed_value(model, hook)
        assert alone is not None
        torch.testing.assert_close(together[hook], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("budget", [1, 40, 10_000])
def test_however_many_tokens_are_in_a_pass(budget: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "TOKEN_BUDGET", budget)
    model, hook = model_of("of Gemma's kind"), "blocks.1.hook_resid_post"
    found = packed_value(model, hook)
    assert found is not None
    assert_right(found, one_at_a_time(model, hook))


def passes(texts: Sequence[Sequence[int]], budget: int) -> list[packed.Packed]:
    return list(packed._passes([torch.tensor(text) for text in texts], budget, torch.device("cpu")))


def distinct(texts: Sequence[Sequence[int]]) -> set[tuple[int, ...]]:
    """Everything that a text begins with."""
    return {tuple(text[:n]) for text in texts for n in range(1, len(text) + 1)}


ALIKE = [[0, 1, 2], [0, 1, 2], [0, 1, 3], [0, 2, 1], [0, 1], [0], [3, 1, 2], [0, 1, 2, 3], [1, 2]]
LONG = [[*range(7), n] for n in range(20)]


@pytest.mark.parametrize("texts", [ALIKE, LONG], ids=["short", "long"])
@pytest.mark.parametrize("budget", [1, 8, 20, 1_000])
def test_each_beginning_of_texts_is_one_row_of_a_pass(texts: list[list[int]], budget: int) -> None:
    met = []
    for one in passes(texts, budget):
        own = [texts[i] for i in one.texts]
        assert len(one.tokens) == len(distinct(own)) and list(map(len, own)) == sorted(map(len, own))
        rows = torch.arange(len(one.tokens))[one.rows].tolist()
        tokens = [token for text in own for token in text]
        places = [n for text in own for n in range(len(text))]
        assert [one.tokens[row].item() for row in rows] == tokens
        assert one.positions.tolist() == places
        assert one.ends.tolist() == [sum(map(len, own[: n + 1])) - 1 for n in range(len(own))]
        assert one.last.tolist() == [rows[end] for end in one.ends]
        assert torch.tensor(rows)[one.firsts].tolist() == list(range(len(one.tokens)))
        assert isinstance(one.rows, slice) is (len(rows) == len(one.tokens))
        assert [length for n, length in one.runs for _ in range(n)] == list(map(len, own))
        assert len(own) == 1 or (len(one.tokens) <= budget and len(rows) <= packed.MOST_SHARED * budget)
        met += one.texts
    assert sorted(met) == list(range(len(texts)))


def test_texts_that_begin_alike_share_passes_and_work() -> None:
    """Twenty texts of eight tokens: seven rows for what they begin with, and one for each."""
    assert [len(one.tokens) for one in passes(LONG, 1_000)] == [7 + 20]
    assert len(passes(LONG, 40)) == 2


def test_rows_of_equal_tokens_that_begin_otherwise_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The companion: equal tokens share a row, whatever stands before them. The model turns queries and keys in
    attention, so nothing else goes by a row's place."""

    def rows(text: Sequence[int], known: dict[tuple[int, int], int]) -> list[int]:
        return [known.setdefault((-1, token), len(known)) for token in text]

    monkeypatch.setattr(packed, "_rows", rows)
    model = model_of("rotary")
    found = packed_value(model, "blocks.0.hook_resid_pre")
    assert found is not None
    assert_right(found, one_at_a_time(model, "blocks.0.hook_resid_pre"))
    found = packed_value(model, "blocks.1.hook_resid_post")
    assert found is not None
    with pytest.raises(AssertionError, match="off by"):
        assert_right(found, one_at_a_time(model, "blocks.1.hook_resid_post"))


def test_a_wrong_pass_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The companion: attention with another scale."""
    model, hook = model_of("folded LayerNorm"), "blocks.1.hook_resid_post"
    plain = packed._attention
    monkeypatch.setattr(packed, "_attention", lambda scale, q, k, v: plain(scale * 1.001, q, k, v))
    found = packed_value(model, hook)
    assert found is not None
    with pytest.raises(AssertionError, match="off by"):
        assert_right(found, one_at_a_time(model, hook))


@pytest.mark.parametrize(
    "hook", ["hook_embed", "blocks.1.attn.hook_z", "blocks.0.ln1.hook_normalized", "ln_final.hook_scale"]
)
def test_any_other_hook_is_left_to_the_model(hook: str) -> None:
    assert packed_value(model_of("folded LayerNorm"), hook) is None


class OwnMLP(MLP):  # type: ignore[misc]
    """What somebody made of the library's."""


@contextmanager
def class_patched(cls: Any, keep_name: bool) -> Iterator[None]:
    forward = cls.forward

    def doubled(self: Any, *args: Any, **kwargs: Any) -> Any:
        return 2 * forward(self, *args, **kwargs)

    cls.forward = wraps(forward)(doubled) if keep_name else doubled
    try:
        yield
    finally:
        cls.forward = forward


def zero(value: Tensor, hook: Any) -> Tensor:
    return torch.zeros_like(value)


def own_mlp(model: Any) -> None:
    mlp = OwnMLP(model.cfg)
    mlp.load_state_dict(model.blocks[0].mlp.state_dict())
    model.blocks[0].mlp = mlp


def parametrized(model: Any) -> None:
    torch.nn.utils.parametrize.register_parametrization(model.blocks[0].mlp, "W_in", torch.nn.Tanh())


class Doubled:
    """A hook point's conversion: whoever reads there reads twice the value."""

    def convert(self, value: Tensor) -> Tensor:
        return 2 * value

    def revert(self, value: Tensor) -> Tensor:
        return value / 2


def twice_one_block(model: Any) -> None:
    """The first block stands in the second's place too."""
    model.blocks[1] = model.blocks[0]
    if hasattr(model, "original_model"):
        model.original_model.transformer.h[1] = model.blocks[0]


ALTERED: dict[str, Callable[[Any], Any]] = {
    "a hook": lambda m: m.add_hook("blocks.0.hook_attn_out", zero),
    "a permanent hook": lambda m: m.add_perma_hook("blocks.0.hook_attn_out", zero),
    "a hook of the module": lambda m: m.blocks[0].attn.register_forward_hook(lambda *_: torch.zeros(())),
    "a hook before the module": lambda m: m.blocks[0].ln2.register_forward_pre_hook(lambda _, args: (args[0] * 2,)),
    "a replaced MLP": lambda m: setattr(m.blocks[0], "mlp", torch.nn.Identity()),
    "an MLP of one's own": own_mlp,
    "a replaced hook point": lambda m: setattr(m.blocks[0], "hook_mlp_out", torch.nn.Tanh()),
    "a replaced forward": lambda m: setattr(m.blocks[0].mlp, "forward", lambda x: x),
    "a replaced part of attention": lambda m: setattr(m.blocks[0].attn, "calculate_z_scores", lambda v, p: v),
    "a replaced activation": lambda m: setattr(m.blocks[0].mlp, "act_fn", torch.tanh),
    "a weight that is computed": parametrized,
    "weights of two types": lambda m: m.blocks[1].mlp.double(),
    "half precision": lambda m: m.half(),
    "split inputs": lambda m: m.set_use_split_qkv_input(True),
    "inputs of the MLP": lambda m: m.set_use_hook_mlp_in(True),
    "each head's result": lambda m: m.set_use_attn_result(True),
    "a block with a config of its own": lambda m: setattr(m.blocks[0].attn, "cfg", copy.copy(m.cfg)),
    "a setting that nobody knows": lambda m: setattr(m.cfg, "residual_scale", 2.0),
    "blocks in another order": lambda m: setattr(m, "blocks", torch.nn.ModuleList(list(m.blocks)[::-1])),
    "one block in two places": twice_one_block,
    "masked scores that count": lambda m: m.blocks[0].attn.IGNORE.zero_(),
    "a converted hook": lambda m: setattr(m.hook_dict["blocks.1.hook_resid_post"], "hook_conversion", Doubled()),
}
"""What somebody may have done to a model. Each must be left to the model."""


@pytest.mark.parametrize("what", ALTERED)
def test_a_model_that_somebody_changed_is_left_to_itself(what: str) -> None:
    model, hook = copy.deepcopy(model_of("folded LayerNorm")), "blocks.1.hook_resid_post"
    assert packed_value(model, hook) is not None
    ALTERED[what](model)
    assert packed_value(model, hook) is None


@pytest.mark.parametrize("keep_name", [False, True])
def test_a_class_that_somebody_changed_is_left_to_itself(keep_name: bool) -> None:
    model, hook = model_of("folded LayerNorm"), "blocks.1.hook_resid_post"
    assert packed_value(model, hook) is not None
    with class_patched(TransformerBlock, keep_name):
        assert packed_value(model, hook) is None
    assert packed_value(model, hook) is not None


@pytest.mark.parametrize("name", ["folded LayerNorm", "raw bridge"])
def test_a_users_hook_keeps_its_meaning_in_both_twins(name: str) -> None:
    model = copy.deepcopy(model_of(name))
    sae = find_subject("tiny").sae
    hook = sae.cfg.metadata.hook_name
    before = batched.extract_features(model, sae, hook, TEXTS)
    model.add_hook("blocks.0.hook_mlp_out" if name == "folded LayerNorm" else "blocks.0.mlp.hook_out", zero)
    after = batched.extract_features(model, sae, hook, TEXTS)
    assert (after - before).abs().max() > 0.1
    torch.testing.assert_close(table._extract_all(model, {"one": sae}, TEXTS)["one"], after, rtol=1e-4, atol=1e-4)


def dropping(model: Any) -> None:
    for block in model.blocks:
        block.attn.original_component.attention_dropout = 0.5
    model.train()


def steer_last(value: Tensor, hook: Any) -> Tensor:
    return torch.cat([value[:, :-1], value[:, -1:] + 3], dim=1)


def without_mean(value: Tensor, hook: Any) -> Tensor:
    """Of all texts and positions."""
    return value - value.mean(dim=(0, 1), keepdim=True)


@pytest.mark.parametrize("does", [steer_last, without_mean])
@pytest.mark.parametrize("name", ["folded LayerNorm", "raw bridge", "processed bridge to llama"])
@torch.no_grad()
def test_a_hook_that_looks_at_its_batch_sees_one_text_at_a_time(name: str, does: Callable[..., Tensor]) -> None:
    model, hook = copy.deepcopy(model_of(name)), "blocks.1.hook_resid_pre"
    model.add_hook("blocks.0.hook_resid_pre", does)
    given = texts_of(model)
    acts = torch.stack([model.run_with_cache(text)[1][hook][0, -1] for text in given])
    torch.testing.assert_close(batched._last_token_activations(model, hook, given), acts, rtol=1e-4, atol=1e-4)
    found = table._run_padded(model, {hook}, tokenise(model, given))[hook]
    torch.testing.assert_close(found, acts, rtol=1e-4, atol=1e-4)
    # The companion: in batches of several texts it sees others, and padding.
    with pytest.raises(AssertionError), pytest.MonkeyPatch.context() as patched:
        patched.setattr(packed, "must_run_alone", lambda model: False)
        torch.testing.assert_close(general_value(model, hook), acts, rtol=1e-4, atol=1e-4)


BRIDGE_ALTERED: dict[str, Callable[[Any], Any]] = {
    "a hook": lambda m: m.add_hook("blocks.0.mlp.hook_out", zero),
    "dropout": lambda m: m.train(),
    "a replaced MLP": lambda m: setattr(m.blocks[0].original_component, "mlp", torch.nn.Identity()),
    "a hook of the wrapped module": lambda m: m.blocks[0].original_component.register_forward_hook(lambda *_: None),
    "a converted hook": lambda m: setattr(m.blocks[1].hook_in, "hook_conversion", Doubled()),
    "a block that watches what the MLP reads": lambda m: m.set_use_hook_mlp_in(True),
}
OF_GPT2: dict[str, Callable[[Any], Any]] = {
    "another module in the place of a dropout": lambda m: setattr(
        m.original_model.transformer, "drop", torch.nn.Linear(32, 32)
    ),
    "another module in the place of attention's dropout": lambda m: setattr(
        m.blocks[0].attn.original_component, "attn_dropout", torch.nn.Tanh()
    ),
    "cross attention": lambda m: setattr(m.original_model.config, "add_cross_attention", True),
    "one block in two places": twice_one_block,
}
ROTARY_ALTERED: dict[str, Callable[[Any], Any]] = {
    **{what: alter for what, alter in BRIDGE_ALTERED.items() if what != "dropout"},
    "norms that changed places": lambda m: setattr(
        *(m.blocks[0].original_component, "input_layernorm", m.blocks[0].original_component.post_attention_layernorm)
    ),
    "a hook of the angles": lambda m: m.add_hook("rotary_emb.hook_cos", zero),
    "angles of the longest text so far": lambda m: setattr(m.rotary_emb.original_component, "rope_type", "dynamic"),
    "a replaced rotation": lambda m: setattr(m.rotary_emb.original_component, "forward", lambda *_: None),
    "layers in another order": lambda m: setattr(
        *(m.original_model.model, "layers", torch.nn.ModuleList(list(m.original_model.model.layers)[::-1]))
    ),
    "blocks in another order": lambda m: setattr(m, "blocks", torch.nn.ModuleList(list(m.blocks)[::-1])),
    "a layer less": lambda m: m.original_model.model.layers.__delitem__(0),
    "fewer layers": lambda m: setattr(m.original_model.config, "num_hidden_layers", 1),
    "another embedding": lambda m: m.original_model.set_input_embeddings(torch.nn.Embedding(1024, 32)),
    "another rotation": lambda m: setattr(m.original_model.model, "rotary_emb", copy.deepcopy(m.rotary_emb)),
    "dropout of attention": dropping,
    "other heads of keys": lambda m: setattr(m.blocks[0].attn.original_component, "num_key_value_groups", 1),
    "attention both ways": lambda m: setattr(m.original_model.config, "use_bidirectional_attention", True),
    "a setting that nobody knows": lambda m: setattr(m.cfg, "residual_multiplier", 2.0),
    "wider heads": lambda m: setattr(m.blocks[0].attn.original_component, "head_dim", 16),
    "queries scaled by position": lambda m: m.original_model.config.rope_parameters.update(llama_4_scaling_beta=0.5),
    "kinds of layers": lambda m: setattr(m.original_model.config, "layer_types", ["sliding_attention"] * 3),
}


@pytest.mark.parametrize(
    ("name", "what"),
    [
        *(("raw bridge", what) for what in (*BRIDGE_ALTERED, *OF_GPT2)),
        *(("processed bridge to llama", what) for what in ROTARY_ALTERED),
    ],
)
def test_a_bridge_that_somebody_changed_is_left_to_itself(name: str, what: str) -> None:
    model, hook = copy.deepcopy(model_of(name)), "blocks.1.hook_resid_pre"
    with torch.no_grad():
        model(model.to_tokens("once run, its blocks watch their norms by hooks of their own, as do Transformers'"))
    assert packed_value(model, hook) is not None
    {**ROTARY_ALTERED, **BRIDGE_ALTERED, **OF_GPT2}[what](model)
    assert packed_value(model, hook) is None


PARTS = "transformer_lens.model_bridge.generalized_components"
PATCHED: dict[str, str] = {
    "transformer_lens.components.abstract_attention.AbstractAttention.calculate_z_scores": "folded LayerNorm",
    "transformer_lens.components.abstract_attention.apply_softcap": "folded LayerNorm",
    f"{PARTS}.attention.AttentionBridge._apply_reconstruct_attention_mask": "raw bridge",
    "transformers.models.llama.modeling_llama.apply_rotary_pos_emb": "processed bridge to llama",
}
"""Functions of libraries, of a class or of a module, and a model in which each may be used."""


@pytest.mark.parametrize("function", PATCHED)
def test_a_function_that_somebody_put_in_place_of_a_librarys_is_seen(
    function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, hook = model_of(PATCHED[function]), "blocks.1.hook_resid_pre"
    assert packed_value(model, hook) is not None
    monkeypatch.setattr(function, lambda *args, **kwargs: None)
    assert packed_value(model, hook) is None


def assert_equal(found: Tensor, right: Tensor) -> None:
    torch.testing.assert_close(found, right, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["folded LayerNorm", "raw bridge"])
@pytest.mark.parametrize("hook", ["blocks.0.hook_attn_out", "blocks.0.hook_resid_post"])
@torch.no_grad()
def test_the_hooks_of_a_block_in_two_places_are_read_at_the_last(name: str, hook: str) -> None:
    model = copy.deepcopy(model_of(name))
    twice_one_block(model)
    right = torch.stack([model.run_with_cache(text)[1][hook][0, -1] for text in texts_of(model)])
    assert_equal(general_value(model, hook), right)
    assert_equal(table._run_padded(model, {hook}, tokenise(model, texts_of(model)))[hook], right)


@pytest.mark.parametrize("name", ["folded LayerNorm", "raw bridge", "alibi"])
@torch.no_grad()
def test_what_is_no_number_behind_a_text_does_not_reach_it(name: str) -> None:
    model, hook = copy.deepcopy(model_of(name)), "blocks.1.hook_resid_post"
    weights = model.embed.W_E if isinstance(model, HookedTransformer) else model.embed.original_component.weight
    tokens = [torch.tensor(row) for row in ([5, 6, 7], [8], [9, 10], [11, 12, 13, 14])]
    weights[0] = torch.nan  # Of the token that pads.
    right = torch.stack([model.run_with_cache(row[None])[1][hook][0, -1] for row in tokens])
    assert right.isfinite().all()
    assert_equal(batched._run_padded(model, hook, tokens), right)
    assert_equal(table._run_padded(model, {hook}, tokens)[hook], right)


def sae_of(architecture: str, **settings: Any) -> Any:
    """One of SAELens' SAEs in training, with weights that are not all alike."""
    kind, config = SAE_TRAINING_CLASS_REGISTRY[architecture]
    torch.manual_seed(5)
    sae = kind(config(d_in=32, d_sae=64, device="cpu", **settings))
    sae.W_enc.data.normal_()
    sae.cfg.metadata.hook_name = HOOK
    return sae


HOOK = "blocks.1.hook_resid_pre"
ENCODERS: dict[str, Callable[[], Any]] = {
    "standard": lambda: sae_of("standard"),
    "jumprelu": lambda: sae_of("jumprelu"),
    "gated": lambda: sae_of("gated"),
    "topk": lambda: sae_of("topk", k=4),
    "batch-top-k": lambda: sae_of("batchtopk", k=4),
    "Matryoshka": lambda: sae_of("matryoshka_batchtopk", k=4, matryoshka_widths=[16, 64]),
    "somebody watches": lambda: hooked(sae_of("standard")),
    "another activation": lambda: with_part(sae_of("standard"), "activation_fn", torch.nn.Softmax(dim=0)),
    "another encode": lambda: with_part(sae_of("standard"), "encode", lambda acts: acts - acts.mean(dim=0)),
}
ALONE = ("batch-top-k", "Matryoshka", "somebody watches", "another activation", "another encode")
"""Of these a text's features may depend on the texts beside it."""


def hooked(sae: Any) -> Any:
    sae.hook_sae_acts_post.register_forward_hook(lambda module, args, value: value - value.mean(dim=0))
    return sae


def with_part(sae: Any, name: str, part: Any) -> Any:
    setattr(sae, name, part)
    return sae


@pytest.mark.parametrize("kind", ENCODERS)
@torch.no_grad()
def test_a_texts_features_are_its_own_whatever_the_sae(kind: str) -> None:
    model, sae, given = model_of("folded LayerNorm"), ENCODERS[kind](), texts.own(9)
    acts = torch.stack([model.run_with_cache(text)[1][HOOK][0, -1] for text in given])
    right = torch.cat([sae.encode(row[None]) for row in acts])
    assert packed.encodes_each_alone(sae) == (kind not in ALONE)
    assert_equal(batched.extract_features(model, sae, HOOK, given), right)
    assert_equal(table._extract_all(model, {"one": sae}, given)["one"], right)
    one = dict(batched.explore_feature(model, sae, HOOK, given, 3))
    assert_equal(torch.tensor([one[text] for text in given]), right[:, 3])
    if kind in ALONE:
        # The companion: together they would have others.
        assert (sae.encode(acts) - right).abs().max() > 1e-3


@pytest.mark.parametrize(
    "name",
    [
        *("LayerNorm", "of Gemma's kind", "raw bridge", "bridge in compatibility mode"),
        *("raw bridge to gemma3", "processed bridge to llama", "processed bridge to gpt_neox"),
    ],
)
def test_weights_that_changed_in_place_between_two_calls_show(name: str) -> None:
    model, hook = copy.deepcopy(model_of(name)), "blocks.1.hook_resid_post"
    packed_value(model, hook)
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.1 * torch.randn(weight.shape, generator=generator) * weight.abs().mean()
    found = packed_value(model, hook)
    assert found is not None
    assert_right(found, one_at_a_time(model, hook))


def test_weights_that_were_replaced_between_two_calls_show() -> None:
    model, hook = copy.deepcopy(model_of("LayerNorm")), "blocks.1.hook_resid_post"
    packed_value(model, hook)
    for name in ("W_Q", "W_O", "b_V"):
        setattr(model.blocks[0].attn, name, torch.nn.Parameter(getattr(model.blocks[0].attn, name) * 1.5))
    found = packed_value(model, hook)
    assert found is not None
    assert_right(found, one_at_a_time(model, hook))


TOKENIZERS = ("", ":distinct-pad", ":no-bos", ":left-padding")


@pytest.mark.parametrize("name", [f"tiny{model}{tokenizer}" for model in ("", ":bridge") for tokenizer in TOKENIZERS])
def test_all_texts_at_once_have_the_tokens_of_each_alone(name: str) -> None:
    model = find_subject(name).model
    given = [text for text in TEXTS if text or "no-bos" not in name]
    at_once = packed._tokenise_at_once(model, given)
    assert at_once is not None
    for row, text in zip(at_once, given, strict=True):
        assert torch.equal(row, model.to_tokens(text)[0])


def test_a_model_that_makes_tokens_in_a_way_of_its_own_is_asked_text_by_text(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of("folded LayerNorm")
    monkeypatch.setattr(type(model), "to_tokens", lambda self, text: torch.tensor([[len(text), 1]]))
    assert [row.tolist() for row in tokenise(model, ["a", "abc"])] == [[1, 1], [3, 1]]


def test_a_tokenizer_that_says_something_else_of_one_text_is_asked_text_by_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = copy.copy(find_subject("tiny").model)
    assert packed._tokenise_at_once(model, ["a", "a b"]) is not None
    model.tokenizer = copy.deepcopy(model.tokenizer)
    monkeypatch.setattr(model.cfg, "tokenizer_prepends_bos", False)  # Though it does, so that there would be two.
    assert packed._tokenise_at_once(model, ["a", "a b"]) is not None
    monkeypatch.setattr(model.cfg, "tokenizer_appends_eos", True, raising=False)
    assert packed._tokenise_at_once(model, ["a", "a b"]) is None


def test_hooks_of_all_modules_are_hooks_too() -> None:
    model, hook = model_of("folded LayerNorm"), "blocks.1.hook_resid_post"
    handle = torch.nn.modules.module.register_module_forward_hook(lambda *_: None)
    try:
        assert packed_value(model, hook) is None
    finally:
        handle.remove()
    assert packed_value(model, hook) is not None
