"""One pass over packed texts serves every SAE: no further than the deepest hook, one encode each, all rows from it.

A model that `packed_forward` does not know is run as it is, on padded batches of texts of like length, or text by text
where one may change another's answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from .packed_forward import encode, has_each_block_once, last_token_values, padded_batches, tokenise

if TYPE_CHECKING:
    from sae_lens import SAE
    from transformer_lens import HookedTransformer
    from transformer_lens.model_bridge import TransformerBridge

    HookedModel: TypeAlias = HookedTransformer | TransformerBridge

TOKEN_BUDGET = 512
"""Tokens in one padded pass. Large enough to keep two cores busy, small enough for their caches."""


class StrongFeature(NamedTuple):
    """A feature, its largest activation, and the first text that has it."""

    feature_idx: int
    activation: float
    text: str


class CountedFeature(NamedTuple):
    """A feature and the number of texts on which it is above the threshold."""

    feature_idx: int
    n_texts: int


class Specialist(NamedTuple):
    """The feature with the most strong texts inside a category less those outside, and that difference."""

    feature_idx: int
    score: int


@dataclass(frozen=True)
class Column:
    """One SAE's column of the table."""

    strongest: tuple[StrongFeature, ...]
    most_frequent: tuple[CountedFeature, ...]
    most_selective: tuple[CountedFeature, ...]
    specialists: dict[str, Specialist | None]


@dataclass(frozen=True)
class ComparisonTable:
    """The SAEs side by side, by name."""

    columns: dict[str, Column]

    def to_html(self) -> str:
        """The table as HTML, every text and name escaped."""
        rows: dict[str, Callable[[Column], list[str]]] = {
            "Strongest": lambda c: [f"{f.feature_idx}: {f.activation:.2f} {f.text}" for f in c.strongest],
            "Most frequent": lambda c: [f"{f.feature_idx}: {f.n_texts} texts" for f in c.most_frequent],
            "Most selective": lambda c: [f"{f.feature_idx}: {f.n_texts} texts" for f in c.most_selective],
            "Specialists": lambda c: [f"{k}: {s.feature_idx if s else 'none'}" for k, s in c.specialists.items()],
        }
        head = "".join(f"<th>{escape(name)}</th>" for name in self.columns)
        body = "".join(
            f"<tr><th>{label}</th>"
            + "".join(f"<td>{'<br>'.join(map(escape, lines(c)))}</td>" for c in self.columns.values())
            + "</tr>"
            for label, lines in rows.items()
        )
        return f"<table><tr><th></th>{head}</tr>{body}</table>"


def comparison_table(
    model: HookedModel,
    saes: Mapping[str, SAE[Any]],
    texts: Sequence[str],
    categories: Mapping[str, Sequence[str]],
    top_k: int = 5,
    threshold: float = 5.0,
) -> ComparisonTable:
    """Strongest, most frequent and most selective features of each SAE, and each category's specialist.

    Ranks are by (-value, index); selective ones by (count, index) among features strong on at least one text. An
    SAE is read at the hook that its metadata names.

    Raises:
        ValueError: no texts, a text without tokens, no SAEs, or an SAE at a hook that the model lacks.
        TypeError: `texts` is one string.
    """
    _check(model, saes, texts)
    columns = {}
    for name, features in _extract_all(model, saes, texts).items():
        strong = features > threshold
        counts = strong.sum(dim=0)
        frequent = counts.sort(descending=True, stable=True).indices[:top_k].tolist()
        fired = counts.nonzero().flatten()
        selective = fired[counts[fired].sort(stable=True).indices[:top_k]].tolist()
        columns[name] = Column(
            _strongest(features, texts, top_k),
            tuple(CountedFeature(i, int(counts[i])) for i in frequent),
            tuple(CountedFeature(i, int(counts[i])) for i in selective),
            {c: _specialist(strong, counts, texts, set(members)) for c, members in categories.items()},
        )
    return ComparisonTable(columns)


