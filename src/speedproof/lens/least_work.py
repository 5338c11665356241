"""The least work that any code must do for last-token activations or features, and the memory of one batch of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from speedproof.machine.roofline import Work
from speedproof.pairs.contract import Inputs

from .devices import CPU

HOOK = re.compile(r"blocks\.(\d+)\.hook_resid_pre")
"""The kind of hook whose least work is known: what lies below it, and nothing of its own block."""
MOST_MEMORY = 1.3
"""Times the weights that may be in memory during a call of a batched twin, beside one batch's activations. Some weights
may be laid out anew for a call; a second copy of all of them does not fit in."""


def least_work(inputs: Inputs) -> Work | None:
    """The least work of one call for last-token activations or features, or None where it is not known.

    Nor is it told of a model on another device: what a sitting rates is the processor, whose rates are no floor there.

    With L blocks below the deepest hook, n tokens in a text, width d and S features to be told, this is
    sum(n L 24 d^2 - (n - 1) 20 d^2 + 2 (L - 1) n^2 d + 4 n d + 2 d S) for a block of GPT-2's kind: of the last block,
    all but the last token needs keys and values alone, and only that token looks at the others. Equal texts count once,
    and so does what several texts begin with.
    """
    if "model" not in inputs or next(iter(inputs["model"].parameters())).device.type != CPU:
        return None
    saes = _saes(inputs)
    hook_names = {str(sae.cfg.metadata.hook_name) for sae in saes} if "saes" in inputs else {inputs["hook_name"]}
    matches = [HOOK.fullmatch(name) for name in hook_names]
    if not all(matches):
        return None
    n_blocks = max(int(match.group(1)) for match in matches if match)
    model, distinct = inputs["model"], dict.fromkeys(inputs["texts"])
    block = _Block.of(model.cfg)
    # One feature is one column of the encoder.
    encoded = sum(int(sae.cfg.d_in) * (1 if "feature_idx" in inputs else int(sae.cfg.d_sae)) for sae in saes)
    texts = list(dict.fromkeys(tuple(model.to_tokens(text)[0].tolist()) for text in distinct))
    flops = block.flops(_beginnings(texts), [len(text) for text in texts], n_blocks)
    return Work(
        flops + 2 * encoded * len(texts),
        (n_blocks * block.n_weights + encoded) * _item_bytes(model),
        len(inputs["texts"]),
    )


def _beginnings(texts: Sequence[Sequence[int]]) -> list[int]:
    """The length of each distinct beginning of texts, whole ones among them."""
    known: dict[tuple[int, int], int] = {}
    lengths = []
    for text in texts:
        before = -1
        for n, token in enumerate(text, start=1):
            if (before, token) not in known:
                known[before, token] = len(known)
                lengths.append(n)
            before = known[before, token]
    return lengths


def batch_bytes(inputs: Inputs, n_tokens: int) -> int:
    """Bytes of one batch's activations: all that one block makes of so many tokens, and the answer, each value once.

    A block has seven values of width d_model (the stream before, between and behind, both norms' and both parts'
    outputs), queries, keys, values and what attention makes of them, and what the MLP's matrices widen it to:
    7 d + 2 heads d_head + 2 kv_heads d_head + 2 d_mlp for each token, 3 d_mlp where the MLP is gated. The scores of
    attention are none: no kernel need hold them. The answer has, for each text, the hook's value and two numbers for
    each feature of an SAE: before and after its activation function.
    """
    model, saes = inputs["model"], _saes(inputs)
    answer = sum(int(sae.cfg.d_in) + 2 * int(sae.cfg.d_sae) for sae in saes) or int(model.cfg.d_model)
    return (n_tokens * _Block.of(model.cfg).n_values + len(inputs["texts"]) * answer) * _item_bytes(model)


def batch_tokens(inputs: Inputs, budget: int) -> int:
    """Tokens of the largest pass within a budget: a text that is longer than that is a pass of its own."""
    lengths = [int(inputs["model"].to_tokens(text).shape[1]) for text in inputs["texts"]]
    return max(*lengths, min(budget, sum(lengths)))


def weight_bytes(inputs: Inputs) -> int:
    """Bytes of the model and of the SAEs, every memory once."""
    from .weights import tensors_of

    modules = [inputs["model"], *_saes(inputs)]
    memories = [tensor.untyped_storage() for module in modules for _, tensor in tensors_of(module)]
    return sum({memory._cdata: memory.nbytes() for memory in memories}.values())


def most_bytes(weights: int, batch: int) -> int:
    """Bytes that may be in memory during a call of a batched twin, the weights among them."""
    return int(MOST_MEMORY * weights) + batch


def _saes(inputs: Inputs) -> list[Any]:
    return list(inputs["saes"].values()) if "saes" in inputs else [inputs["sae"]] if "sae" in inputs else []


@dataclass(frozen=True)
class _Block:
    """Weights of one block's matrices, by what they are for, and how many values it makes of a token."""

    queries: int
    keys: int
    mlp: int
    width: int
    n_values: int

    @classmethod
    def of(cls, cfg: Any) -> "_Block":
        heads = int(cfg.n_heads)
        grouped = getattr(cfg, "n_key_value_heads", None) or heads
        d_mlp = 0 if getattr(cfg, "attn_only", False) else int(cfg.d_mlp or 4 * cfg.d_model)
        matrices = 3 if getattr(cfg, "gated_mlp", False) else 2
        per_head = int(cfg.d_model) * int(cfg.d_head)
        mlp = matrices * int(cfg.d_model) * d_mlp
        n_values = 7 * int(cfg.d_model) + 2 * (heads + grouped) * int(cfg.d_head) + matrices * d_mlp
        return cls(2 * heads * per_head, 2 * grouped * per_head, mlp, heads * int(cfg.d_head), n_values)

    @property
    def n_weights(self) -> int:
        return self.queries + self.keys + self.mlp

    def flops(self, beginnings: Sequence[int], texts: Sequence[int], n_blocks: int) -> int:
        """Of distinct texts through `n_blocks` blocks, as far as their last tokens depend on it, by the lengths of the
        texts and of all their distinct beginnings, themselves among these."""
        if not n_blocks:
            return 0
        whole = len(beginnings) * n_blocks * 2 * self.n_weights
        spared = (len(beginnings) - len(texts)) * 2 * (self.queries + self.mlp)
        # Half of what 2 n - 1 adds up to, n^2, is what the tokens of a text look at.
        looking = 2 * (n_blocks - 1) * sum(2 * n - 1 for n in beginnings) + 4 * sum(texts)
        return whole - spared + looking * self.width


def _item_bytes(model: Any) -> int:
    return int(next(iter(model.parameters())).element_size())
