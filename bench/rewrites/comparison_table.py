"""Valid rewrites of finding 2: one pass for all SAEs or one each, ranked in many ways, the same table."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

import impl_batched.comparison_table as batched
from bench.findings.comparison_table import FINDING
from impl_batched.comparison_table import Column, ComparisonTable, CountedFeature, Specialist, StrongFeature

from .encoding import Encoding
from .ranking import Ranking
from .reading import Reading
from .rewrite import Family, Option, Rewrite
from .surroundings import Surroundings


@dataclass(frozen=True)
class Way:
    """One way to make the table."""

    reading: Reading
    encoding: Encoding
    ranking: Ranking
    around: Surroundings
    one_pass: bool

    @classmethod
    def drawn(cls, rng: random.Random) -> "Way":
        """A way with every choice drawn independently."""
        parts = Reading.drawn(rng), Encoding.drawn(rng), Ranking.drawn(rng), Surroundings.drawn(rng)
        return cls(*parts, one_pass=rng.random() < 0.5)

    @property
    def options(self) -> dict[str, Option]:
        """The choices that matter."""
        chosen = self.reading.options | self.encoding.options | self.ranking.options | self.around.options
        return chosen | {"one_pass": self.one_pass}

    def features(self, model: Any, saes: Mapping[str, Any], texts: Sequence[str]) -> dict[str, Tensor]:
        """Every SAE's features, by its name."""
        hooks = {name: str(sae.cfg.metadata.hook_name) for name, sae in saes.items()}
        if self.one_pass:
            acts = self.reading.last_tokens(model, list(dict.fromkeys(hooks.values())), texts)
            return {name: self.encoding.features(sae, acts[hooks[name]]) for name, sae in saes.items()}
        return {
            name: self.encoding.features(sae, self.reading.last_tokens(model, [hooks[name]], texts)[hooks[name]])
            for name, sae in saes.items()
        }

    def column(
        self, features: Tensor, texts: Sequence[str], categories: Mapping[str, Sequence[str]], top_k: int, limit: float
    ) -> Column:
        """One SAE's column, from its features; `limit` is what a strong one exceeds."""
        rank = self.ranking.ranked
        peaks, rows = self.ranking.peaks(features)
        strong = features > limit
        counts = self.ranking.counts(strong)
        fired = counts.nonzero().flatten()
        return Column(
            tuple(StrongFeature(i, peaks[i].item(), texts[int(rows[i])]) for i in rank(peaks, top_k)),
            tuple(CountedFeature(i, int(counts[i])) for i in rank(counts, top_k)),
            tuple(CountedFeature(int(fired[i]), int(counts[fired[i]])) for i in rank(-counts[fired], top_k)),
            {name: self._specialist(strong, counts, texts, set(members)) for name, members in categories.items()},
        )

    def _specialist(self, strong: Tensor, counts: Tensor, texts: Sequence[str], members: set[str]) -> Specialist | None:
        inside = torch.tensor([text in members for text in texts])
        scores = 2 * self.ranking.counts(strong[inside]) - counts
        (best,) = self.ranking.ranked(scores, 1)
        return Specialist(best, int(scores[best])) if inside.any() and scores[best] > 0 else None


def comparison_table_by(way: Way) -> Callable[..., ComparisonTable]:
    """`comparison_table` in the way given."""

    def comparison_table(
        model: Any,
        saes: Mapping[str, Any],
        texts: Sequence[str],
        categories: Mapping[str, Sequence[str]],
        top_k: int = 5,
        threshold: float = 5.0,
    ) -> ComparisonTable:
        # It refuses what the definition refuses; how it goes about the rest is what is drawn.
        batched._check(model, saes, texts)
        with way.around.hold():
            features = way.features(model, saes, texts)
            columns = {name: way.column(found, texts, categories, top_k, threshold) for name, found in features.items()}
        return ComparisonTable(columns)

    return comparison_table


def _draw(rng: random.Random) -> Rewrite:
    way = Way.drawn(rng)
    return Rewrite(FINDING, way.options, comparison_table_by(way))


FAMILY = Family(FINDING, _draw)
