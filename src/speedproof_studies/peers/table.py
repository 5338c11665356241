"""What the records say of the peers: seconds, factors with intervals, and how near each is to the machine's floor."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean, median
from typing import Any

from speedproof.errors import BadInput
from speedproof.machine.roofline import Roofline
from speedproof.pairs.finding import TWINS
from speedproof.pairs.references import resolve
from speedproof.records.kinds import Needed
from speedproof.records.record import Record
from speedproof.report.roofline import machine_of, shares_beside
from speedproof.report.sittings import RecordedSitting, sittings
from speedproof.timing.comparison import Verdict, holm, verdict
from speedproof.timing.estimate import Estimate
from speedproof.timing.launches import Launch, spans, usable
from speedproof.timing.method import method_named
from speedproof.wording import digits, seconds
from speedproof_studies.kinds import Peered

CARD = "speedproof_studies.peers.card:FINDING_WITH_PEERS"
HEAD = (
    "peer",
    "answers",
    "one call",
    "of the floor, best rate / rate beside",
    "the batched twin",
    "of the floor, best rate / rate beside",
    "peer / twin, 95% interval",
    "",
)


@dataclass(frozen=True)
class Row:
    """One peer on one workload."""

    body: Peered
    sitting: RecordedSitting
    adjusted_p: float = 1.0
    """Of all factors of the table, by Holm's method."""

    @property
    def name(self) -> str:
        """The peer's name; the twin against itself is the A/A pair."""
        return "A/A pair" if self.is_null else self.body.peer

    @property
    def is_null(self) -> bool:
        """Whether it is the twin in two processes."""
        return self.body.peer == TWINS[1]

    @cached_property
    def launches(self) -> tuple[Launch, ...]:
        """Those that figures are made of."""
        return usable(self.body.launches, method_named(self.body.method)) if self.body.launches else ()

    @cached_property
    def factor(self) -> Estimate | None:
        """Times as long as the twin: above 1 the peer is slower. None where it was not timed."""
        method = method_named(self.body.method)
        return Estimate(spans(self.body.launches, method), method) if self.launches else None

    @cached_property
    def seconds(self) -> tuple[float, float] | None:
        """Seconds of a call of the peer and of the twin beside it."""
        if not self.launches:
            return None
        return _typical([one.baseline_s for one in self.launches]), _typical([one.contender_s for one in self.launches])

    @cached_property
    def roofline(self) -> Roofline | None:
        """The floor, where the sitting knows the least work and the machine's rates."""
        machine = machine_of(self.sitting)
        needed = [one for one in self.sitting.of(Needed) if one.about.work == self.body.about.work]
        if not (machine and needed and self.seconds):
            return None
        work = needed[-1].work
        return Roofline(work, machine, *self.seconds, shares_beside(work, machine, self.launches))

    @property
    def answers(self) -> str:
        """What became of the answers, in a word and with the reason where there is no time."""
        if self.body.unsupported:
            return f"unsupported({self.body.unsupported})"
        return self.body.refused or ("equivalent" if self.body.certificate else "not asked")

    @property
    def told(self) -> str:
        """What the factor says, or why there is none."""
        if self.factor is None:
            return f"not timed: {self.body.failure}" if self.body.failure else "no time"
        if self.is_stale:
            return Verdict.STALE.value
        if verdict(self.adjusted_p) is Verdict.AMBIGUOUS:
            return Verdict.AMBIGUOUS.word
        return "the twin is faster" if self.factor.factor > 1 else "the peer is faster"

    @property
    def is_stale(self) -> bool:
        """Whether the twin or the peer is other code by now, so that the figure says nothing of it."""
        pair, held = _pair(), self.body
        try:
            return any(
                not pair.is_unchanged(name, certificate.sources["candidate"])
                for name, certificate in ((held.peer, held.certificate), (TWINS[1], held.twin_certificate))
                if certificate
            )
        except BadInput:
            return True

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of the table, in the order of `HEAD`."""
        if self.factor is None or self.seconds is None or self.is_stale:
            return (self.name, self.answers, "-", "-", "-", "-", "-", self.told)
        low, high = self.factor.interval
        known = f"[{digits(low)}, {digits(high)}]" if low else "[too few processes]"
        shares = [self._told_share(side) for side in (0, 1)]
        peer_s, twin_s = map(seconds, self.seconds)
        return (
            self.name,
            self.answers,
            peer_s,
            shares[0],
            twin_s,
            shares[1],
            f"{digits(self.factor.factor)} {known}",
            self.told,
        )

    def _told_share(self, side: int) -> str:
        if not self.roofline:
            return "-"
        beside = self.roofline.shares_beside
        return f"{self.roofline.shares[side]:.2f} / {f'{beside[side]:.2f}' if beside else '-'}"

    @property
    def as_json(self) -> dict[str, Any]:
        """The row as plain data."""
        return {
            "peer": self.body.peer,
            "workload": self.body.workload.name,
            "answers": self.answers,
            "seconds": self.seconds,
            "floor_shares": self.roofline.shares if self.roofline else None,
            "floor_shares_by_rate_beside": self.roofline.shares_beside if self.roofline else None,
            "factor": self.factor.factor if self.factor else None,
            "interval": self.factor.interval if self.factor else None,
            "processes": len(self.launches),
            "made_s": self.body.made_s,
            "versions": self.body.versions,
            "told": self.told,
        }


@dataclass(frozen=True)
class Table:
    """All peers on one workload."""

    rows: tuple[Row, ...]
    head: tuple[str, ...] = HEAD

    @property
    def title(self) -> str:
        """The workload and the machine, in words."""
        workload, roofline = self.rows[0].body.workload, next((row.roofline for row in self.rows if row.roofline), None)
        floor = f"; the machine's floor is {seconds(roofline.floor_s)}" if roofline else ""
        asked = f"{workload.n_items:,} texts, {workload.subject}, {workload.dtype}, {workload.n_threads} threads"
        return f"{asked}, {self.machine}{floor}"

    @property
    def machine(self) -> str:
        """The machine that all its rows are of, in words."""
        return self.rows[0].sitting.machine

    @property
    def best(self) -> Row | None:
        """The fastest peer that has a figure, by its factor over the twin beside it."""
        timed = [row for row in self.rows if row.factor and not row.is_null and not row.is_stale]
        return min(timed, key=lambda row: row.factor.factor if row.factor else math.inf, default=None)

    @property
    def line(self) -> str:
        """Who is ahead, and by how much."""
        best = self.best
        if best is None or best.factor is None:
            return "No peer has a figure of today's twin."
        low, high = best.factor.interval
        n = sum(len(row.launches) for row in self.rows if not row.is_null)
        told = f"it is {best.told} which is faster" if best.told == Verdict.AMBIGUOUS.word else best.told
        return (
            f"The fastest peer is {best.name}: it takes {digits(best.factor.factor)} times as long as the batched twin "
            f"[{digits(low)}, {digits(high)}], so {told}. {n} pairs of fresh processes in all."
        )

    @property
    def made(self) -> str:
        """What is told of what comes before the first call, and of the releases."""
        took = [f"{row.name} {seconds(row.body.made_s)}" for row in self.rows if row.body.made_s and not row.is_null]
        own = {name: v for row in self.rows for name, v in row.body.versions.items() if name in _names(row.body)}
        releases = ", ".join(f"{name} {number}" for name, number in own.items())
        words = f"Made before the first call, and in no time above: {', '.join(took)}." if took else ""
        return f"{words} In environments of their own: {releases}.".strip() if releases else words


def tables(records: Sequence[Record]) -> list[Table]:
    """A table for each machine, the one that was asked last first, and for each workload, in the order first asked
    about. Each peer is told by the newest sitting there that asked about it: a figure is of the peer and of the twin
    beside it, in that sitting."""
    newest: dict[str, dict[str, dict[str, Row]]] = {}
    for sitting in sittings(records):
        for body in sitting.of(Peered):
            of_machine = newest[sitting.machine] = newest.pop(sitting.machine, {})
            of_machine.setdefault(body.workload.name, {})[body.peer] = Row(body, sitting)
    made = []
    for found in (of_workload for of_machine in reversed(newest.values()) for of_workload in of_machine.values()):
        rows = _in_order([*found.values()])
        adjusted = holm([row.factor.p_value if row.factor else 1.0 for row in rows])
        made.append(Table(tuple(replace(row, adjusted_p=p) for row, p in zip(rows, adjusted, strict=True))))
    return made


def of_the_report(found: Sequence[Table]) -> list[Table]:
    """Those that are told to everybody: not of the small subject, which only shows that all works."""
    subject = _pair().workload("report").subject
    return [table for table in found if table.rows[0].body.workload.subject == subject]


def of_the_last_machine(found: Sequence[Table]) -> list[Table]:
    """Those of the machine that was asked last."""
    return [table for table in found if table.machine == found[0].machine]


def _in_order(rows: Sequence[Row]) -> list[Row]:
    """As the card names them, the A/A pair last; one that it no longer names before it."""
    names = [*_pair().arm_names[1:-1]]
    place = {name: number for number, name in enumerate(names)} | {TWINS[1]: len(names) + 1}
    return sorted(rows, key=lambda row: place.get(row.body.peer, len(names)))


def _pair() -> Any:
    return resolve(CARD).pairs[0]


def _names(body: Peered) -> set[str]:
    from packaging.requirements import Requirement

    return {Requirement(text).name for text in body.requirements}


def _typical(samples: Sequence[Sequence[float]]) -> float:
    """Geometric mean over launches of the middle sample."""
    return math.exp(fmean(math.log(median(launch)) for launch in samples))
