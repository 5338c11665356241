"""Embedded subjects: models and SAEs made from seeded or hand-set weights, with nothing downloaded."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from sae_lens import SAE, StandardSAE, StandardSAEConfig
from sae_lens.saes.sae import SAEMetadata
from transformer_lens import HookedTransformer, HookedTransformerConfig

from .errors import BadInput

TOKENIZER = Path(__file__).parent / "tokenizer"
WEIGHT_SEED = 20_240_229
"""Seeds every embedded subject's weights. Changing it changes the subject's digest."""


@dataclass(frozen=True)
class Shape:
    """Sizes of an embedded subject; equal shapes cost the same per forward pass."""

    n_layers: int
    d_model: int
    n_heads: int
    d_vocab: int
    n_ctx: int
    d_sae: int
    thresholds: Mapping[int, float]
    """Layer -> pre-activation that a feature must exceed to fire, before `b_enc`. One SAE per layer."""

    @property
    def hook_names(self) -> tuple[str, ...]:
        """The hooks that carry an SAE, in layer order."""
        return tuple(f"blocks.{layer}.hook_resid_pre" for layer in self.thresholds)


EMBEDDED: dict[str, Shape] = {
    "tiny": Shape(2, 32, 2, 1024, 128, 96, {0: 0.5, 1: 0.5}),
    "solved": Shape(2, 32, 1, 1024, 128, 32, {1: 0.0}),
    "gpt2-small-shape": Shape(12, 768, 12, 50_257, 1024, 24_576, {6: 27.2, 8: 32.4, 10: 37.5, 11: 40.0}),
}
BRIDGE = ":bridge"
"""Ending of a name that asks for `TransformerBridge` in place of `HookedTransformer`."""


@cache
def embedded_tokenizer() -> Any:
    """The project's own byte-level BPE tokenizer; pad == bos == eos, as GPT-2's."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(TOKENIZER))


def make_model(name: str) -> Any:
    """The embedded model of that name, in float32.

    Raises:
        BadInput: a bridge was asked for, and this transformer_lens has none.
    """
    shape = EMBEDDED[name.removesuffix(BRIDGE)]
    if name == "solved":
        return _solved_model(shape)
    if name.endswith(BRIDGE):
        return bridge_class().boot_transformers(
            "gpt2", hf_model=_seeded_gpt2(shape), tokenizer=embedded_tokenizer(), device="cpu"
        )
    model = HookedTransformer(_config(shape), embedded_tokenizer(), move_to_device=False)
    _seed_weights(model)
    return model


def make_saes(name: str) -> dict[str, SAE[Any]]:
    """The embedded subject's SAEs by hook name, in layer order, in float32."""
    shape = EMBEDDED[name.removesuffix(BRIDGE)]
    make = _solved_sae if name == "solved" else _seeded_sae
    return {hook_name: make(shape, hook_name) for hook_name in shape.hook_names}


def _config(shape: Shape, **changes: Any) -> HookedTransformerConfig:
    sizes: dict[str, Any] = {
        "n_layers": shape.n_layers,
        "d_model": shape.d_model,
        "n_heads": shape.n_heads,
        "d_head": shape.d_model // shape.n_heads,
        "d_vocab": shape.d_vocab,
        "n_ctx": shape.n_ctx,
        "act_fn": "gelu_new",
        "normalization_type": "LNPre",
        "init_weights": False,
        "device": "cpu",
    }
    return HookedTransformerConfig(**(sizes | changes))


@torch.no_grad()
def _seed_weights(model: HookedTransformer) -> None:
    """Unit-variance embeddings, fan-in scaled weights, zero biases: every block writes as much as it reads."""
    generator = torch.Generator().manual_seed(WEIGHT_SEED)
    for name, weight in model.named_parameters():
        if name.rsplit(".", 1)[-1].startswith("b_"):
            weight.zero_()
        else:
            fan_in = {"embed": 1, "pos_embed": 1}.get(name.split(".")[0], weight.shape[-2])
            weight.normal_(std=1 / math.sqrt(fan_in), generator=generator)


@torch.no_grad()
def _solved_model(shape: Shape) -> HookedTransformer:
    """A model solved by hand: block 0 averages the one-hot classes of all tokens so far, block 1 does nothing."""
    n_classes = shape.d_model // 2
    config = _config(shape, d_head=n_classes, attn_only=True, normalization_type=None)
    model = HookedTransformer(config, embedded_tokenizer(), move_to_device=False)
    for weight in model.parameters():
        weight.zero_()
    model.embed.W_E.copy_(torch.eye(shape.d_model)[torch.arange(shape.d_vocab) % n_classes])
    attention: Any = model.blocks[0].attn
    attention.W_V[0, :n_classes] = torch.eye(n_classes)
    attention.W_O[0, :, n_classes:] = torch.eye(n_classes)
    return model


SOLVED_GAIN = 10.0
"""Activation of a `solved` feature whose class fills the whole text; above the report's threshold of 5."""


def solved_features(tokens: list[int]) -> list[float]:
    """What `solved`'s SAE says of a text with these tokens, by plain counting: last token's class, then shares."""
    n_classes = EMBEDDED["solved"].d_model // 2
    last = [SOLVED_GAIN * (tokens[-1] % n_classes == c) for c in range(n_classes)]
    shares = [SOLVED_GAIN * sum(t % n_classes == c for t in tokens) / len(tokens) for c in range(n_classes)]
    return last + shares


def _seeded_gpt2(shape: Shape) -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=shape.d_vocab,
        n_positions=shape.n_ctx,
        n_embd=shape.d_model,
        n_layer=shape.n_layers,
        n_head=shape.n_heads,
        initializer_range=1 / math.sqrt(shape.d_model),
        bos_token_id=0,
        eos_token_id=0,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(WEIGHT_SEED)
        hf_model = GPT2LMHeadModel(config)
        for embedding in (hf_model.transformer.wte, hf_model.transformer.wpe):
            torch.nn.init.normal_(embedding.weight)
    return hf_model


def bridge_class() -> Any:
    """TransformerLens's `TransformerBridge`. Raises BadInput where this release has none."""
    try:
        from transformer_lens.model_bridge import TransformerBridge
    except ImportError as error:
        raise BadInput(
            "This transformer_lens has no TransformerBridge. Expected transformer-lens 3 or newer for a ':bridge' "
            "subject or a folder. Use another subject, or upgrade."
        ) from error
    return TransformerBridge


def _empty_sae(shape: Shape, hook_name: str) -> StandardSAE:
    metadata = SAEMetadata(hook_name=hook_name, model_name="embedded")
    return StandardSAE(StandardSAEConfig(d_in=shape.d_model, d_sae=shape.d_sae, metadata=metadata))


@torch.no_grad()
def _seeded_sae(shape: Shape, hook_name: str) -> StandardSAE:
    layer = int(hook_name.split(".")[1])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(WEIGHT_SEED + layer)
        sae = _empty_sae(shape, hook_name)
    sae.b_enc.fill_(-shape.thresholds[layer])
    return sae


@torch.no_grad()
def _solved_sae(shape: Shape, hook_name: str) -> StandardSAE:
    sae = _empty_sae(shape, hook_name)
    sae.W_enc.copy_(SOLVED_GAIN * torch.eye(shape.d_model))
    sae.b_enc.zero_()
    return sae
