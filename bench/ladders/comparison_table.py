"""Finding 2's ladder: three whole passes per SAE to one pass for all. Each rung is the one above and one change."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

import impl_sequential.comparison_table as sequential

TOKEN_BUDGET = 512
"""Tokens in one forward pass, padding included."""


def one_extraction(
    model: Any,
    saes: Mapping[str, Any],
    texts: Sequence[str],
    categories: Mapping[str, Sequence[str]],
    top_k: int = 5,
    threshold: float = 5.0,
) -> Any:
    """Each SAE's features are extracted once and used three times."""
    sequential._check(model, saes, texts)
    features = {name: sequential.extract_features(model, sae, texts) for name, sae in saes.items()}
    return _table(features, texts, categories, top_k, threshold)


def no_logits(
    model: Any,
    saes: Mapping[str, Any],
    texts: Sequence[str],
    categories: Mapping[str, Sequence[str]],
    top_k: int = 5,
    threshold: float = 5.0,
) -> Any:
    """The pass asks for no logits, so that the product with the vocabulary is not taken."""
    sequential._check(model, saes, texts)
    features = {}
    for name, sae in saes.items():
        hook_name = sae.cfg.metadata.hook_name
        tokens, last = _tokens(model, texts)
        with torch.no_grad():
            _, cache = model.run_with_cache(tokens, names_filter=[hook_name], return_type=None, padding_side="right")
            features[name] = sae.encode(cache[hook_name][range(len(texts)), last])
    return _table(features, texts, categories, top_k, threshold)


def careful(
    model: Any,
    saes: Mapping[str, Any],
    texts: Sequence[str],
    categories: Mapping[str, Sequence[str]],
    top_k: int = 5,
    threshold: float = 5.0,
) -> Any:
    """Each SAE's pass ends at its hook: a loop over SAEs with no_grad, the one hook and an early stop."""
    sequential._check(model, saes, texts)
    features = {}
    for name, sae in saes.items():
        hook_name = sae.cfg.metadata.hook_name
        tokens, last = _tokens(model, texts)
        with torch.no_grad():
            values = _run_to_deepest(model, {hook_name}, tokens)
            features[name] = sae.encode(values[hook_name][range(len(texts)), last])
    return _table(features, texts, categories, top_k, threshold)


def one_forward(
    model: Any,
    saes: Mapping[str, Any],
    texts: Sequence[str],
    categories: Mapping[str, Sequence[str]],
    top_k: int = 5,
    threshold: float = 5.0,
) -> Any:
    """One pass, as far as the deepest hook, serves every SAE."""
    sequential._check(model, saes, texts)
    features = _features_of_one_pass(model, saes, texts)
    return _table(features, texts, categories, top_k, threshold)


def count_once(
    model: Any,
    saes: Mapping[str, Any],
    texts: Sequence[str],
    categories: Mapping[str, Sequence[str]],
    top_k: int = 5,
    threshold: float = 5.0,
) -> Any:
    """Strong features are found and counted once per SAE, not once for every row of the table."""
    sequential._check(model, saes, texts)
    columns = {}
    for name, features in _features_of_one_pass(model, saes, texts).items():
        strong = features > threshold
        counts = strong.sum(dim=0)
        specialists = {c: _specialist(strong, counts, texts, set(members)) for c, members in categories.items()}
        columns[name] = _column(features, counts, texts, top_k, specialists)
    return sequential.ComparisonTable(columns)


