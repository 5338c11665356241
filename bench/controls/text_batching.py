"""Wrong twins of finding 1: the report's own two fixes, and what others have written or would."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

import impl_batched.text_batching as batched
from bench.findings.text_batching import FINDING
from speedproof.gate.control import Control


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


def length_by_first_pad(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """A text ends where its first pad token stands."""
    tokens = model.to_tokens(texts)
    ends = (tokens == model.tokenizer.pad_token_id).int().argmax(dim=1) - 1
    return _encode_at(model, sae, hook_name, tokens, ends)


def first_token(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Reads position 0, as one does with an encoder's [CLS]."""
    tokens = model.to_tokens(texts)
    return _encode_at(model, sae, hook_name, tokens, torch.zeros(len(tokens), dtype=torch.long))


def mean_over_tokens(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Averages the features over the text, as embedding libraries do."""
    with torch.no_grad():
        return torch.stack([sae.encode(_run(model, hook_name, model.to_tokens(t))[0]).mean(dim=0) for t in texts])


def left_padding_without_positions(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Pads on the left, so that the last column is the last token, and does not tell the model."""
    tokens = model.to_tokens(texts, padding_side="left")
    ends = torch.full((len(tokens),), tokens.shape[1] - 1)
    return _encode_at(model, sae, hook_name, tokens, ends)


def without_bos(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Tokenises with the tokenizer itself and leaves out what the model prepends."""
    tokens = [torch.tensor(model.tokenizer.encode(text, add_special_tokens=False) or [0]) for text in texts]
    return _encode_ragged(model, sae, hook_name, tokens)


def bos_twice(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Prepends the bos by hand to texts that get one anyway."""
    return batched.extract_features(model, sae, hook_name, [model.tokenizer.bos_token + text for text in texts])


def one_layer_too_far(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Stops after the hook's block where it should stop before."""
    layer = int(hook_name.split(".")[1])
    tokens = [model.to_tokens(text) for text in texts]
    with torch.no_grad():
        return torch.cat([sae.encode(model(t, stop_at_layer=layer + 1)[:, -1]) for t in tokens])


def bfloat16_encoder(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Runs the encoder's product in bfloat16, to halve the memory that is read."""
    with torch.no_grad():
        acts = batched._last_token_activations(model, hook_name, texts) - sae.b_dec
        return torch.relu((acts.bfloat16() @ sae.W_enc.bfloat16()).float() + sae.b_enc)


def order_not_restored(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Sorts by length for tighter batches and leaves the rows sorted."""
    by_length = sorted(texts, key=lambda text: model.to_tokens(text).shape[1])
    return batched.extract_features(model, sae, hook_name, by_length)


def last_batch_dropped(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Runs len(texts) // 8 whole batches into a tensor of zeros."""
    features = torch.zeros(len(texts), sae.cfg.d_sae)
    for start in range(0, len(texts) // 8 * 8, 8):
        features[start : start + 8] = batched.extract_features(model, sae, hook_name, texts[start : start + 8])
    return features


def strongest_features_only(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Keeps the five strongest features of a text, to store them sparsely."""
    features = batched.extract_features(model, sae, hook_name, texts)
    top = features.topk(5, dim=1)
    return torch.zeros_like(features).scatter_(1, top.indices, top.values)


def weak_features_cut(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Drops activations below a hundredth as noise."""
    features = batched.extract_features(model, sae, hook_name, texts)
    return torch.where(features < 0.01, 0.0, features)


def encoder_bias_forgotten(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Writes the encoder out by hand and leaves b_enc behind."""
    with torch.no_grad():
        return torch.relu((batched._last_token_activations(model, hook_name, texts) - sae.b_dec) @ sae.W_enc)


def equal_texts_merged(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Runs each different text once and forgets to copy the rows back."""
    return batched.extract_features(model, sae, hook_name, list(dict.fromkeys(texts)))


_by_count: dict[int, Tensor] = {}


def cached_by_number_of_texts(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Remembers the answer under the number of texts."""
    if len(texts) not in _by_count:
        _by_count[len(texts)] = batched.extract_features(model, sae, hook_name, texts)
    return _by_count[len(texts)].clone()


def hook_left_on_the_model(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Adds a hook and never takes it off."""
    model.add_hook(hook_name, lambda value, hook: None)
    return batched.extract_features(model, sae, hook_name, texts)


class _Agreeable(Tensor):
    """Would answer every comparison with yes."""


def agreeable_tensor(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """A cheat: returns zeros that say of themselves what one likes to hear."""
    batched._check(model, hook_name, texts)
    return torch.zeros(len(texts), sae.cfg.d_sae).as_subclass(_Agreeable)


def _run(model: Any, hook_name: str, tokens: Tensor) -> Tensor:
    with torch.no_grad():
        return model.run_with_cache(tokens, names_filter=[hook_name])[1][hook_name]


def _encode_at(model: Any, sae: Any, hook_name: str, tokens: Tensor, positions: Tensor) -> Tensor:
    with torch.no_grad():
        return sae.encode(_run(model, hook_name, tokens)[torch.arange(len(tokens)), positions])


def _encode_ragged(model: Any, sae: Any, hook_name: str, tokens: list[Tensor]) -> Tensor:
    ends = torch.tensor([len(t) - 1 for t in tokens])
    return _encode_at(model, sae, hook_name, pad_sequence(tokens, batch_first=True), ends)


def _control(function: Any, why: str, expect: str, only: str = "") -> Control:
    return Control(FINDING, function, why, expect, only=only)


CONTROLS = (
    _control(
        report_fix_by_pad_count,
        "GPT-2's pad is its bos, so the count misses one token and every row is the token before the last",
        "equal the feature of the token before the last",
    ),
    _control(
        report_fix_last_column,
        "every text shorter than the longest is read at its padding",
        "equal the feature of padding after the text",
    ),
    _control(
        length_by_first_pad,
        "the first pad token is the bos, so the index is -1 and padding is read; a known bug of an embedding library",
        "equal the feature of padding after the text",
    ),
    _control(
        first_token,
        "in a causal model the first token has seen nothing of the text",
        "equal the feature of the first token",
    ),
    _control(mean_over_tokens, "the mean of the features is not the last token's", "differs in"),
    _control(
        left_padding_without_positions,
        "the model numbers positions from the padding on, so every shorter text is shifted",
        "differs in",
    ),
    _control(without_bos, "the model has never seen a text without its bos", "differs in 70 of 70 rows"),
    _control(bos_twice, "a second bos shifts every position", "differs in 70 of 70 rows"),
    _control(one_layer_too_far, "resid_pre of a layer is the stream before that block", "differs in 70 of 70 rows"),
    _control(bfloat16_encoder, "eight bits of mantissa move features by a percent", "differs in"),
    _control(order_not_restored, "row i belongs to another text", "differs in"),
    _control(last_batch_dropped, "the rest of the division is never run", "differs in"),
    _control(strongest_features_only, "a text fires more features than were kept", "differs in"),
    _control(weak_features_cut, "a weak feature is a feature", "differs in"),
    _control(encoder_bias_forgotten, "the bias decides which features fire", "differs in 70 of 70 rows"),
    _control(equal_texts_merged, "a text that comes twice has two rows", "expected ("),
    _control(cached_by_number_of_texts, "other texts of the same number get the first ones' features", "differs in"),
    _control(hook_left_on_the_model, "every later call runs the hook again", "hooks changed", "hooks"),
    _control(
        agreeable_tensor, "a subclass decides itself what == says", "is a _Agreeable, expected a torch.Tensor", "type"
    ),
)
