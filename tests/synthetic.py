"""Synthetic sittings: launches of a known speed-up with process effects, outliers and drift, thousands at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speedproof.timing.estimate import BEYOND_DOUBT, TARGET_HALF_WIDTH, WIDEST_BEYOND_DOUBT
from speedproof.timing.method import TODAYS, Method
from speedproof.timing.sampling import MOST_TRIES

Array = NDArray[np.float64]
N_LAUNCHES = TODAYS.last
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
    hiccup_share: float = 0.0
    """Of the contender's calls, those that the machine holds up `hiccup_factor` times as long."""
    hiccup_factor: float = 5.0
    longer: float = 1.0
    """Times as often that a call of the baseline is held up: it is so much longer."""
    seen_share: float = 0.0
    """Of such calls, those that are seen to be disturbed: their pairs are taken again."""
    held_share: float = 0.0
    """Of the launches, those whose baseline waits for a core throughout, which is known, and is held up by some part of
    that, which is not."""

    def spans(self, rng: np.random.Generator) -> tuple[Array, Array]:
        """The bounds of the launches' log speed-ups, each [sitting, launch]; the same where nothing waited."""
        launches = self.launches(rng)
        if not self.held_share:
            return launches, launches
        held = rng.random(launches.shape) < self.held_share
        waited, cost = held * rng.uniform(0.05, 0.5, launches.shape), rng.random(launches.shape)
        return launches + np.log1p(-waited * (1 - cost)), launches + np.log1p(waited * cost)

    def launches(self, rng: np.random.Generator) -> Array:
        """The launches' log speed-ups, [sitting, launch]."""
        shape = (N_SITTINGS, N_LAUNCHES, self.n_pairs)
        order = np.ones(shape)
        if self.is_balanced:
            order[..., 1::2] = -1
            order *= rng.choice([-1.0, 1.0], size=(N_SITTINGS, N_LAUNCHES, 1))
        process = rng.normal(0, self.process_sd, shape[:2])
        for n in range(1, shape[1]):
            fresh = np.sqrt(1 - self.correlation**2) * process[:, n]
            process[:, n] = self.correlation * process[:, n - 1] + fresh
        pairs = self.effect + process[..., None] + self._call(rng, shape) - self._call(rng, shape)
        if self.hiccup_share:
            pairs += self._hiccups(rng, shape)
        return np.asarray(np.median(pairs - order * self.drift_in_pair, axis=-1))

    def _hiccups(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """What hiccups that nobody saw do to pairs; those that were seen are taken again, and may be hit again."""
        held_up = np.zeros(shape)
        open_ = np.ones(shape, dtype=bool)
        for _ in range(MOST_TRIES):
            hits = [rng.random(shape) < self.hiccup_share * times for times in (self.longer, 1.0)]
            seen = [hit & (rng.random(shape) < self.seen_share) for hit in hits]
            took = hits[0] * np.log(self.hiccup_factor) - hits[1] * np.log(self.hiccup_factor)
            held_up[open_] = took[open_]
            open_ &= seen[0] | seen[1]
        # A pair that was disturbed each time is left out; here it counts as one that was not.
        held_up[open_] = 0.0
        return held_up

    def _call(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        outliers = (rng.random(shape) < self.outlier_share) * rng.exponential(self.outlier_size, shape)
        return rng.normal(0, self.call_sd / np.sqrt(2), shape) + outliers


def looked_at(launches: Array, method: Method = TODAYS) -> tuple[Array, Array]:
    """The method's mean of each sitting's launches at each look and its standard error, [sitting, look]."""
    found = [_seen(launches[:, : look.n], look.n_trimmed) for look in method.looks]
    return np.stack([mean for mean, _ in found], axis=1), np.stack([error for _, error in found], axis=1)


def _seen(launches: Array, n_trimmed: int) -> tuple[Array, Array]:
    n, g = launches.shape[1], n_trimmed
    ordered = np.sort(launches, axis=1)
    winsorised = ordered.copy()
    if g:
        winsorised[:, :g], winsorised[:, n - g :] = ordered[:, [g]], ordered[:, [n - g - 1]]
    error = winsorised.std(1, ddof=1) / ((1 - 2 * g / n) * np.sqrt(n))
    return ordered[:, g : n - g].mean(1), np.asarray(error)


def ends(spans: tuple[Array, Array], method: Method = TODAYS) -> tuple[Array, Array]:
    """Ends of each sitting's log interval at each look, [sitting, look]."""
    (low, low_error), (high, high_error) = (looked_at(side, method) for side in spans)
    critical = [look.critical for look in method.looks]
    return low - low_error * critical, high + high_error * critical


def stopped(
    spans: tuple[Array, Array], budgets: np.random.Generator | None, method: Method = TODAYS
) -> tuple[Array, Array, NDArray[np.int_]]:
    """Ends of each sitting's log interval, and its look, where the runner's rule stops it, or a random budget does."""
    low, high = ends(spans, method)
    half = (high - low) / 2
    clear = np.maximum(low, -high) > np.log(1 + BEYOND_DOUBT)
    decided = (half <= TARGET_HALF_WIDTH) | (clear & (half <= WIDEST_BEYOND_DOUBT))
    rows, n_looks = np.arange(len(low)), len(method.looks)
    decided[rows, -1] = True
    if budgets:
        decided[rows, budgets.integers(0, n_looks, size=len(low))] = True
    at = decided.argmax(1)
    return low[rows, at], high[rows, at], at
