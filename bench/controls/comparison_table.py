"""Wrong twins of finding 2: what one writes when the three extractions become one."""

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

import impl_batched.comparison_table as batched
from bench.findings.comparison_table import FINDING
from speedproof.gate.control import Control

Features = dict[str, Tensor]


def _table(
    model: Any, saes: Any, texts: Any, categories: Any, top_k: int, threshold: float, features: Features
) -> batched.ComparisonTable:
    """The right table of features that may be wrong."""
    extract, batched._extract_all = batched._extract_all, lambda *_: features  # type: ignore[assignment]
    try:
        return batched.comparison_table(model, saes, texts, categories, top_k, threshold)
    finally:
        batched._extract_all = extract


def _with(table: batched.ComparisonTable, **changes: Callable[[batched.Column], Any]) -> batched.ComparisonTable:
    """The table with parts of each column worked out anew."""
    return batched.ComparisonTable(
        {name: replace(c, **{part: make(c) for part, make in changes.items()}) for name, c in table.columns.items()}
    )


def _columns(
    model: Any, saes: Any, texts: Any, categories: Any, top_k: int, threshold: float, rank: Any, part: str
) -> batched.ComparisonTable:
    """A right table in which `part` of each column is `rank(features, threshold)`, cut to `top_k`."""
    table = batched.comparison_table(model, saes, texts, categories, top_k, threshold)
    all_features = batched._extract_all(model, saes, texts)

    def remade(name: str) -> Any:
        return tuple(rank(all_features[name], threshold)[:top_k])

    return batched.ComparisonTable(
        {name: replace(column, **{part: remade(name)}) for name, column in table.columns.items()}
    )


def _ranked(order: Callable[[int, int], Any], fires: Callable[[Tensor, float], Tensor], some: bool = False) -> Any:
    """A ranking of features by `order(count, index)`, where `fires` says who counts."""

    def rank(features: Tensor, threshold: float) -> list[Any]:
        counts = fires(features, threshold).sum(dim=0).tolist()
        chosen = [i for i in range(len(counts)) if counts[i] or not some]
        return [batched.CountedFeature(i, counts[i]) for i in sorted(chosen, key=lambda i: order(counts[i], i))]

    return rank


def _strong(features: Tensor, threshold: float) -> Tensor:
    return features > threshold


_by_name: dict[str, Any] = {}


def features_cached_by_sae_name(
    model: Any, saes: Any, texts: Any, categories: Any, top_k: int = 5, threshold: float = 5.0
) -> Any:
    """The report's features_cache, made to outlive the call: keyed by the SAEs' names alone."""
    key = " ".join(saes)
    if key not in _by_name:
        _by_name[key] = batched.comparison_table(model, saes, texts, categories, top_k, threshold)
    return copy.deepcopy(_by_name[key])


def ties_left_to_topk(
    model: Any, saes: Any, texts: Any, categories: Any, top_k: int = 5, threshold: float = 5.0
) -> Any:
    """Orders counts by an unstable rule: the largest index wins a tie, as a library may choose to."""
    rank = _ranked(lambda n, i: (-n, -i), _strong)
    return _columns(model, saes, texts, categories, top_k, threshold, rank, "most_frequent")


def fires_at_all_counted_as_strong(
    model: Any, saes: Any, texts: Any, categories: Any, top_k: int = 5, threshold: float = 5.0
) -> Any:
    """Counts activations above zero."""
    rank = _ranked(lambda n, i: (-n, i), lambda features, threshold: features > 0)
    return _columns(model, saes, texts, categories, top_k, threshold, rank, "most_frequent")


def never_strong_counted_as_selective(
    model: Any, saes: Any, texts: Any, categories: Any, top_k: int = 5, threshold: float = 5.0
) -> Any:
    """Sorts counts upwards and takes the first, which are zero."""
    rank = _ranked(lambda n, i: (n, i), _strong)
    return _columns(model, saes, texts, categories, top_k, threshold, rank, "most_selective")


def selective_ties_backwards(
    model: Any, saes: Any, texts: Any, categories: Any, top_k: int = 5, threshold: float = 5.0
) -> Any:
    """Takes the selective row from the end of the frequent order."""
    rank = _ranked(lambda n, i: (n, -i), _strong, some=True)
    return _columns(model, saes, texts, categories, top_k, threshold, rank, "most_selective")


def strongest_by_mean(
    model: Any, saes: Any, texts: Any, categories: Any, top_k: int = 5, threshold: float = 5.0
) -> Any:
    """Ranks features by their mean over the texts."""

    def rank(features: Tensor, _: float) -> list[Any]:
        means = features.mean(dim=0)
        order = means.sort(descending=True, stable=True).indices.tolist()
        return [batched.StrongFeature(i, means[i].item(), texts[int(features[:, i].argmax())]) for i in order]

    return _columns(model, saes, texts, categories, top_k, threshold, rank, "strongest")


def strongest_text_is_another(
    model: Any, saes: Any, texts: Any, categories: Any, top_k: int = 5, threshold: float = 5.0
) -> Any:
    """Pairs each strongest feature with the text beside its own, as after a lost permutation."""
    table = batched.comparison_table(model, saes, texts, categories, top_k, threshold)
    after = dict(zip(texts, [*texts[1:], texts[0]], strict=True))
    return _with(table, strongest=lambda c: tuple(f._replace(text=after[f.text]) for f in c.strongest))


