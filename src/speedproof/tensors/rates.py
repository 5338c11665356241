"""How fast this machine multiplies matrices and moves memory, in the sitting that uses the rates."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import torch

from speedproof.clock import elapsed_s, monotonic_s
from speedproof.machine.rates import GFLOP_S, Rate

SHAPES = ((12, 768, 3072), (512, 768, 3072), (2048, 768, 3072))
"""Tokens, width in, width out: a GPT-2 small block's largest product at one text, at a full batch, and beyond."""
MEMORY_BYTES = 256 * 2**20
"""Array that is read and copied: eight times the last-level cache of a large server core complex (32 MiB)."""
NOW = SHAPES[1:]
"""What is multiplied to know the rate of a moment: those that a machine does best."""
STRETCH_S = 0.4
"""Seconds for each operation; the five together take about two."""
FEWEST_SAMPLES = 3


def rates(n_threads: int) -> Iterator[tuple[Rate, ...]]:
    """Products in float32 by shape, then memory read and copied. Meant for a fresh process: yields both in turn."""
    torch.set_num_threads(n_threads)
    yield tuple(_product(*shape) for shape in SHAPES)
    with torch.no_grad():
        yield _memory()


def rate_beside() -> dict[str, float]:
    """How long 10^9 FLOPs of products take at this moment, by as many threads as torch has: seen beside a sample.

    On a shared machine the rate changes within seconds, so the best of an hour is not what a call could have had.
    """
    best = max(_product(*shape, stretch_s=0.0).per_s for shape in NOW)
    return {GFLOP_S: 1e9 / best}


def _product(n_tokens: int, d_in: int, d_out: int, stretch_s: float = STRETCH_S) -> Rate:
    left, right, out = _factors(n_tokens, d_in, d_out)
    with torch.no_grad():
        samples = _samples(lambda: torch.mm(left, right, out=out), stretch_s)
    return Rate(f"{n_tokens} x {d_in} x {d_out}", 2 * n_tokens * d_in * d_out, samples)


@cache
def _factors(n_tokens: int, d_in: int, d_out: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Two matrices and room for their product, made once: a process asks again. Draws from no state of others."""
    chance = torch.Generator().manual_seed(0)
    left, right = (torch.randn(*shape, generator=chance) for shape in ((n_tokens, d_in), (d_in, d_out)))
    return left, right, torch.empty(n_tokens, d_out)


def _memory() -> tuple[Rate, ...]:
    source = torch.ones(MEMORY_BYTES // 4)
    target = torch.empty_like(source)
    return (
        Rate("read", MEMORY_BYTES, _samples(source.sum)),
        # Read once and written once.
        Rate("copy", 2 * MEMORY_BYTES, _samples(lambda: target.copy_(source))),
    )


def _samples(call: Callable[[], Any], stretch_s: float = STRETCH_S) -> tuple[float, ...]:
    call()
    samples: list[float] = []
    start_s = monotonic_s()
    while len(samples) < FEWEST_SAMPLES or monotonic_s() - start_s < stretch_s:
        samples.append(elapsed_s(call)[1])
    return tuple(samples)
