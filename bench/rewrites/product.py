"""One product of activations and weights, in all the ways that people write it."""

from collections.abc import Callable

import torch
from torch import Tensor

Product = Callable[[Tensor, Tensor, Tensor], Tensor]
"""x of shape [row, d_in], weight [d_in, d_out] and bias [d_out] to [row, d_out]."""


def _split(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    half = x.shape[1] // 2
    return x[:, :half] @ weight[:half] + x[:, half:] @ weight[half:] + bias


def _float64(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return (x.double() @ weight.double() + bias.double()).to(x.dtype)


PRODUCTS: dict[str, Product] = {
    "matmul": lambda x, weight, bias: x @ weight + bias,
    "transposed weights": lambda x, weight, bias: torch.nn.functional.linear(x, weight.T.contiguous(), bias),
    "addmm": lambda x, weight, bias: torch.addmm(bias, x, weight),
    "baddbmm": lambda x, weight, bias: torch.baddbmm(bias[None, None], x[None], weight[None])[0],
    "einsum": lambda x, weight, bias: torch.einsum("ri,io->ro", x, weight) + bias,
    "split": _split,
    "float64": _float64,
}
"""By the name that an option has."""


def product(form: str, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """`x @ weight + bias` in the form named, for `x` of shape [..., d_in]."""
    rows = PRODUCTS[form](x.reshape(-1, x.shape[-1]), weight, bias)
    return rows.reshape(*x.shape[:-1], weight.shape[1])
