"""A `HookedTransformer`'s forward pass written out from its weights, as one does to fuse or to speed up its parts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, scaled_dot_product_attention

from .product import PRODUCTS, product
from .rewrite import Choices


@dataclass(frozen=True)
class Forward(Choices):
    """How the parts of the pass are computed. For blocks with LNPre or LN, causal attention and gelu_new."""

    weights: str
    attention: str
    norm: str
    gelu: str
    fused_heads: bool

    ALTERNATIVES: ClassVar = {
        "weights": tuple(PRODUCTS),
        "attention": ("explicit", "scaled_dot_product_attention", "baddbmm"),
        "norm": ("explicit", "layer_norm", "var_mean"),
        "gelu": ("explicit", "gelu"),
        "fused_heads": (True, False),
    }

    def residuals(self, model: Any, hook_names: Sequence[str], tokens: Tensor) -> dict[str, Tensor]:
        """The residual stream before each block named, of shape [batch, pos, d_model]; no block above is run."""
        stream = model.embed.W_E[tokens] + model.pos_embed.W_pos[: tokens.shape[1]]
        found = {}
        for layer, block in enumerate(model.blocks):
            if (hook_name := f"blocks.{layer}.hook_resid_pre") in hook_names:
                found[hook_name] = stream
            if len(found) == len(hook_names):
                break
            stream = stream + self._attend(block.attn, self._normed(block.ln1, stream))
            stream = stream + self._mlp(block.mlp, self._normed(block.ln2, stream))
        return found

    def _normed(self, norm: Any, x: Tensor) -> Tensor:
        weight, bias = getattr(norm, "w", None), getattr(norm, "b", None)
        if self.norm == "layer_norm":
            return layer_norm(x, x.shape[-1:], weight, bias, norm.eps)
        if self.norm == "var_mean":
            variance, mean = torch.var_mean(x, dim=-1, keepdim=True, correction=0)
            x = (x - mean) * torch.rsqrt(variance + norm.eps)
        else:
            x = x - x.mean(dim=-1, keepdim=True)
            x = x / (x.square().mean(dim=-1, keepdim=True) + norm.eps).sqrt()
        return x if weight is None else x * weight + bias

    def _attend(self, attn: Any, x: Tensor) -> Tensor:
        q, k, v = (self._heads(attn, part) for part in self._projected(attn, x))
        z = self._mixed(q, k, v).transpose(1, 2).flatten(start_dim=2)
        return product(self.weights, z, attn.W_O.flatten(end_dim=1), attn.b_O)

    def _projected(self, attn: Any, x: Tensor) -> Sequence[Tensor]:
        """Queries, keys and values of all heads, each [batch, pos, d_model], from one product or from three."""
        weights = [w.transpose(0, 1).flatten(start_dim=1) for w in (attn.W_Q, attn.W_K, attn.W_V)]
        biases = [b.flatten() for b in (attn.b_Q, attn.b_K, attn.b_V)]
        if self.fused_heads:
            return product(self.weights, x, torch.cat(weights, dim=1), torch.cat(biases)).chunk(3, dim=-1)
        return [product(self.weights, x, weight, bias) for weight, bias in zip(weights, biases, strict=True)]

    def _heads(self, attn: Any, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], attn.W_Q.shape[0], -1).transpose(1, 2)

    def _mixed(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Values mixed by causal attention, all of shape [batch, head, pos, d_head]."""
        if self.attention == "scaled_dot_product_attention":
            return scaled_dot_product_attention(q, k, v, is_causal=True)
        n_pos, scale = q.shape[2], 1 / math.sqrt(q.shape[3])
        mask = torch.full((n_pos, n_pos), -torch.inf, dtype=q.dtype).triu(diagonal=1)
        if self.attention == "baddbmm":
            flat = torch.baddbmm(mask, q.flatten(end_dim=1), k.flatten(end_dim=1).transpose(1, 2), alpha=scale)
            return torch.bmm(flat.softmax(dim=-1), v.flatten(end_dim=1)).reshape(q.shape)
        return (q @ k.transpose(2, 3) * scale + mask).softmax(dim=-1) @ v

    def _mlp(self, mlp: Any, x: Tensor) -> Tensor:
        pre = product(self.weights, x, mlp.W_in, mlp.b_in)
        if self.gelu == "gelu":
            post = gelu(pre, approximate="tanh")
        else:
            post = 0.5 * pre * (1 + torch.tanh(math.sqrt(2 / math.pi) * (pre + 0.044715 * pre**3)))
        return product(self.weights, post, mlp.W_out, mlp.b_out)
