"""Finding 1's ladder: from one text at a time to all texts together. Each rung is the one above it and one change."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from torch.nn.utils.rnn import pad_sequence

import impl_sequential.text_batching as sequential

BATCH_SIZE = 32
"""Texts in one forward pass: about what the next rung's token budget holds of the report's texts."""
TOKEN_BUDGET = 512
"""Tokens in one forward pass, padding included."""
PACKED_BUDGET = 1024
"""Tokens in one forward pass without padding, as in the batched twin."""


def no_graph(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """The definition's loop under no_grad."""
    sequential._check(model, hook_name, texts)
    features = []
    with torch.no_grad():
        for text in texts:
            _, cache = model.run_with_cache(text)
            acts = cache[hook_name][0, -1, :]
            features.append(_encode(sae, hook_name, acts))
    return torch.cat(features)


def one_hook(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """The loop caches the one hook that is read, not all."""
    sequential._check(model, hook_name, texts)
    features = []
    with torch.no_grad():
        for text in texts:
            _, cache = model.run_with_cache(text, names_filter=[hook_name])
            acts = cache[hook_name][0, -1, :]
            features.append(_encode(sae, hook_name, acts))
    return torch.cat(features)


def no_logits(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """The loop asks for no logits, so that the product with the vocabulary is not taken."""
    sequential._check(model, hook_name, texts)
    features = []
    with torch.no_grad():
        for text in texts:
            _, cache = model.run_with_cache(text, names_filter=[hook_name], return_type=None)
            acts = cache[hook_name][0, -1, :]
            features.append(_encode(sae, hook_name, acts))
    return torch.cat(features)


def careful(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """The loop ends each pass at the hook: a loop with no_grad, the one hook and an early stop."""
    sequential._check(model, hook_name, texts)
    features = []
    with torch.no_grad():
        for text in texts:
            acts = _run_to_hook(model, hook_name, model.to_tokens(text))[0, -1, :]
            features.append(_encode(sae, hook_name, acts))
    return torch.cat(features)


def batch(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """Texts go through the model in batches of a fixed size, in the given order, padded on the right."""
    sequential._check(model, hook_name, texts)
    tokens = [model.to_tokens(text)[0] for text in texts]
    features = []
    with torch.no_grad():
        for start in range(0, len(texts), BATCH_SIZE):
            chosen = tokens[start : start + BATCH_SIZE]
            value = _run_to_hook(model, hook_name, pad_sequence(chosen, batch_first=True))
            for row, text_tokens in zip(value, chosen, strict=True):
                features.append(_encode(sae, hook_name, row[len(text_tokens) - 1]))
    return torch.cat(features)


def sort_and_budget(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """Batches hold texts of like length, as many as a token budget allows."""
    sequential._check(model, hook_name, texts)
    tokens = [model.to_tokens(text)[0] for text in texts]
    features: dict[int, Tensor] = {}
    with torch.no_grad():
        for chosen in _batches([len(t) for t in tokens]):
            value = _run_to_hook(model, hook_name, pad_sequence([tokens[i] for i in chosen], batch_first=True))
            for row, i in zip(value, chosen, strict=True):
                features[i] = _encode(sae, hook_name, row[len(tokens[i]) - 1])
    return torch.cat([features[i] for i in range(len(texts))])


def encode_once(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """The SAE encodes all texts at once."""
    sequential._check(model, hook_name, texts)
    tokens = [model.to_tokens(text)[0] for text in texts]
    acts: dict[int, Tensor] = {}
    with torch.no_grad():
        for chosen in _batches([len(t) for t in tokens]):
            value = _run_to_hook(model, hook_name, pad_sequence([tokens[i] for i in chosen], batch_first=True))
            acts.update({i: row[len(tokens[i]) - 1] for row, i in zip(value, chosen, strict=True)})
        return _encode_all(sae, hook_name, acts)


def packed(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """Texts stand one behind the other in one row, so that no product sees padding. For GPT-2's kind of model."""
    return _packed(model, sae, hook_name, texts, _three_products)


def one_product(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """Queries, keys and values come of one product, with weights that are packed once a call."""
    return _packed(model, sae, hook_name, texts, _one_product)


def beginnings_once(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
    """What several texts of a pass begin with is worked out once: of that, nothing depends on what stands behind."""
    return _packed(model, sae, hook_name, texts, _one_product, _row_of_each_beginning)


class _Rows(NamedTuple):
    """The rows that products see, of texts that stand one behind the other."""

    tokens: Tensor
    positions: Tensor
    last: Tensor
    """Each text's last row."""
    of_tokens: Tensor | slice
    """The row of each token of the texts."""
    firsts: Tensor | slice
    """The first token of each row."""


def _row_of_each_token(texts: Sequence[Tensor]) -> _Rows:
    lengths = [len(text) for text in texts]
    positions = torch.cat([torch.arange(n) for n in lengths])
    return _Rows(torch.cat(list(texts)), positions, torch.tensor(lengths).cumsum(0) - 1, slice(None), slice(None))


def _row_of_each_beginning(texts: Sequence[Tensor]) -> _Rows:
    known: dict[tuple[int, int], int] = {}
    rows: list[int] = []
    positions: list[int] = []
    firsts: list[int] = []
    last: list[int] = []
    for text in texts:
        row = -1
        for n, token in enumerate(text.tolist()):
            row = known.setdefault((row, token), len(known))
            if row == len(firsts):
                positions.append(n)
                firsts.append(len(rows))
            rows.append(row)
        last.append(row)
    tokens = [token for _, token in known]
    return _Rows(*(torch.tensor(values) for values in (tokens, positions, last, rows, firsts)))


def _packed(
    model: Any,
    sae: Any,
    hook_name: str,
    texts: Sequence[str],
    projected: Callable[[Any], Any],
    rows_of: Callable[[Sequence[Tensor]], _Rows] = _row_of_each_token,
) -> Tensor:
    sequential._check(model, hook_name, texts)
    tokens = [model.to_tokens(text)[0] for text in texts]
    blocks = model.blocks[: int(hook_name.removeprefix("blocks.").removesuffix(".hook_resid_pre"))]
    acts: dict[int, Tensor] = {}
    with torch.no_grad():
        of_blocks = [(block, projected(block.attn)) for block in blocks]
        for chosen in _packs([len(t) for t in tokens]):
            lengths = [len(tokens[i]) for i in chosen]
            rows = rows_of([tokens[i] for i in chosen])
            stream = model.embed.W_E[rows.tokens] + model.pos_embed.W_pos[rows.positions]
            for block, project in of_blocks:
                parts = [part[rows.of_tokens] for part in project(block.ln1(stream[None])[0])]
                z = _attended(parts, lengths, block.attn.attn_scale)[rows.firsts]
                stream = stream + torch.addmm(block.attn.b_O, z, block.attn.W_O.flatten(0, 1))
                stream = stream + block.mlp(block.ln2(stream[None]))[0]
            acts.update(zip(chosen, stream[rows.last], strict=True))
        return _encode_all(sae, hook_name, acts)


def _three_products(attn: Any) -> Callable[[Tensor], list[Tensor]]:
    """Queries, keys and values, each of shape [token, head, d_head]; the weights are copied, as in the model."""
    parts = [(attn.W_Q, attn.b_Q), (attn.W_K, attn.b_K), (attn.W_V, attn.b_V)]

    def project(x: Tensor) -> list[Tensor]:
        found = [torch.addmm(b.flatten(), x, W.transpose(0, 1).flatten(1)) for W, b in parts]
        return [rows.view(len(x), *attn.b_Q.shape) for rows in found]

    return project


def _one_product(attn: Any) -> Callable[[Tensor], Sequence[Tensor]]:
    weight = torch.cat([W.transpose(0, 1) for W in (attn.W_Q, attn.W_K, attn.W_V)], dim=1).flatten(1)
    bias = torch.cat([attn.b_Q, attn.b_K, attn.b_V])

    def project(x: Tensor) -> Sequence[Tensor]:
        return torch.addmm(bias.flatten(), x, weight).view(len(x), *bias.shape).tensor_split(3, dim=1)

    return project


def _attended(parts: Sequence[Tensor], lengths: Sequence[int], scale: float) -> Tensor:
    """Causal attention within each text; texts of one length that stand side by side are a batch without padding."""
    found, first = [], 0
    for length, equal in groupby(lengths):
        n_texts = len(list(equal))
        rows = slice(first, first + n_texts * length)
        q, k, v = (part[rows].view(n_texts, length, *part.shape[1:]).transpose(1, 2) for part in parts)
        z = scaled_dot_product_attention(q, k, v, is_causal=True, scale=1 / scale)
        found.append(z.transpose(1, 2).reshape(n_texts * length, -1))
        first = rows.stop
    return torch.cat(found)


def _packs(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Texts in order of length, in runs within the token budget; at least one text each."""
    chosen: list[int] = []
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        if chosen and sum(lengths[one] for one in chosen) + lengths[i] > PACKED_BUDGET:
            yield chosen
            chosen = []
        chosen.append(i)
    yield chosen


def _encode_all(sae: Any, hook_name: str, acts: dict[int, Tensor]) -> Tensor:
    sequential._check_width(sae, hook_name, acts[0])
    return sae.encode(torch.stack([acts[i] for i in range(len(acts))]))


def _encode(sae: Any, hook_name: str, acts: Tensor) -> Tensor:
    sequential._check_width(sae, hook_name, acts)
    return sae.encode(acts.unsqueeze(0))


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Texts in order of length, in runs within the token budget once padded; at least one text each."""
    chosen: list[int] = []
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        if chosen and (len(chosen) + 1) * lengths[i] > TOKEN_BUDGET:
            yield chosen
            chosen = []
        chosen.append(i)
    yield chosen


class _Reached(Exception):
    """Ends a forward pass at the hook."""


def _run_to_hook(model: Any, hook_name: str, tokens: Tensor) -> Tensor:
    """The hook's value, of shape [text, token, ...]; nothing above the hook is computed."""
    reached = []

    def stop(value: Tensor, hook: Any) -> None:
        reached.append(value)
        raise _Reached

    try:
        model.run_with_hooks(tokens, return_type=None, fwd_hooks=[(hook_name, stop)], padding_side="right")
    except _Reached:
        pass
    return reached[0]
