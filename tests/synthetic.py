"""Synthetic sittings: launches of a known speed-up with process effects, outliers and drift, thousands at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speedproof.timing.estimate import BEYOND_DOUBT, TARGET_HALF_WIDTH, WIDEST_BEYOND_DOUBT
from speedproof.timing.looks import LOOKS, reach

Array = NDArray[np.float64]
N_SITTINGS = 10_000
"""Standard error of a share of 5%: 0.2%."""


@dataclass(frozen=True)
class World:
    """What a machine does to log speed-ups. Spreads and shares are as seen in the reference sitting."""

    effect: float = 0.0
    process_sd: float = 0.04
    call_sd: float = 0.03
    outlier_share: float = 0.05
    outlier_size: float = 0.3
    n_pairs: int = 8
    drift_in_pair: float = 0.0
    """How much slower the second call of a pair is, for as long as the sitting lasts."""
    is_balanced: bool = True
    """Whether each order is taken as often as the other; else the sequential twin is always first."""
    correlation: float = 0.0
    """Of one launch's process effect with the next one's."""

    def launches(self, rng: np.random.Generator) -> Array:
        """The launches' log speed-ups, [sitting, launch]."""
        shape = (N_SITTINGS, LOOKS[-1], self.n_pairs)
        order = np.ones(shape)
        if self.is_balanced:
            order[..., 1::2] = -1
            order *= rng.choice([-1.0, 1.0], size=(N_SITTINGS, LOOKS[-1], 1))
        process = rng.normal(0, self.process_sd, shape[:2])
        for n in range(1, shape[1]):
            fresh = np.sqrt(1 - self.correlation**2) * process[:, n]
            process[:, n] = self.correlation * process[:, n - 1] + fresh
        pairs = self.effect + process[..., None] + self._call(rng, shape) - self._call(rng, shape)
        return np.asarray(np.median(pairs - order * self.drift_in_pair, axis=-1))

    def _call(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        outliers = (rng.random(shape) < self.outlier_share) * rng.exponential(self.outlier_size, shape)
        return rng.normal(0, self.call_sd / np.sqrt(2), shape) + outliers


def looked_at(launches: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of each sitting's launches at each look, [sitting, look]."""
    means = np.stack([launches[:, :n].mean(1) for n in LOOKS], axis=1)
    return means, np.stack([launches[:, :n].std(1, ddof=1) for n in LOOKS], axis=1)


def stopped(launches: Array, budgets: np.random.Generator | None) -> tuple[Array, Array, NDArray[np.int_]]:
    """Ends of each sitting's log interval, and its look, where the runner's rule stops it, or a random budget does."""
    means, sds = looked_at(launches)
    half = sds * [reach(n) for n in LOOKS]
    clear = np.abs(means) - half > np.log(1 + BEYOND_DOUBT)
    decided = (half <= TARGET_HALF_WIDTH) | (clear & (half <= WIDEST_BEYOND_DOUBT))
    rows = np.arange(len(launches))
    decided[rows, -1] = True
    if budgets:
        decided[rows, budgets.integers(0, len(LOOKS), size=len(launches))] = True
    at = decided.argmax(1)
    return (means - half)[rows, at], (means + half)[rows, at], at
