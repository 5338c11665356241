"""What a wrong output looks like, in the user's words: which token it reads instead of the last."""

from collections import Counter
from typing import Any

import torch
from torch import Tensor

from .equivalence import Inputs
from .subject import Subject

N_LOOKED_AT = 12
"""Rows examined; a pattern that holds holds in a dozen."""
CLOSE = 1e-3
"""Share of a row's length within which it counts as equal to another position's row. Rounding is a hundred times
smaller, different tokens' rows are a thousand times farther apart."""


@torch.no_grad()
def which_token(inputs: Inputs, subject: Subject, output: Any) -> str:
    """Says which position's features each row holds, where all rows that can be told agree; else an empty string."""
    if type(output) is not Tensor or output.ndim != 2 or len(output) != len(inputs["texts"]):
        return ""
    model: Any = inputs["model"]
    longest = max(model.to_tokens(text).shape[1] for text in inputs["texts"])
    # Texts shorter than the longest, and of more than two tokens, tell positions apart best.
    seen = Counter(
        _position(model, inputs, text, row, longest)
        for text, row in list(zip(inputs["texts"], output, strict=True))[:N_LOOKED_AT]
    )
    seen.pop("", None)
    if not seen:
        return ""
    reads, n_rows = seen.most_common(1)[0]
    return f"{n_rows} of the {min(N_LOOKED_AT, len(output))} rows examined equal the feature of {reads}."


def _position(model: Any, inputs: Inputs, text: str, row: Tensor, longest: int) -> str:
    tokens = model.to_tokens(text)
    length = tokens.shape[1]
    pad = torch.full((1, longest - length), model.tokenizer.pad_token_id, device=tokens.device)
    _, cache = model.run_with_cache(
        torch.cat([tokens, pad], dim=1), names_filter=[inputs["hook_name"]], padding_side="right"
    )
    features = inputs["sae"].encode(cache[inputs["hook_name"]][0])
    distance = (features - row).norm(dim=1) / features.norm(dim=1).clamp_min(1e-6)
    position = int(distance.argmin())
    if distance[position] > CLOSE:
        return ""
    if position >= length:
        return "padding after the text"
    names = {length - 1: "the last token", length - 2: "the token before the last", 0: "the first token"}
    return names.get(position, "another token of the text")
