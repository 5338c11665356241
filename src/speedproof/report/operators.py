"""What two arms' traces differ in: operators that vanished, appeared, shrank or grew. From records alone.

Times are the profiler's, of one call on a few items. They say where time goes, and are no figures of the report.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from speedproof.errors import BadInput
from speedproof.pairs.finding import TWINS, Pair
from speedproof.records.base import About
from speedproof.records.trace import Operator, Traced
from speedproof.wording import seconds

from .asked import Asked
from .sittings import RecordedSitting, that_counts

ALIKE = 0.25
"""Relative change of an operator's own time up to which it is called alike: one call under the profiler is no more
exact than that. Counts are exact, so where they differ, they decide."""
N_NAMED = 3
"""Operators that a sentence names."""
N_SHOWN = 8
"""Operators that a table shows."""


@dataclass(frozen=True)
class Change:
    """One operator in two traces; None where a trace has none of it."""

    before: Operator | None
    after: Operator | None

    @property
    def name(self) -> str:
        """The operator's name."""
        return next(one.name for one in (self.before, self.after) if one)

    @cached_property
    def counts(self) -> tuple[int, int]:
        """Calls."""
        return tuple(one.count if one else 0 for one in (self.before, self.after))  # type: ignore[return-value]

    @cached_property
    def self_us(self) -> tuple[float, float]:
        """Microseconds of its own, on processor and accelerator."""
        sides = (one.self_us + one.self_device_us if one else 0.0 for one in (self.before, self.after))
        return tuple(sides)  # type: ignore[return-value]

    @property
    def self_bytes(self) -> tuple[int, int]:
        """Memory taken less memory given back."""
        return tuple(one.self_bytes if one else 0 for one in (self.before, self.after))  # type: ignore[return-value]

    @property
    def saved_us(self) -> float:
        """Microseconds that the contender spends less on it."""
        return self.self_us[0] - self.self_us[1]

    @cached_property
    def word(self) -> str:
        """What became of it: vanished, appeared, shrank, grew, or alike; by calls, or by time where those are equal."""
        if not (self.before and self.after):
            return "vanished" if self.before else "appeared"
        one, two = self.counts if self.counts[0] != self.counts[1] else self.self_us
        if self.counts[0] == self.counts[1] and abs(two - one) <= ALIKE * max(one, two):
            return "alike"
        return "shrank" if two < one else "grew"


@dataclass(frozen=True)
class Difference:
    """Two arms' traces of one function, from one sitting."""

    baseline: Traced
    contender: Traced
    is_stale: bool
    """Whether an arm's source has changed since."""

    def __post_init__(self) -> None:
        one, two = (
            (t.finding, t.function, t.workload.digest, t.n_items, t.n_calls) for t in (self.baseline, self.contender)
        )
        if one != two:
            raise BadInput(f"Traces of different work cannot be compared. Expected {one}, got {two}.")

    @property
    def is_twins(self) -> bool:
        """Whether it is between the definition and its batched twin."""
        return (self.baseline.arm, self.contender.arm) == TWINS

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """Every operator of either, the one whose time moved most first."""
        before, after = ({one.name: one for one in traced.operators} for traced in (self.baseline, self.contender))
        found = [Change(before.get(name), after.get(name)) for name in {**before, **after}]
        return tuple(sorted(found, key=lambda change: (-abs(change.saved_us), change.name)))

    def of(self, word: str) -> tuple[Change, ...]:
        """The operators that became that."""
        return tuple(change for change in self.changes if change.word == word)

    @property
    def words(self) -> str:
        """The difference in sentences."""
        arms = self.baseline.arm, self.contender.arm
        if not self.changes:
            return f"Neither {arms[0]} nor {arms[1]} calls an operator of torch: all the work is Python's."
        calls = [sum(change.counts[side] for change in self.changes) for side in (0, 1)]
        took = [seconds(sum(change.self_us[side] for change in self.changes) / 1e6) for side in (0, 1)]
        said = [f"{calls[0]:,} operator calls took {took[0]} in {arms[0]}; in {arms[1]} {calls[1]:,} took {took[1]}."]
        for word in ("vanished", "appeared", "shrank", "grew"):
            found = self.of(word)
            if found:
                more = f", and {len(found) - N_NAMED} more" if len(found) > N_NAMED else ""
                said.append(f"{word.capitalize()}: {', '.join(map(_named, found[:N_NAMED]))}{more}.")
        between = (seconds(side.between_us / 1e6) for side in (self.baseline, self.contender))
        said.append(f"Between operators, in Python and the profiler: {' to '.join(between)}.")
        return " ".join(said)


def differences(among: Sequence[RecordedSitting], asked: Asked) -> tuple[Difference, ...]:
    """Each function's twins, then each rung of its ladder against the one below, from the sitting that counts."""
    return tuple(one for finding, pair in asked.pairs for one in _of_pair(pair, asked.about(finding, pair), among))


def compared_arms(pair: Pair) -> tuple[tuple[str, str], ...]:
    """Which arms are held against each other: the twins, then neighbours on the ladder."""
    return tuple(dict.fromkeys([TWINS, *pairwise(pair.ladder)]))


def _of_pair(pair: Pair, about: About, among: Sequence[RecordedSitting]) -> Iterator[Difference]:
    compared = compared_arms(pair)
    arms = dict.fromkeys(name for both in compared for name in both)
    sitting = that_counts(among, [about.by(name) for name in arms], RecordedSitting.traced)
    if not sitting:
        return
    for before, after in compared:
        baseline, contender = (sitting.traced(about.by(name)) for name in (before, after))
        if baseline and contender:
            is_stale = any(not pair.is_unchanged(side.arm, side.source) for side in (baseline, contender))
            yield Difference(baseline, contender, is_stale)


def _named(change: Change) -> str:
    """An operator with its calls and its time, before and after."""
    calls = " to ".join(f"{n:,}" for n in dict.fromkeys(change.counts))
    took = " to ".join(seconds(us / 1e6) if us else "0" for us in change.self_us)
    return f"{change.name} ({calls} calls, {took})"
