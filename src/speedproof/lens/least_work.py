"""The least work that any code must do for last-token activations or features."""

import re
from dataclasses import dataclass
from typing import Any

from speedproof.machine.roofline import Work
from speedproof.pairs.contract import Inputs

HOOK = re.compile(r"blocks\.(\d+)\.hook_resid_pre")
"""The kind of hook whose least work is known: what lies below it, and nothing of its own block."""


def least_work(inputs: Inputs) -> Work | None:
    """The least work of one call for last-token activations or features, or None where it is not known.

    With L blocks below the deepest hook, n tokens in a text, width d and S features to be told, this is
    sum(n L 24 d^2 - (n - 1) 20 d^2 + 2 (L - 1) n^2 d + 4 n d + 2 d S) for a block of GPT-2's kind: of the last block,
    all but the last token needs keys and values alone, and only that token looks at the others. Equal texts count once.
    """
    if "model" not in inputs:
        return None
    saes = list(inputs["saes"].values()) if "saes" in inputs else [inputs["sae"]] if "sae" in inputs else []
    hook_names = {str(sae.cfg.metadata.hook_name) for sae in saes} if "saes" in inputs else {inputs["hook_name"]}
    matches = [HOOK.fullmatch(name) for name in hook_names]
    if not all(matches):
        return None
    n_blocks = max(int(match.group(1)) for match in matches if match)
    model, distinct = inputs["model"], dict.fromkeys(inputs["texts"])
    block = _Block.of(model.cfg)
    # One feature is one column of the encoder.
    encoded = sum(int(sae.cfg.d_in) * (1 if "feature_idx" in inputs else int(sae.cfg.d_sae)) for sae in saes)
    lengths = [int(model.to_tokens(text).shape[1]) for text in distinct]
    flops = sum(block.flops(n, n_blocks) + 2 * encoded for n in lengths)
    return Work(flops, (n_blocks * block.n_weights + encoded) * _item_bytes(model), len(inputs["texts"]))


@dataclass(frozen=True)
class _Block:
    """Weights of one block's matrices, by what they are for."""

    queries: int
    keys: int
    mlp: int
    width: int

    @classmethod
    def of(cls, cfg: Any) -> "_Block":
        heads = int(cfg.n_heads)
        grouped = getattr(cfg, "n_key_value_heads", None) or heads
        d_mlp = 0 if getattr(cfg, "attn_only", False) else int(cfg.d_mlp or 4 * cfg.d_model)
        matrices = 3 if getattr(cfg, "gated_mlp", False) else 2
        per_head = int(cfg.d_model) * int(cfg.d_head)
        mlp = matrices * int(cfg.d_model) * d_mlp
        return cls(2 * heads * per_head, 2 * grouped * per_head, mlp, heads * int(cfg.d_head))

    @property
    def n_weights(self) -> int:
        return self.queries + self.keys + self.mlp

    def flops(self, n_tokens: int, n_blocks: int) -> int:
        """Of one text through `n_blocks` blocks, as far as its last token depends on it."""
        if not n_blocks:
            return 0
        whole = n_tokens * n_blocks * 2 * self.n_weights
        spared = (n_tokens - 1) * 2 * (self.queries + self.mlp)
        looking = 2 * (n_blocks - 1) * n_tokens**2 + 4 * n_tokens
        return whole - spared + looking * self.width


def _item_bytes(model: Any) -> int:
    return int(next(iter(model.parameters())).element_size())
