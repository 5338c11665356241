"""Tensors in torch: batches, masks, gradients."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from speedproof_studies.textbook.entry import Entry, right, wrong


def two_batches(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """Two batches of small matrices in single precision."""
    a, b = rng.normal(size=(size, 3, 6)), rng.normal(size=(size, 6, 2))
    return {"a": torch.from_numpy(a.astype(np.float32)), "b": torch.from_numpy(b.astype(np.float32))}


def products(a: Tensor, b: Tensor) -> Tensor:
    result = a.new_zeros(a.shape[0], a.shape[1], b.shape[2])
    for place in range(a.shape[0]):
        result[place] = a[place] @ b[place]
    return result


def products_in_batch(a: Tensor, b: Tensor) -> Tensor:
    return torch.bmm(a, b)


def products_by_einsum(a: Tensor, b: Tensor) -> Tensor:
    return torch.einsum("nik,nkj->nij", a, b)


def products_in_half(a: Tensor, b: Tensor) -> Tensor:
    return torch.bmm(a.bfloat16(), b.bfloat16()).to(a.dtype)


def products_without_grad_left_on(a: Tensor, b: Tensor) -> Tensor:
    torch.set_grad_enabled(not torch.is_grad_enabled())
    return torch.bmm(a, b)


def tokens_and_lengths(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """Features of padded texts, and how many tokens of each are real; the padding is not zero."""
    lengths = rng.integers(1, 6, size=max(size, 1))
    features = rng.uniform(1, 2, size=(len(lengths), 6, 4)).astype(np.float32)
    return {"features": torch.from_numpy(features), "lengths": torch.from_numpy(lengths)}


def text_means(features: Tensor, lengths: Tensor) -> Tensor:
    """Mean over the real tokens of each text."""
    rows = [text[: int(length)].sum(0) / int(length) for text, length in zip(features, lengths, strict=True)]
    return torch.stack(rows)


def text_means_by_mask(features: Tensor, lengths: Tensor) -> Tensor:
    real = torch.arange(features.shape[1]) < lengths[:, None]
    return torch.where(real[..., None], features, 0).sum(1) / lengths[:, None]


def text_means_with_padding(features: Tensor, lengths: Tensor) -> Tensor:
    return features.mean(1)


def last_tokens(features: Tensor, lengths: Tensor) -> Tensor:
    """Features of the last real token of each text."""
    return torch.stack([text[int(length) - 1] for text, length in zip(features, lengths, strict=True)])


def last_tokens_by_index(features: Tensor, lengths: Tensor) -> Tensor:
    return features[torch.arange(len(lengths)), lengths - 1]


def features_at_the_last_place(features: Tensor, lengths: Tensor) -> Tensor:
    return features[:, -1].clone()


def some_scores(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """Scores in single precision, of both signs and some of them large; the larger ones need a gradient."""
    scores = rng.uniform(-20, 20, size=(max(size, 1), 4)).astype(np.float32)
    scores += 200
    return {"scores": torch.from_numpy(scores).requires_grad_()}


def probabilities(scores: Tensor) -> Tensor:
    return torch.stack([(row - row.max()).exp() / (row - row.max()).exp().sum() for row in scores])


def probabilities_at_once(scores: Tensor) -> Tensor:
    return scores.softmax(1)


def probabilities_by_exponentials(scores: Tensor) -> Tensor:
    return scores.exp() / scores.exp().sum(1, keepdim=True)


def probabilities_without_gradient(scores: Tensor) -> Tensor:
    with torch.no_grad():
        return scores.softmax(1)


def some_values(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """Values of both signs, with ties."""
    return {"values": torch.from_numpy(rng.integers(-3, 4, size=max(size, 1)).astype(np.float32))}


def positive_parts(values: Tensor) -> Tensor:
    result = values.clone()
    for place in range(len(values)):
        if values[place] < 0:
            result[place] = 0
    return result


def positive_parts_by_where(values: Tensor) -> Tensor:
    return torch.where(values < 0, 0, values)


def positive_parts_in_place(values: Tensor) -> Tensor:
    return values.clamp_(min=0).clone()


def order(values: Tensor) -> Tensor:
    """Places from the largest value to the smallest, the earlier first where they tie."""
    numbers = values.tolist()
    return torch.tensor(sorted(range(len(numbers)), key=lambda place: -numbers[place]))


def order_by_stable_sort(values: Tensor) -> Tensor:
    return torch.sort(values, descending=True, stable=True).indices


def order_turned_around(values: Tensor) -> Tensor:
    return torch.sort(values, stable=True).indices.flip(0)


def two_embeddings(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """Two embeddings in single precision, both of which are trained."""
    drawn = rng.normal(size=(2, size + 2)).astype(np.float32)
    return {name: torch.from_numpy(one).requires_grad_() for name, one in zip(("one", "other"), drawn, strict=True)}


def apart(one: Tensor, other: Tensor) -> Tensor:
    return torch.stack([(x - y) ** 2 for x, y in zip(one, other, strict=True)]).mean()


def apart_by_library(one: Tensor, other: Tensor) -> Tensor:
    return torch.nn.functional.mse_loss(one, other)


def apart_from_a_copy(one: Tensor, other: Tensor) -> Tensor:
    return torch.nn.functional.mse_loss(one, other.detach())


ENTRIES: tuple[Entry, ...] = (
    right(products, products_in_batch, two_batches, "The same products, in one call."),
    right(products, products_by_einsum, two_batches, "The same products, in one call."),
    wrong(products, products_in_half, two_batches, "Half precision inside."),
    wrong(products, products_without_grad_left_on, two_batches, "It leaves the gradient mode changed."),
    right(
        text_means, text_means_by_mask, tokens_and_lengths, "The padding adds zero, and the division is by real tokens."
    ),
    wrong(text_means, text_means_with_padding, tokens_and_lengths, "The padding is in the mean."),
    right(last_tokens, last_tokens_by_index, tokens_and_lengths, "The index is that of the last real token."),
    wrong(last_tokens, features_at_the_last_place, tokens_and_lengths, "The last place is padding."),
    right(probabilities, probabilities_at_once, some_scores, "The library takes each row's largest score away."),
    wrong(probabilities, probabilities_by_exponentials, some_scores, "Large scores overflow."),
    wrong(probabilities, probabilities_without_gradient, some_scores, "No gradient goes through the answer."),
    right(positive_parts, positive_parts_by_where, some_values, "The choice is made for all values at once."),
    wrong(positive_parts, positive_parts_in_place, some_values, "The caller's values are changed."),
    right(order, order_by_stable_sort, some_values, "A stable sort keeps ties in order."),
    wrong(order, order_turned_around, some_values, "Turning the order around turns the ties too."),
    right(apart, apart_by_library, two_embeddings, "The same mean, and the same gradient for both."),
    wrong(apart, apart_from_a_copy, two_embeddings, "The answer is right, and the second embedding learns nothing."),
)
