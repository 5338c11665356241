"""Embedded models, made from seeded or hand-set weights, with nothing downloaded."""

import math
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from speedproof.errors import BadInput

from .identity import TOKENIZER_FILES
from .shapes import BIAS_SEED, EMBEDDED, FIXED, WEIGHT_SEED, Shape
from .tokenizers import embedded_tokenizer
from .variants import parse_variant

SOURCES: tuple[Path, ...] = (
    *(Path(__file__).with_name(f"{name}.py") for name in ("models", "tokenizers", "shapes", "variants")),
    *TOKENIZER_FILES,
)
"""Files that decide, with its name, what an embedded subject's model computes."""
BIAS_SPREAD = 0.1
"""Standard deviation of biases, and of a norm's weights about one: whoever leaves one out gives another answer."""
NORM_EPSILON = 0.01
"""What norms add to a variance of about two: enough that another number there shows, unlike GPT-2's 1e-5."""


def make_model(name: str) -> Any:
    """The embedded model of that name, in float32.

    Raises:
        BadInput: no such subject, or a bridge was asked for and this transformer_lens has none.
    """
    variant = parse_variant(name, EMBEDDED, FIXED)
    shape, tokenizer = EMBEDDED[variant.base], embedded_tokenizer(variant.changes)
    if variant.base == "solved":
        return _solved_model(shape)
    if variant.bridge:
        # Booting draws random numbers, although every weight is given.
        with torch.random.fork_rng(devices=[]):
            model = bridge_class().boot_transformers(
                "gpt2", hf_model=_seeded_gpt2(shape), tokenizer=tokenizer, device="cpu"
            )
    else:
        model = _hooked("HookedTransformer")(_config(shape), tokenizer, move_to_device=False)
        _seed_weights(model)
    model.cfg.default_prepend_bos = "no-bos" not in variant.changes
    return model


def _config(shape: Shape, **changes: Any) -> Any:
    sizes: dict[str, Any] = {
        "n_layers": shape.n_layers,
        "d_model": shape.d_model,
        "n_heads": shape.n_heads,
        "d_head": shape.d_model // shape.n_heads,
        "d_vocab": shape.d_vocab,
        "n_ctx": shape.n_ctx,
        "act_fn": "gelu_new",
        "eps": NORM_EPSILON,
        "normalization_type": "LNPre",
        "init_weights": False,
        "device": "cpu",
    }
    return _hooked("HookedTransformerConfig")(**(sizes | changes))


@torch.no_grad()
def _seed_weights(model: Any) -> None:
    """Unit-variance embeddings, fan-in scaled weights, small biases: every block writes as much as it reads."""
    weights, biases = (torch.Generator().manual_seed(seed) for seed in (WEIGHT_SEED, BIAS_SEED))
    for name, weight in model.named_parameters():
        if name.rsplit(".", 1)[-1].startswith("b_"):
            weight.normal_(std=BIAS_SPREAD, generator=biases)
        else:
            fan_in = {"embed": 1, "pos_embed": 1}.get(name.split(".")[0], weight.shape[-2])
            weight.normal_(std=1 / math.sqrt(fan_in), generator=weights)


@torch.no_grad()
def _solved_model(shape: Shape) -> Any:
    """A model solved by hand: block 0 averages the one-hot classes of all tokens so far, block 1 does nothing."""
    n_classes = shape.d_model // 2
    config = _config(shape, d_head=n_classes, attn_only=True, normalization_type=None)
    model = _hooked("HookedTransformer")(config, embedded_tokenizer(), move_to_device=False)
    for weight in model.parameters():
        weight.zero_()
    model.embed.W_E.copy_(torch.eye(shape.d_model)[torch.arange(shape.d_vocab) % n_classes])
    attention: Any = model.blocks[0].attn
    attention.W_V[0, :n_classes] = torch.eye(n_classes)
    attention.W_O[0, :, n_classes:] = torch.eye(n_classes)
    return model


def _seeded_gpt2(shape: Shape) -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=shape.d_vocab,
        n_positions=shape.n_ctx,
        n_embd=shape.d_model,
        n_layer=shape.n_layers,
        n_head=shape.n_heads,
        layer_norm_epsilon=NORM_EPSILON,
        initializer_range=1 / math.sqrt(shape.d_model),
        bos_token_id=0,
        eos_token_id=0,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(WEIGHT_SEED)
        hf_model = GPT2LMHeadModel(config)
        for embedding in (hf_model.transformer.wte, hf_model.transformer.wpe):
            torch.nn.init.normal_(embedding.weight)
    _seed_biases_and_norms(hf_model)
    return hf_model


@torch.no_grad()
def _seed_biases_and_norms(hf_model: Any) -> None:
    """Biases about zero and norms' weights about one, all different.

    What writes into the residual stream has smaller ones, as GPT-2's initialization has smaller weights there.
    """
    generator = torch.Generator().manual_seed(BIAS_SEED)
    written = BIAS_SPREAD / math.sqrt(2 * hf_model.config.n_layer)
    for name, parameter in hf_model.named_parameters():
        if name.endswith(".bias"):
            parameter.normal_(std=written if ".c_proj." in name else BIAS_SPREAD, generator=generator)
        elif ".ln_" in name:
            parameter.normal_(mean=1.0, std=BIAS_SPREAD, generator=generator)


def _hooked(name: str) -> Any:
    """One of TransformerLens's names that its fourth release no longer has."""
    import transformer_lens

    try:
        return getattr(transformer_lens, name)
    except ImportError as error:
        raise BadInput(
            f"This transformer_lens has no {name}: {error} Expected transformer-lens below 4. Use a "
            "':bridge' subject or a folder."
        ) from error


def has_bridge() -> bool:
    """Whether this TransformerLens has a bridge, which its third release began."""
    return find_spec("transformer_lens.model_bridge") is not None


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