def one_saes_features_for_all(
    model: Any, saes: Any, texts: Any, categories: Any, top_k: int = 5, threshold: float = 5.0
) -> Any:
    """Extracts before the loop, for the first SAE, and reuses it throughout."""
    first = next(iter(batched._extract_all(model, saes, texts).values()))
    return _table(model, saes, texts, categories, top_k, threshold, dict.fromkeys(saes, first))


def one_hook_for_all(model: Any, saes: Any, texts: Any, categories: Any, top_k: int = 5, threshold: float = 5.0) -> Any:
    """Reads the first SAE's hook for every SAE."""
    hook_name = next(iter(saes.values())).cfg.metadata.hook_name
    with torch.no_grad():
        acts = torch.stack([model.run_with_cache(text)[1][hook_name][0, -1] for text in texts])
        return _table(
            model, saes, texts, categories, top_k, threshold, {name: sae.encode(acts) for name, sae in saes.items()}
        )


def saes_spliced_into_the_model(
    model: Any, saes: Any, texts: Any, categories: Any, top_k: int = 5, threshold: float = 5.0
) -> Any:
    """Hooks all SAEs in at once, each replacing the stream by its reconstruction, which the next one then reads."""
    kept: dict[str, list[Tensor]] = {name: [] for name in saes}

    def splice(value: Tensor, hook: Any, name: str) -> Tensor:
        kept[name].append(saes[name].encode(value)[:, -1])
        return saes[name].decode(saes[name].encode(value))

    hooks = [(sae.cfg.metadata.hook_name, partial(splice, name=name)) for name, sae in saes.items()]
    with torch.no_grad():
        for text in texts:
            model.run_with_hooks(text, return_type=None, fwd_hooks=hooks)
    features = {name: torch.cat(rows) for name, rows in kept.items()}
    return _table(model, saes, texts, categories, top_k, threshold, features)


def padding_read_as_text(
    model: Any, saes: Any, texts: Any, categories: Any, top_k: int = 5, threshold: float = 5.0
) -> Any:
    """The report's earlier fix of finding 1 at work in finding 2: the last column of the padded batch."""
    tokens = model.to_tokens(list(texts))
    with torch.no_grad():
        _, cache = model.run_with_cache(tokens)
        features = {name: sae.encode(cache[sae.cfg.metadata.hook_name][:, -1]) for name, sae in saes.items()}
    return _table(model, saes, texts, categories, top_k, threshold, features)


def bfloat16_features(
    model: Any, saes: Any, texts: Any, categories: Any, top_k: int = 5, threshold: float = 5.0
) -> Any:
    """Keeps the cached features in bfloat16."""
    features = {name: f.bfloat16().float() for name, f in batched._extract_all(model, saes, texts).items()}
    return _table(model, saes, texts, categories, top_k, threshold, features)


def half_of_the_texts(
    model: Any, saes: Any, texts: Any, categories: Any, top_k: int = 5, threshold: float = 5.0
) -> Any:
    """Estimates the table from a sample of the texts."""
    return batched.comparison_table(model, saes, texts[: len(texts) // 2 + 1], categories, top_k, threshold)


def specialists_by_inside_alone(
    model: Any, saes: Any, texts: Any, categories: Any, top_k: int = 5, threshold: float = 5.0
) -> Any:
    """Takes a category's most frequent feature without asking about the other texts."""
    table = batched.comparison_table(model, saes, texts, categories, top_k, threshold)
    all_features = batched._extract_all(model, saes, texts)
    columns = {}
    for name, column in table.columns.items():
        found = {}
        for category, members in categories.items():
            inside = torch.tensor([text in members for text in texts])
            counts = (all_features[name][inside] > threshold).sum(dim=0)
            found[category] = batched.Specialist(int(counts.argmax()), int(counts.max())) if counts.any() else None
        columns[name] = replace(column, specialists=found)
    return batched.ComparisonTable(columns)


def _control(function: Any, why: str, expect: str, only: str = "") -> Control:
    return Control(FINDING, function, why, expect, only=only)


CONTROLS = (
    _control(
        features_cached_by_sae_name,
        "the second call with other texts gets the first call's table",
        "no such text or feature was given",
    ),
    _control(ties_left_to_topk, "counts are full of exact ties, which torch.topk orders as it likes", "most frequent"),
    _control(fires_at_all_counted_as_strong, "a feature that fires weakly is not strong", "most frequent"),
    _control(never_strong_counted_as_selective, "selective means fewest but at least one", "most selective", "value"),
    _control(selective_ties_backwards, "a reversed order reverses its ties too", "most selective"),
    _control(strongest_by_mean, "the strongest feature has the largest activation, not the largest mean", "strongest"),
    _control(
        strongest_text_is_another, "the value is right and the text beside it is not its own", "strongest", "element"
    ),
    _control(one_saes_features_for_all, "every SAE has features of its own", "strongest"),
    _control(one_hook_for_all, "every SAE reads a layer of its own", "strongest"),
    _control(saes_spliced_into_the_model, "an SAE below changes what the one above reads", "strongest"),
    _control(padding_read_as_text, "every text shorter than the longest is read at its padding", "strongest"),
    _control(bfloat16_features, "a percent of rounding reorders and moves the strongest", "strongest"),
    _control(half_of_the_texts, "a sample of the texts is not the texts", "most frequent"),
    _control(specialists_by_inside_alone, "a specialist is rare outside its category", "specialist of", "value"),
)
