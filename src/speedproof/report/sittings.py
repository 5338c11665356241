"""Sittings as their records tell of them: which one counts, which is void, and how noisy each was.

Figures are compared within a sitting, never across.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from speedproof.environment import Environment
from speedproof.pairs.finding import CAREFUL, TWINS
from speedproof.records.base import About
from speedproof.records.kinds import Certified, Counted, Measured, Refused, Sat
from speedproof.records.trace import Traced
from speedproof.timing.comparison import Comparison
from speedproof.wording import in_percent

if TYPE_CHECKING:
    from speedproof.records.record import Record

T = TypeVar("T")

NULL_ERROR_RATE = 0.01
"""Chance that a sitting is voided although its A/A pair is alike."""


@dataclass(frozen=True)
class NullPair:
    """An A/A pair: an arm against itself, which is the noise of its sitting."""

    record: "Record"

    @cached_property
    def comparison(self) -> Comparison:
        """What its samples say; no change, if all is well."""
        assert isinstance(self.record.body, Measured)
        return self.record.body.comparison

    @property
    def differs(self) -> bool:
        """Whether a twin against itself was told apart, so that the sitting's timings are void."""
        return self.comparison.p_value < NULL_ERROR_RATE

    @property
    def is_wide(self) -> bool:
        """Whether its interval is no evidence that both are alike: the machine is looked at then."""
        return not self.comparison.estimate.is_alike()

    @property
    def figures(self) -> str:
        """The speed-up of a twin over itself, with its interval where there is one."""
        low, high = self.comparison.interval
        known = f"[{low:.3f}, {high:.3f}]" if low else "[too few processes]"
        return f"{self.comparison.speedup:.3f}x {known}"

    @property
    def outcome(self) -> str:
        """What follows from the figures."""
        if math.isinf(self.comparison.half_width):
            return "does not say"
        if self.differs:
            return "differs, so this sitting's timings are void"
        hidden = in_percent(self.comparison.detectable)
        return f"undecided, the noise hides up to {hidden}" if self.is_wide else "alike, as it must be"

    @property
    def words(self) -> str:
        """The figures and what follows from them."""
        machine = f" ({self.comparison.machine_words})" if self.comparison.machine_words else ""
        return f"{self.figures}: {self.outcome}{machine}"


@dataclass(frozen=True)
class RecordedSitting:
    """One sitting, by its records in the order written."""

    records: tuple["Record", ...]

    @property
    def name(self) -> str:
        """The sitting's name."""
        return self.records[0].sitting

    @property
    def environment(self) -> Environment:
        """The machine and its software."""
        return self.last.environment

    @property
    def machine(self) -> str:
        """The machine in words, which may be another than that of the figures beside it."""
        return self.environment.machine_in_words

    @property
    def last(self) -> "Record":
        """The record that was written last."""
        return self.records[-1]

    def of(self, kind: type[T]) -> list[T]:
        """The bodies of one kind."""
        return [record.body for record in self.records if isinstance(record.body, kind)]

    @cached_property
    def nulls(self) -> tuple[NullPair, ...]:
        """The A/A pairs; every stretch of a sitting that was interrupted has one of its own."""
        return tuple(NullPair(r) for r in self.records if isinstance(r.body, Measured) and r.body.null)

    @property
    def null(self) -> NullPair | None:
        """The A/A pair that speaks for the sitting: one that differs if any does, else the last."""
        return next((null for null in self.nulls if null.differs), self.nulls[-1] if self.nulls else None)

    @property
    def is_void(self) -> bool:
        """Whether its timings do not count, since an A/A pair differs."""
        return self.null is not None and self.null.differs

    @cached_property
    def is_of_ladders(self) -> bool:
        """Whether rungs were timed: a run knows the twins and the careful loop, and no other arm."""
        answers = (
            record.about.arms for record in self.records if isinstance(record.body, Certified | Refused | Measured)
        )
        return any(set(arms) - {*TWINS, CAREFUL} for arms in answers)

    @property
    def end(self) -> Sat | None:
        """What was recorded at its end, if it came to one."""
        return next(iter(self.of(Sat)), None)

    def measured(self, about: About) -> "Record | None":
        """The samples of two arms on a workload."""
        return self._measured.get(about.key)

    def refusal(self, about: About) -> "Record | None":
        """Why there can be no figure of two arms on a workload: one was refused, or timing them failed.

        Without a workload, on whichever it was: a function that is wrong on one has no figure on another.
        """
        return next((record for record in self._refused if _withholds(record.about, about)), None)

    def tells_of(self, about: About) -> bool:
        """Whether it has a figure of two arms on a workload, or says why there is none."""
        return bool(self.measured(about) or self.refusal(about))

    def counted(self, about: About) -> Counted | None:
        """The work of a function's arms on a workload."""
        return next((one for one in self.of(Counted) if one.about.key == about.by().key), None)

    def traced(self, about: About) -> Traced | None:
        """What the profiler saw of an arm on a workload."""
        return self._traced.get(about.key)

    @cached_property
    def _measured(self) -> dict[tuple[str, ...], "Record"]:
        return {record.about.key: record for record in self.records if isinstance(record.body, Measured)}

    @cached_property
    def _traced(self) -> dict[tuple[str, ...], Traced]:
        return {one.about.key: one for one in self.of(Traced)}

    @cached_property
    def _refused(self) -> list["Record"]:
        return [record for record in self.records if isinstance(record.body, Refused)]


def _withholds(refused: About, about: About) -> bool:
    is_of_it = refused._replace(arms=()) if about.workload else refused._replace(workload=None, arms=())
    if is_of_it.key != about.by().key:
        return False
    # An arm alone was refused by the gate; with its baseline, the two could not be timed.
    return refused.arms == about.arms or (len(refused.arms) == 1 and refused.arms[0] in about.arms)


def sittings(records: Iterable["Record"]) -> tuple[RecordedSitting, ...]:
    """All sittings, in the order in which they were begun."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.sitting, []).append(record)
    return tuple(RecordedSitting(tuple(own)) for own in found.values())


def that_counts(
    among: Iterable[RecordedSitting], wanted: Sequence[T], tells_of: Callable[[RecordedSitting, T], Any]
) -> RecordedSitting | None:
    """The newest sitting that tells of all that is wanted, or else the newest that tells of any of it."""
    newest, most = None, 0
    for sitting in among:
        n = sum(bool(tells_of(sitting, one)) for one in wanted)
        if n and (n == len(wanted) or most < len(wanted)):
            newest, most = sitting, n
    return newest


def nulls_of(among: Iterable[RecordedSitting]) -> tuple[NullPair, ...]:
    """The A/A pairs of all sittings, oldest first."""
    return tuple(sorted((null for one in among for null in one.nulls), key=lambda null: null.record.written))


def advice(sitting: RecordedSitting | None) -> tuple[str, ...]:
    """What on the machine may be wrong, where a sitting's A/A pair differs or is wide; empty where it is not."""
    null = sitting.null if sitting else None
    if sitting is None or null is None or not (null.differs or null.is_wide):
        return ()
    if sitting.end is None or sitting.end.conditions is None:
        return ("the machine's condition was not recorded",)
    conditions = sitting.end.conditions
    seen = conditions.advice or ["nothing was seen on the machine; take more processes (--budget-s)"]
    return (*seen, *conditions.unreadable)
