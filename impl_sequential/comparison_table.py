"""Features are extracted three times per SAE. Efficiency report, finding 2, as written there.

The extraction is one padded forward pass with correct lengths, so that this pair measures redundancy alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

if TYPE_CHECKING:
    from sae_lens import SAE
    from transformer_lens import HookedTransformer
    from transformer_lens.model_bridge import TransformerBridge

    HookedModel: TypeAlias = HookedTransformer | TransformerBridge


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
        ValueError: no texts, no SAEs, or an SAE at a hook that the model lacks.
        TypeError: `texts` is one string.
    """
    _check(model, saes, texts)
    columns = {}
    for name, sae in saes.items():
        features_tensor = extract_features(model, sae, texts)
        strongest = _strongest(features_tensor, texts, top_k)

        features_tensor = extract_features(model, sae, texts)
        counts = (features_tensor > threshold).sum(dim=0)
        frequent = counts.sort(descending=True, stable=True).indices[:top_k].tolist()

        features_tensor = extract_features(model, sae, texts)
        counts = (features_tensor > threshold).sum(dim=0)
        fired = counts.nonzero().flatten()
        selective = fired[counts[fired].sort(stable=True).indices[:top_k]].tolist()
        columns[name] = Column(
            strongest,
            tuple(CountedFeature(i, int(counts[i])) for i in frequent),
            tuple(CountedFeature(i, int(counts[i])) for i in selective),
            {c: _specialist(features_tensor, texts, members, threshold) for c, members in categories.items()},
        )
    return ComparisonTable(columns)


def extract_features(model: HookedModel, sae: SAE[Any], texts: Sequence[str]) -> Float[Tensor, "text d_sae"]:
    """SAE features at each text's last token: one padded forward pass of the whole model."""
    hook_name = sae.cfg.metadata.hook_name
    tokens = model.to_tokens(list(texts), padding_side="right")
    lengths = [model.to_tokens(text).shape[1] for text in texts]
    with torch.no_grad():
        logits, cache = model.run_with_cache(tokens, names_filter=[hook_name], padding_side="right")
        activations = torch.stack([cache[hook_name][i, lengths[i] - 1, :] for i in range(len(texts))])
        return sae.encode(activations)


def _strongest(features: Tensor, texts: Sequence[str], top_k: int) -> tuple[StrongFeature, ...]:
    peaks, rows = features.max(dim=0)
    best = peaks.sort(descending=True, stable=True).indices[:top_k].tolist()
    return tuple(StrongFeature(i, peaks[i].item(), texts[int(rows[i])]) for i in best)


def _specialist(features: Tensor, texts: Sequence[str], members: Sequence[str], threshold: float) -> Specialist | None:
    strong = features > threshold
    inside = torch.tensor([text in members for text in texts])
    scores = strong[inside].sum(dim=0) - strong[~inside].sum(dim=0)
    best = int(scores.sort(descending=True, stable=True).indices[0])
    return Specialist(best, int(scores[best])) if inside.any() and scores[best] > 0 else None


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
