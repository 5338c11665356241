"""What bursts did to the intervals, by pair and by method."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from speedproof.records.record import Record
from speedproof.wording import some
from speedproof_studies.kinds import Burst

from .load import Load

HEAD = ("pair", "read by", "quiet", "bursts", "wider", "covered", "settled", "disturbed", "slow")
"""Of the figures, the middle one, with half the width of its interval."""


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

    def settled(self, bodies: Sequence[Burst]) -> str:
        """How many intervals leave out 1."""
        n = sum(not b.told[self.method].low <= 1 <= b.told[self.method].high for b in bodies)
        return f"{n} of {len(bodies)}"

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
            f"{self.speedup(self.quiet):.3f}x ± {self.half_width(self.quiet):.1%}",
            f"{self.speedup(self.loaded):.3f}x ± {self.half_width(self.loaded):.1%}",
            f"{self.wider:.1f} times",
            f"{self.n_covering} of {len(self.loaded)}",
            f"{self.settled(self.quiet)}, {self.settled(self.loaded)}",
            f"{n_disturbed} of {n_pairs} pairs",
            f"{fmean(b.slow_share for b in self.quiet):.0%}, {fmean(b.slow_share for b in self.loaded):.0%}",
        )


@dataclass(frozen=True)
class Study:
    """All that was measured on one machine, of one workload, beside one load."""

    machine: str
    workload: str
    load: Load
    bodies: Sequence[Burst]

    @property
    def title(self) -> str:
        """What was measured where, and beside which load."""
        n_void = len(voids(self.bodies))
        counts = f"{some(len(self.bodies), 'measurement')}, of which {n_void or 'none'} void"
        return f"Workload {self.workload}, {self.machine}, {self.load.words}; {counts}"

    @property
    def rows(self) -> list[Widened]:
        """One for each pair and method that was measured both ways."""
        return widened(self.bodies)


def studies(records: Sequence[Record]) -> list[Study]:
    """In the order in which they were begun."""
    found: dict[tuple[str, str, Load], list[Burst]] = {}
    for record in records:
        if isinstance(body := record.body, Burst):
            load = Load(body.burst_s, body.share, body.n_processes)
            found.setdefault((record.environment.machine_in_words, body.workload.name, load), []).append(body)
    return [Study(*key, bodies) for key, bodies in found.items()]


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


def _key(body: Burst) -> tuple[str, bool]:
    return body.function, body.null