def _extract_all(
    model: HookedModel, saes: Mapping[str, SAE[Any]], texts: Sequence[str]
) -> dict[str, Float[Tensor, "text d_sae"]]:
    """Every SAE's features at each text's last token, from one pass over the texts."""
    tokens = tokenise(model, texts)
    hook_names = {sae.cfg.metadata.hook_name for sae in saes.values()}
    with torch.no_grad():
        acts = last_token_values(model, hook_names, tokens) or _run_padded(model, hook_names, tokens)
        return {name: encode(sae, acts[sae.cfg.metadata.hook_name]) for name, sae in saes.items()}


def _run_padded(
    model: HookedModel, hook_names: set[str], tokens: Sequence[Tensor]
) -> dict[str, Float[Tensor, "text ..."]]:
    """Each hook's value at each text's last token, from the model itself."""
    rows: dict[str, dict[int, Tensor]] = {hook_name: {} for hook_name in hook_names}
    batches = [*padded_batches(model, tokens, TOKEN_BUDGET)]
    for batch in batches:
        last = torch.tensor([len(tokens[i]) - 1 for i in batch], device=tokens[0].device)
        padded = pad_sequence([tokens[i] for i in batch], batch_first=True)
        for hook_name, found in _run_to_deepest(model, hook_names, padded, last).items():
            rows[hook_name].update(zip(batch, found, strict=True))
        # A NaN behind a text reaches it, since zero times NaN is NaN. Such a text is run again, alone.
        is_whole = [all(of[i].isfinite().all() for of in rows.values()) for i in batch]
        batches += [[i] for i, whole in zip(batch, is_whole, strict=True) if len(batch) > 1 and not whole]
    return {name: torch.stack([rows[name][i] for i in range(len(tokens))]) for name in hook_names}


class _Reached(Exception):
    """Ends a forward pass once every hook has fired; whatever lies above the deepest is not computed."""


def _run_to_deepest(
    model: HookedModel, hook_names: set[str], tokens: Tensor, last: Tensor
) -> dict[str, Float[Tensor, "batch ..."]]:
    """Each hook's value at each row's last token."""
    rows: dict[str, Tensor] = {}

    def keep(hook_name: str, value: Tensor) -> None:
        rows[hook_name] = value[torch.arange(len(last), device=value.device), last]
        if len(rows) == len(hook_names) and has_each_block_once(model):
            raise _Reached

    hooks = [(name, lambda value, hook, name=name: keep(name, value)) for name in hook_names]
    try:
        model.run_with_hooks(tokens, return_type=None, fwd_hooks=hooks, padding_side="right")
    except _Reached:
        pass
    return rows


def _strongest(features: Tensor, texts: Sequence[str], top_k: int) -> tuple[StrongFeature, ...]:
    peaks, rows = features.max(dim=0)
    best = peaks.sort(descending=True, stable=True).indices[:top_k].tolist()
    return tuple(StrongFeature(i, peaks[i].item(), texts[int(rows[i])]) for i in best)


def _specialist(strong: Tensor, totals: Tensor, texts: Sequence[str], members: set[str]) -> Specialist | None:
    inside = [i for i, text in enumerate(texts) if text in members]
    scores = 2 * strong[inside].sum(dim=0) - totals
    best = int((scores == scores.max()).nonzero()[0])
    return Specialist(best, int(scores[best])) if inside and scores[best] > 0 else None


def _check(model: HookedModel, saes: Mapping[str, SAE[Any]], texts: Sequence[str]) -> None:
    if isinstance(texts, str):
        raise TypeError(f"texts: expected a sequence of strings, got one string {texts!r}")
    if not texts:
        raise ValueError("texts: expected at least one text, got none")
    if not saes:
        raise ValueError("saes: expected at least one SAE, got none")
    for name, sae in saes.items():
        if sae.cfg.metadata.hook_name not in model.hook_dict:
            raise ValueError(f"saes[{name!r}]: expected a hook of the model, got {sae.cfg.metadata.hook_name!r}")
