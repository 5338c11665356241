"""The subject's weights as Transformers' GPT-2 holds them. The model is another object, with the same answer."""

from typing import Any

import torch
from einops import rearrange
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel, GPT2Model

from speedproof.errors import BadInput


def gpt2_model(model: Any, n_blocks: int) -> GPT2Model:
    """The first blocks, in eval mode, with PyTorch's own attention and without the last norm: what it gives is the
    residual stream behind them. Raises BadInput for another architecture."""
    made = _filled(GPT2Model, _config(model, n_blocks), _weights(model, n_blocks))
    made.ln_f = torch.nn.Identity()
    return made


def gpt2_lm(model: Any) -> GPT2LMHeadModel:
    """All blocks with a head on top, which stays tied to the embedding: nobody asks for logits. Raises BadInput."""
    named = {f"transformer.{name}": weight for name, weight in _weights(model, model.cfg.n_layers).items()}
    named["lm_head.weight"] = named["transformer.wte.weight"]
    return _filled(GPT2LMHeadModel, _config(model, model.cfg.n_layers), named)


def _config(model: Any, n_blocks: int) -> GPT2Config:
    cfg = model.cfg
    norms = ("LN", "LNPre")
    is_gpt2 = cfg.normalization_type in norms and cfg.act_fn == "gelu_new" and not cfg.attn_only
    if not is_gpt2 or cfg.positional_embedding_type != "standard" or cfg.parallel_attn_mlp or not hasattr(model, "W_Q"):
        raise BadInput("The peers are given GPT-2's architecture. Expected a HookedTransformer of that.")
    return GPT2Config(
        vocab_size=cfg.d_vocab,
        n_positions=cfg.n_ctx,
        n_embd=cfg.d_model,
        n_inner=cfg.d_mlp,
        n_layer=n_blocks,
        n_head=cfg.n_heads,
        activation_function=cfg.act_fn,
        layer_norm_epsilon=cfg.eps,
        bos_token_id=None,
        eos_token_id=None,
        attn_implementation="sdpa",
    )


def _filled(kind: type[Any], config: GPT2Config, weights: dict[str, Tensor]) -> Any:
    # Making it draws random weights, which nobody keeps.
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        made = kind(config)
        made.load_state_dict(weights)
    return made.eval().requires_grad_(False)


@torch.no_grad()
def _weights(model: Any, n_blocks: int) -> dict[str, Tensor]:
    """Copies of the weights by Transformers' names; of a norm that was folded away, ones and zeros."""
    one, zero = torch.ones(model.cfg.d_model), torch.zeros(model.cfg.d_model)
    named = {"wte.weight": model.embed.W_E, "wpe.weight": model.pos_embed.W_pos, "ln_f.weight": one, "ln_f.bias": zero}
    for i, block in enumerate(model.blocks[:n_blocks]):
        attn, mlp = block.attn, block.mlp
        weights = [rearrange(w, "head model part -> model (head part)") for w in (attn.W_Q, attn.W_K, attn.W_V)]
        biases = [rearrange(b, "head part -> (head part)") for b in (attn.b_Q, attn.b_K, attn.b_V)]
        named |= {
            f"h.{i}.attn.c_attn.weight": torch.cat(weights, dim=1),
            f"h.{i}.attn.c_attn.bias": torch.cat(biases),
            f"h.{i}.attn.c_proj.weight": rearrange(attn.W_O, "head part model -> (head part) model"),
            f"h.{i}.attn.c_proj.bias": attn.b_O,
            f"h.{i}.mlp.c_fc.weight": mlp.W_in,
            f"h.{i}.mlp.c_fc.bias": mlp.b_in,
            f"h.{i}.mlp.c_proj.weight": mlp.W_out,
            f"h.{i}.mlp.c_proj.bias": mlp.b_out,
        }
        for name, norm in (("ln_1", block.ln1), ("ln_2", block.ln2)):
            named[f"h.{i}.{name}.weight"] = getattr(norm, "w", one)
            named[f"h.{i}.{name}.bias"] = getattr(norm, "b", zero)
    return {name: weight.detach().clone() for name, weight in named.items()}
