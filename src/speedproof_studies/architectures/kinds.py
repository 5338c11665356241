"""What is tried with what: every kind of model by every API, and on one of them every kind of SAE and tokenizer."""

from dataclasses import dataclass

from speedproof.lens.pretrained.apis import APIS

from .models import CONFIGS
from .tokenizers import KINDS as TOKENIZERS
from .tokenizers import usual

SAES = (
    *("standard", "jumprelu", "gated", "topk", "abstopk", "batch-topk", "matryoshka batch-topk", "transcoder"),
    *("skip transcoder", "jumprelu transcoder", "matching pursuit", "temporal"),
)
"""Kinds of SAE, by the names of `saes.py`, which loads a library."""
COMMON = "llama"
"""The kind of model on which SAEs and tokenizers are tried: the one that most others are like."""


@dataclass(frozen=True)
class Cell:
    """A model, an API, a tokenizer and a kind of SAE that are tried together."""

    model: str
    api: str
    tokenizer: str
    sae: str = "standard"

    @property
    def label(self) -> str:
        """What a progress bar says."""
        return f"trying {self.model}, {self.api or 'compatibility mode'}, {self.sae}, {self.tokenizer}"


def cells(models: tuple[str, ...] = ()) -> tuple[Cell, ...]:
    """All of them, or those of some kinds of model."""
    every = [Cell(model, api, usual(model)) for model in CONFIGS for api in APIS]
    every += [Cell(COMMON, api, tokenizer) for tokenizer in TOKENIZERS for api in ("", "hooked")]
    every += [Cell(COMMON, "", usual(COMMON), sae) for sae in SAES]
    return tuple(dict.fromkeys(cell for cell in every if not models or cell.model in models))