def sort_and_budget(
    model: Any,
    saes: Mapping[str, Any],
    texts: Sequence[str],
    categories: Mapping[str, Sequence[str]],
    top_k: int = 5,
    threshold: float = 5.0,
) -> Any:
    """Texts of like length go through the model together, as many as a token budget allows."""
    sequential._check(model, saes, texts)
    tokens = [model.to_tokens(text)[0] for text in texts]
    hook_names = {sae.cfg.metadata.hook_name for sae in saes.values()}
    rows: dict[str, dict[int, Tensor]] = {hook_name: {} for hook_name in hook_names}
    with torch.no_grad():
        for chosen in _batches([len(t) for t in tokens]):
            padded = pad_sequence([tokens[i] for i in chosen], batch_first=True)
            for hook_name, value in _run_to_deepest(model, hook_names, padded).items():
                found = value[range(len(chosen)), [len(tokens[i]) - 1 for i in chosen]]
                rows[hook_name].update(zip(chosen, found, strict=True))
        acts = {name: torch.stack([found[i] for i in range(len(texts))]) for name, found in rows.items()}
        encoded = {name: sae.encode(acts[sae.cfg.metadata.hook_name]) for name, sae in saes.items()}
    columns = {}
    for name, features in encoded.items():
        strong = features > threshold
        counts = strong.sum(dim=0)
        specialists = {c: _specialist(strong, counts, texts, set(members)) for c, members in categories.items()}
        columns[name] = _column(features, counts, texts, top_k, specialists)
    return sequential.ComparisonTable(columns)


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Texts in order of length, in runs within the token budget once padded; at least one text each."""
    chosen: list[int] = []
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        if chosen and (len(chosen) + 1) * lengths[i] > TOKEN_BUDGET:
            yield chosen
            chosen = []
        chosen.append(i)
    yield chosen


def _table(
    features: Mapping[str, Tensor],
    texts: Sequence[str],
    categories: Mapping[str, Sequence[str]],
    top_k: int,
    threshold: float,
) -> Any:
    """The table as the definition works it out: every row counts for itself."""
    columns = {}
    for name, rows in features.items():
        specialists = {c: sequential._specialist(rows, texts, m, threshold) for c, m in categories.items()}
        (rows > threshold).sum(dim=0)  # the definition counts once for the frequent and once for the selective
        columns[name] = _column(rows, (rows > threshold).sum(dim=0), texts, top_k, specialists)
    return sequential.ComparisonTable(columns)


def _column(
    features: Tensor, counts: Tensor, texts: Sequence[str], top_k: int, specialists: dict[str, Any]
) -> sequential.Column:
    frequent = counts.sort(descending=True, stable=True).indices[:top_k].tolist()
    fired = counts.nonzero().flatten()
    selective = fired[counts[fired].sort(stable=True).indices[:top_k]].tolist()
    return sequential.Column(
        sequential._strongest(features, texts, top_k),
        tuple(sequential.CountedFeature(i, int(counts[i])) for i in frequent),
        tuple(sequential.CountedFeature(i, int(counts[i])) for i in selective),
        specialists,
    )


def _specialist(strong: Tensor, totals: Tensor, texts: Sequence[str], members: set[str]) -> Any:
    """Strong inside less strong outside is twice the inside less all."""
    inside = [i for i, text in enumerate(texts) if text in members]
    scores = 2 * strong[inside].sum(dim=0) - totals
    best = int((scores == scores.max()).nonzero()[0])
    return sequential.Specialist(best, int(scores[best])) if inside and scores[best] > 0 else None


def _tokens(model: Any, texts: Sequence[str]) -> tuple[Tensor, list[int]]:
    """All texts padded on the right, and the place of each one's last token, from tokenising it alone."""
    tokens = model.to_tokens(list(texts), padding_side="right")
    return tokens, [model.to_tokens(text).shape[1] - 1 for text in texts]


def _features_of_one_pass(model: Any, saes: Mapping[str, Any], texts: Sequence[str]) -> dict[str, Tensor]:
    tokens, last = _tokens(model, texts)
    with torch.no_grad():
        values = _run_to_deepest(model, {sae.cfg.metadata.hook_name for sae in saes.values()}, tokens)
        acts = {hook_name: value[range(len(texts)), last] for hook_name, value in values.items()}
        return {name: sae.encode(acts[sae.cfg.metadata.hook_name]) for name, sae in saes.items()}


class _Reached(Exception):
    """Ends a forward pass once every hook has fired."""


def _run_to_deepest(model: Any, hook_names: set[str], tokens: Tensor) -> dict[str, Tensor]:
    """Each hook's value, of shape [text, token, d_model]; nothing above the deepest hook is computed."""
    values: dict[str, Tensor] = {}

    # A bridge's hook goes by several names, and tells another one than it was asked for by.
    def keep(hook_name: str, value: Tensor) -> None:
        values[hook_name] = value
        if len(values) == len(hook_names):
            raise _Reached

    try:
        hooks = [(name, lambda value, hook, name=name: keep(name, value)) for name in hook_names]
        model.run_with_hooks(tokens, return_type=None, fwd_hooks=hooks, padding_side="right")
    except _Reached:
        pass
    return values
