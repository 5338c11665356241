"""Transformers' own model behind TransformerLens's hooks: no block above the deepest SAE, no unembedding.

What a user writes who needs the residual stream alone, with the few methods that the twins call.
"""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformer_lens.hook_points import HookPoint

try:
    from transformer_lens.HookedRootModule import HookedRootModule
except ImportError:
    # Where it was before TransformerLens 3.
    from transformer_lens.hook_points import HookedRootModule

RESID_PRE = "hook_resid_pre"
FINAL_NORMS = ("ln_f", "final_layer_norm", "norm")
"""What Transformers' decoders call the norm behind the last block: no residual stream goes through it."""


def cut_model(folder: Path, hook_names: Sequence[str]) -> "Cut":
    """The folder's model, as deep as its SAEs read. Raises ValueError for a hook that is no `hook_resid_pre`."""
    from transformers import AutoModel, AutoTokenizer

    depth = max(map(_depth, hook_names))
    return Cut(AutoModel.from_pretrained(folder), AutoTokenizer.from_pretrained(folder), depth)


def _depth(name: str) -> int:
    parts = name.split(".")
    if len(parts) != 3 or parts[0] != "blocks" or parts[2] != RESID_PRE:
        raise ValueError(f"Transformers' own model is cut at blocks.N.{RESID_PRE} alone, and {name} is another hook")
    return int(parts[1])


class _Block(torch.nn.Module):
    """One of Transformers' blocks, with the hook in front of it."""

    def __init__(self, layer: torch.nn.Module) -> None:
        super().__init__()
        self.hook_resid_pre = HookPoint()
        self.layer = layer

    def __getattr__(self, name: str) -> Any:
        """What else Transformers asks of its blocks, such as the kind of their attention."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("layer"), name)

    def forward(self, hidden_states: Tensor, *args: Any, **kwargs: Any) -> Any:
        return self.layer(self.hook_resid_pre(hidden_states), *args, **kwargs)


class _Top(torch.nn.Module):
    """What stands behind the last block that is left: the hook of the block that is not."""

    def __init__(self) -> None:
        super().__init__()
        self.hook_resid_pre = HookPoint()

    def forward(self, hidden_states: Tensor) -> Tensor:
        value: Tensor = self.hook_resid_pre(hidden_states)
        return value


class Cut(HookedRootModule):  # type: ignore[misc]
    """The blocks below `depth`, with `blocks.0.hook_resid_pre` to that of `depth` itself."""

    def __init__(self, inner: Any, tokenizer: Any, depth: int) -> None:
        super().__init__()
        config, n_layers = inner.config, int(inner.config.num_hidden_layers)
        if not 0 < depth < n_layers:
            raise ValueError(f"a model of {n_layers} blocks is cut at block 1 to {n_layers - 1}, and not at {depth}")
        layers = next(name for name, part in inner.named_children() if _is_stack(part, n_layers))
        norm = next(name for name in FINAL_NORMS if hasattr(inner, name))
        kept = [_Block(layer) for layer in getattr(inner, layers)[:depth]]
        top = _Top()
        # Registered before the model, so that hooks go by these names.
        self.blocks = torch.nn.ModuleList(kept)
        self.top = top
        setattr(inner, layers, torch.nn.ModuleList(kept))
        setattr(inner, norm, top)
        config.num_hidden_layers = depth
        config.use_cache = False
        self.inner, self.tokenizer, self.embed = inner, tokenizer, inner.get_input_embeddings()
        self.cfg = _cfg(config, depth)
        self.setup()
        # The hook of a block that is not there any more.
        top.hook_resid_pre.name = f"blocks.{depth}.{RESID_PRE}"
        for known in (self.mod_dict, self.hook_dict):
            known[top.hook_resid_pre.name] = known.pop(f"top.{RESID_PRE}")

    def forward(
        self, text: Any, return_type: Any = None, padding_side: Any = None, stop_at_layer: Any = None
    ) -> Tensor:
        """The residual stream behind the last block that is left."""
        tokens = text if isinstance(text, Tensor) else self.to_tokens(text)
        value: Tensor = self.inner(input_ids=tokens).last_hidden_state
        return value

    def to_tokens(self, given: str | Sequence[str], padding_side: str = "right", truncate: bool = True) -> Tensor:
        """Tokens of one text or several, bos in front where the tokenizer has one. Shape [text, token]."""
        bos = [] if self.tokenizer.bos_token_id is None else [self.tokenizer.bos_token_id]
        texts = [given] if isinstance(given, str) else list(given)
        each = [[*bos, *self.tokenizer(text, add_special_tokens=False)["input_ids"]] for text in texts]
        device = self.embed.weight.device
        rows = [
            torch.tensor(one[: self.cfg.n_ctx] if truncate else one, dtype=torch.long, device=device) for one in each
        ]
        pad = float(self.tokenizer.pad_token_id or 0)
        return pad_sequence(rows, batch_first=True, padding_value=pad, padding_side=padding_side)


def _is_stack(part: torch.nn.Module, n_layers: int) -> bool:
    return isinstance(part, torch.nn.ModuleList) and len(part) == n_layers


def _cfg(config: Any, n_layers: int) -> Any:
    """The model's sizes by TransformerLens's names."""
    heads = int(config.num_attention_heads)
    return SimpleNamespace(
        n_layers=n_layers,
        n_ctx=int(config.max_position_embeddings),
        d_model=int(config.hidden_size),
        d_vocab=int(config.vocab_size),
        n_heads=heads,
        d_head=int(getattr(config, "head_dim", None) or config.hidden_size // heads),
        n_key_value_heads=getattr(config, "num_key_value_heads", None),
        d_mlp=getattr(config, "intermediate_size", None) or 4 * int(config.hidden_size),
        gated_mlp=hasattr(config, "hidden_act") and hasattr(config, "rms_norm_eps"),
    )
