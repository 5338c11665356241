"""Wrong twins of finding 1: the report's own two fixes."""

from typing import Any

import torch
from torch import Tensor

from ..findings.text_batching import FINDING
from .control import Control


def report_fix_by_pad_count(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """The report's fix: a text's length is its number of tokens that are not the pad token."""
    tokens = model.to_tokens(texts, prepend_bos=True)
    seq_lens = (tokens != model.tokenizer.pad_token_id).sum(dim=1)
    with torch.no_grad():
        _, cache = model.run_with_cache(tokens, names_filter=[hook_name])
        activations = torch.stack([cache[hook_name][i, seq_lens[i] - 1, :] for i in range(tokens.shape[0])])
        return sae.encode(activations)


def report_fix_last_column(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """The report's earlier fix: the last column of the padded batch."""
    tokens = model.to_tokens(texts)
    with torch.no_grad():
        _, cache = model.run_with_cache(tokens, names_filter=[hook_name])
        return sae.encode(cache[hook_name][:, -1, :])


CONTROLS = (
    Control(
        FINDING,
        report_fix_by_pad_count,
        why="GPT-2's pad is its bos, so the count misses one token and every row is the token before the last",
        expect="token before the last",
    ),
    Control(
        FINDING,
        report_fix_last_column,
        why="every text shorter than the longest is read at its padding",
        expect="padding after the text",
    ),
)
