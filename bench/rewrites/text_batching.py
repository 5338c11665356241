"""Valid rewrites of finding 1: other batches, orders, passes and products, the same features."""

import random
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from bench.findings.text_batching import FINDING

from .encoding import Encoding
from .reading import Reading
from .rewrite import Family, Rewrite
from .surroundings import Surroundings


def extract_features_by(reading: Reading, encoding: Encoding, around: Surroundings) -> Callable[..., Tensor]:
    """`extract_features` in the way given."""

    def extract_features(model: Any, sae: Any, hook_name: str, texts: Sequence[str]) -> Tensor:
        with around.hold():
            features = encoding.features(sae, reading.last_tokens(model, [hook_name], texts)[hook_name])
        return around.ordinary(features)

    return extract_features


def _draw(rng: random.Random) -> Rewrite:
    reading, encoding, around = Reading.drawn(rng), Encoding.drawn(rng), Surroundings.drawn(rng)
    options = reading.options | encoding.options | around.options
    return Rewrite(FINDING, options, extract_features_by(reading, encoding, around))


FAMILY = Family(FINDING, _draw)
