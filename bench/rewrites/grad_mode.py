"""Valid rewrites of finding 6: with or without a graph, in a loop or in batches, the same activations."""

import random
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from bench.findings.grad_mode import FINDING

from .reading import Reading
from .rewrite import Family, Rewrite
from .surroundings import Surroundings


def collect_activations_by(reading: Reading, around: Surroundings) -> Callable[..., Tensor]:
    """`collect_activations` in the way given."""

    def collect_activations(model: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
        with around.hold():
            activations = reading.last_tokens(model, [hook_name], texts)[hook_name]
        return around.ordinary(activations)

    return collect_activations


def _draw(rng: random.Random) -> Rewrite:
    reading, around = Reading.drawn(rng), Surroundings.drawn(rng)
    return Rewrite(FINDING, reading.options | around.options, collect_activations_by(reading, around))


FAMILY = Family(FINDING, _draw)
