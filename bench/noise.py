"""Noise: what the A/A pairs of all sittings say of the machine, and when a sitting's own voids its timings."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .bodies import Measured, Sat
from .comparison import Comparison
from .record import Record

NULL_ERROR_RATE = 0.01
"""Chance that a sitting is voided although its A/A pair is alike."""
WIDE_NULL = 0.05
"""Relative half-width of an A/A interval from which the machine is looked at: the smallest effect reported."""


@dataclass(frozen=True)
class NullPair:
    """The A/A pair of one sitting."""

    sitting: str
    written: str
    machine: str
    comparison: Comparison

    @property
    def differs(self) -> bool:
        """Whether a twin against itself was told apart, so that the sitting's timings are void."""
        return self.comparison.p_value < NULL_ERROR_RATE

    @property
    def is_wide(self) -> bool:
        """Whether the noise would hide the smallest effect reported."""
        return self.comparison.half_width > WIDE_NULL

    @property
    def figures(self) -> str:
        """The speed-up of a twin over itself, with its interval where there is one."""
        low, high = self.comparison.interval
        known = f"[{low:.3f}, {high:.3f}]" if low else "[too few processes]"
        return f"{self.comparison.speedup:.3f}x {known}"

    @property
    def words(self) -> str:
        """The figures and what follows from them."""
        if math.isinf(self.comparison.half_width):
            return f"{self.figures}: does not say"
        if self.differs:
            return f"{self.figures}: differs, so this sitting's timings are void"
        return f"{self.figures}: alike, as it must be{', but the noise is wide' if self.is_wide else ''}"


def history(records: Sequence[Record]) -> tuple[NullPair, ...]:
    """The A/A pairs of all sittings, oldest first."""
    found = [
        NullPair(r.sitting, r.written, r.environment.machine, r.body.comparison)
        for r in records
        if isinstance(r.body, Measured) and r.body.null
    ]
    return tuple(sorted(found, key=lambda pair: pair.written))


def advice(null: NullPair | None, end: Sat | None) -> tuple[str, ...]:
    """What on the machine may be wrong, where the sitting's A/A pair differs or is wide; empty where it is not."""
    if null is None or not (null.differs or null.is_wide):
        return ()
    if end is None or end.conditions is None:
        return ("the machine's condition was not recorded",)
    seen = end.conditions.advice or ["nothing was seen on the machine; take more processes (--budget-s)"]
    return (*seen, *end.conditions.unreadable)
