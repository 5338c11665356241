"""Charts: places on log axes, as shares of the drawing's width and height."""

import math
from dataclasses import dataclass

from .sweep import Sweep

LEAST, MOST = 0.1, 150.0
"""Speed-ups at the ends of every axis, so that charts can be compared."""
TICKS = (0.1, 1, 10, 100)
ROOM = 1.8
"""Factor between two sizes that are both named on the axis, so that the names do not touch."""


@dataclass(frozen=True)
class Chart:
    """A speed-up with its interval over size, in percent from the left and from the top."""

    sweep: Sweep

    @property
    def sizes(self) -> list[tuple[float, str]]:
        """Ticks of the sizes: the smallest and the largest timed, and powers of ten between them."""
        ends = [self.sweep.timed[0].size, self.sweep.timed[-1].size]
        inner = (10**k for k in range(1, 9) if ROOM * ends[0] < 10**k < ends[1] / ROOM)
        return [(self._across(size), f"{size:,}") for size in sorted({*ends, *inner})]

    @property
    def speedups(self) -> list[tuple[float, str]]:
        """Ticks of the speed-ups."""
        return [(height(tick), f"{tick:g}x") for tick in TICKS]

    @property
    def line(self) -> str:
        """The speed-ups, as a polyline's points."""
        return " ".join(f"{x},{y}" for x, y in self.dots)

    @property
    def dots(self) -> list[tuple[float, float]]:
        """Each speed-up's place."""
        return [(self._across(p.size), height(p.comparison.speedup)) for p in self.sweep.timed if p.comparison]

    @property
    def band(self) -> str:
        """The intervals, as a polygon's points: low ends from left to right, high ends back."""
        ends = [(self._across(p.size), *map(height, p.comparison.interval)) for p in self.sweep.timed if p.comparison]
        corners = [(x, low) for x, low, _ in ends] + [(x, high) for x, _, high in reversed(ends)]
        return " ".join(f"{x},{y}" for x, y in corners)

    def _across(self, size: int) -> float:
        first, last = self.sweep.timed[0].size, self.sweep.timed[-1].size
        return round(100 * math.log(size / first) / math.log(last / first), 2) if last > first else 50.0


def along(speedup: float) -> float:
    """Where a speed-up stands on an axis, in percent from its low end; those beyond the axis stand at its ends."""
    return round(100 * math.log(min(max(speedup, LEAST), MOST) / LEAST) / math.log(MOST / LEAST), 2)


def height(speedup: float) -> float:
    """The same from the top."""
    return round(100 - along(speedup), 2)
