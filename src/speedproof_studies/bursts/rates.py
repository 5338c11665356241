"""What bursts did to the intervals, by pair and by method."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from speedproof_studies.kinds import Burst

HEAD = (
    *("pair", "read by", "quiet, middle", "half-width", "bursts, middle", "half-width"),
    *("wider", "covered", "disturbed", "slow"),
)


@dataclass(frozen=True)
class Widened:
    """One pair read by one method, in quiet and under bursts."""

    pair: str
    method: str
    quiet: Sequence[Burst]
    loaded: Sequence[Burst]

    @property
    def centre(self) -> float:
        """The geometric mean of all quiet figures: what the interval should hold."""
        return math.exp(fmean(math.log(one.told[self.method].speedup) for one in self.quiet))

    @property
    def wider(self) -> float:
        """Times as wide as in quiet that the middle interval is."""
        return self.half_width(self.loaded) / self.half_width(self.quiet)

    def half_width(self, bodies: Sequence[Burst]) -> float:
        """The middle one, relative."""
        return median(math.log(b.told[self.method].high / b.told[self.method].low) / 2 for b in bodies)

    def speedup(self, bodies: Sequence[Burst]) -> float:
        """The middle one."""
        return median(one.told[self.method].speedup for one in bodies)

    @property
    def n_covering(self) -> int:
        """Intervals under bursts that hold what was measured in quiet."""
        return sum(b.told[self.method].low <= self.centre <= b.told[self.method].high for b in self.loaded)

    @property
    def cells(self) -> tuple[str, ...]:
        """A row of the table."""
        n_disturbed, n_pairs = (sum(getattr(b, name) for b in self.loaded) for name in ("n_disturbed", "n_pairs"))
        return (
            self.pair,
            self.method,
            f"{self.speedup(self.quiet):.3f}x",
            f"{self.half_width(self.quiet):.1%}",
            f"{self.speedup(self.loaded):.3f}x",
            f"{self.half_width(self.loaded):.1%}",
            f"{self.wider:.1f} times",
            f"{self.n_covering} of {len(self.loaded)}",
            f"{n_disturbed} of {n_pairs} pairs",
            f"{fmean(b.slow_share for b in self.quiet):.0%}, {fmean(b.slow_share for b in self.loaded):.0%}",
        )


def widened(bodies: Sequence[Burst]) -> list[Widened]:
    """One for each pair and method that was measured both ways."""
    found = []
    for key in dict.fromkeys(map(_key, bodies)):
        own = [body for body in bodies if _key(body) == key and not body.failure]
        for method in dict.fromkeys(name for body in own for name in body.told):
            of_it = [body for body in own if method in body.told and body.told[method].low > 0]
            sides = [[body for body in of_it if body.loaded is loaded] for loaded in (False, True)]
            if all(sides):
                found.append(Widened(f"{key[0]}{', A/A' if key[1] else ''}", method, *sides))
    return found


def voids(bodies: Sequence[Burst]) -> list[Burst]:
    """Measurements that came to nothing."""
    return [body for body in bodies if body.failure]


def how(bodies: Sequence[Burst]) -> str:
    """How it was measured, and what came to nothing, in a line."""
    if not bodies:
        return "Nothing has been recorded yet."
    kinds = sorted({(f"{body.burst_s:g}", f"{body.share:.0%}") for body in bodies})
    made = " and ".join(f"bursts of {burst_s} s on all cores, {share} of the time" for burst_s, share in kinds)
    n_void = len(voids(bodies))
    return f"{made}. Measurements: {len(bodies)}, of which void: {n_void}."


def _key(body: Burst) -> tuple[str, bool, str]:
    return body.function, body.null, body.workload.name
