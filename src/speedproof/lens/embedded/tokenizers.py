"""The embedded tokenizer, and the ways in which another one may differ from it."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

TOKENIZER = Path(__file__).parent / "tokenizer"
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "distinct-pad": {"pad_token": "<|pad|>"},
    "left-padding": {"padding_side": "left"},
}
"""Variant -> what the tokenizer is loaded with. TransformerLens loads a tokenizer anew, from its folder and with the
settings of the first time, so whatever differs must be such a setting: a changed object would be lost."""


@cache
def embedded_tokenizer(variants: tuple[str, ...] = ()) -> Any:
    """The project's own byte-level BPE tokenizer; pad == bos == eos, as GPT-2's, unless a variant says otherwise."""
    from transformers import AutoTokenizer

    settings = {key: value for name in variants for key, value in SETTINGS.get(name, {}).items()}
    return AutoTokenizer.from_pretrained(str(TOKENIZER), **settings)
