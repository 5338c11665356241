"""Small random models of the kinds that people use, from Transformers' own configurations."""

import copy
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch

SEED = 20_260_201
"""Draws all weights."""
D_MODEL, N_LAYERS, N_CTX, D_VOCAB = 32, 3, 128, 1024
LAYERS = (1, 2)
"""Blocks in front of which the SAEs read; the second is the last one that Transformers tells before its last norm."""
SPREAD = 0.1
"""Standard deviation of biases, and of norms' weights about what they begin with: whoever leaves one out is wrong."""
WINDOW = 16
"""Tokens that a sliding attention sees: fewer than a long text has."""

# No library's defaults, so that whoever leaves one out is wrong.
THETA = 50_000.0
"""Base of rotary angles."""
EPS = 0.02
"""What norms add to the mean square."""
_ANGLES = {"rope_type": "default", "rope_theta": THETA}
_ANGLES_BY_KIND = {"full_attention": _ANGLES, "sliding_attention": {"rope_type": "default", "rope_theta": 2_000.0}}
_SIZES = {"vocab_size": D_VOCAB, "hidden_size": D_MODEL, "num_hidden_layers": N_LAYERS, "num_attention_heads": 4}
_GATED = {
    **{**_SIZES, "num_key_value_heads": 2, "intermediate_size": 48, "max_position_embeddings": N_CTX},
    "rope_parameters": _ANGLES,
    "rms_norm_eps": EPS,
}
_SCALED = {"head_dim": 16, "query_pre_attn_scalar": 24, "sliding_window": WINDOW}
_KINDS_OF_ATTENTION = {"layer_types": ["sliding_attention", "full_attention", "sliding_attention"]}


def _config(name: str, **sizes: Any) -> Callable[[], Any]:
    def make() -> Any:
        import transformers

        return getattr(transformers, name)(**copy.deepcopy(sizes), bos_token_id=0, eos_token_id=0, pad_token_id=0)

    return make


CONFIGS: Mapping[str, Callable[[], Any]] = {
    "gpt2": _config(
        "GPT2Config",
        vocab_size=D_VOCAB,
        n_positions=N_CTX,
        n_embd=D_MODEL,
        n_layer=N_LAYERS,
        n_head=4,
        layer_norm_epsilon=EPS,
    ),
    "gpt_neox": _config(
        "GPTNeoXConfig",
        **_SIZES,
        intermediate_size=128,
        max_position_embeddings=N_CTX,
        layer_norm_eps=EPS,
        rope_parameters={**_ANGLES, "partial_rotary_factor": 0.5},
    ),
    "llama": _config("LlamaConfig", **_GATED),
    "qwen2": _config("Qwen2Config", **_GATED),
    "qwen3": _config("Qwen3Config", **_GATED, head_dim=16),
    "gemma2": _config(
        "Gemma2Config",
        **{**_GATED, **_KINDS_OF_ATTENTION, **_SCALED},
        attn_logit_softcapping=4.0,
        final_logit_softcapping=3.0,
    ),
    "gemma3": _config(
        "Gemma3TextConfig",
        **{**_GATED, **_KINDS_OF_ATTENTION, **_SCALED, "rope_parameters": _ANGLES_BY_KIND},
    ),
    "mistral": _config("MistralConfig", **_GATED, sliding_window=WINDOW),
}
"""Kind of model, as Transformers calls it, and its configuration."""


def make_model(kind: str) -> Any:
    """The model of that kind, in float32, every weight seeded."""
    from transformers import AutoModelForCausalLM

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        model = AutoModelForCausalLM.from_config(CONFIGS[kind]()).float().eval()
        _seed(model)
    return model


@torch.no_grad()
def _seed(model: Any) -> None:
    """Embeddings of the size that blocks write, and no weight that does nothing."""
    for name, weight in model.named_parameters():
        if weight.ndim > 1:
            is_table = any(word in name for word in ("embed", "wte", "wpe"))
            scaled = "gemma" in model.config.model_type
            weight.normal_(std=1.0 if is_table and not scaled else 1 / math.sqrt(D_MODEL))
        else:
            weight.add_(torch.randn_like(weight) * SPREAD)
