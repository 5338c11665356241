"""What is shown of where a call goes: a row a function and workload, and what a reader must know of it."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean, median
from typing import Any

from speedproof.errors import BadInput
from speedproof.machine.roofline import Machine
from speedproof.pairs.finding import TWINS
from speedproof.records.record import Record
from speedproof.report.roofline import machine_of
from speedproof.report.sittings import sittings
from speedproof.timing.estimate import Estimate
from speedproof.wording import digits, in_percent, seconds

from .kind import Breakdown, Spent

HEAD = (
    *("finding", "texts", "one call", "matrix products", "attention", "other operators", "no operator"),
    *("of the floor, best rate / rate beside", "were all but the products free"),
)
PRODUCTS = ("aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm")
N_NAMED = 4
"""Other operators that a line names."""


@dataclass(frozen=True)
class Row:
    """One function on one workload, in the processes of one sitting."""

    processes: tuple[Breakdown, ...]
    machine: Machine
    where: str
    """The machine, in words."""

    @property
    def about(self) -> Breakdown:
        """What all of them are of."""
        return self.processes[0]

    @property
    def is_stale(self) -> bool:
        """Whether the twin is other code by now."""
        from bench.findings import find

        try:
            pair = find(self.about.finding).pairs[0]
            return not all(pair.is_unchanged(TWINS[1], one.source) for one in self.processes)
        except BadInput:
            return True

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of the table, in the order of `HEAD`."""
        name = self.about.finding, f"{self.about.workload.n_items:,}"
        if self.is_stale:
            return (*name, *["STALE"] * (len(HEAD) - 2))
        products, attention, outside = (self.part(of) for of in (products_s, attention_s, outside_s))
        others = 1 - products - attention - outside
        shares = (in_percent(share) for share in (products, attention, others, outside))
        return (
            *name,
            seconds(self._typical(lambda one: one.seconds)),
            *shares,
            " / ".join(map(_told, self.of_the_floor(lambda one: one.seconds))),
            " / ".join(map(_told, self.of_the_floor(alone_s))),
        )

    @property
    def as_json(self) -> dict[str, Any]:
        """The row as plain data: shares of a call, and of the floor with their intervals."""
        if self.is_stale:
            return {"finding": self.about.finding, "workload": self.about.workload.name, "stale": True}
        now, alone = self.of_the_floor(lambda one: one.seconds), self.of_the_floor(alone_s)
        floors = {"floor_share": now[0], "floor_share_by_rate_beside": now[1]}
        floors |= {"floor_share_of_products_alone": alone[0], "floor_share_of_products_alone_by_rate_beside": alone[1]}
        return {
            "finding": self.about.finding,
            "workload": self.about.workload.name,
            "stale": False,
            "seconds": self._typical(lambda one: one.seconds),
            "products": self.part(products_s),
            "attention": self.part(attention_s),
            "no_operator": self.part(outside_s),
            **{name: {"value": one.factor, "interval": one.interval} for name, one in floors.items()},
            "processes": len(self.processes),
        }

    def part(self, of: Callable[[Spent], float]) -> float:
        """The share of the call under the profiler that something takes."""
        return self._typical(lambda one: max(of(one), 1e-9) / one.profiled_s)

    def of_the_floor(self, of: Callable[[Spent], float]) -> tuple[Estimate, Estimate]:
        """The floor over the seconds of something: by the best rate of the sitting, and by the rate beside."""
        work, best = self.about.work, self.machine.flops_per_s
        return (
            self._estimate(lambda one: self.machine.least_s(work, best) / of(one)),
            self._estimate(lambda one: self.machine.least_s(work, one.flops_per_s) / of(one)),
        )

    @property
    def rates(self) -> tuple[Estimate, Estimate]:
        """The rate of the call's products, as a share of the sitting's best and of that beside."""
        flops = sum(self.about.flops.get(name, 0) for name in PRODUCTS)
        return (
            self._estimate(lambda one: flops / alone_s(one) / self.machine.flops_per_s),
            self._estimate(lambda one: flops / alone_s(one) / one.flops_per_s),
        )

    @property
    def line(self) -> str:
        """What else there is to say."""
        about, best = self.about, self.rates
        flops = sum(about.flops.values())
        names = {name for process in self.processes for one in process.calls for name in one.self_s}
        others = {name: self.part(partial(_own_s, name)) for name in names if not _known(name)}
        largest = sorted(others, key=lambda name: -others[name])[:N_NAMED]
        named = ", ".join(f"`{name}` {in_percent(others[name])}" for name in largest)
        n_calls = sum(len(process.calls) for process in self.processes)
        slower = self._typical(lambda one: one.profiled_s / one.seconds)
        return (
            f"{about.finding}, {about.workload.n_items:,} texts: it computes {digits(flops / about.work.flops)} times "
            f"the least work. Its products run at {_told(best[0])} of the sitting's best rate, {_told(best[1])} of the "
            f"rate beside. Of the other operators {named}. {n_calls} calls in {len(self.processes)} processes; the "
            f"profiler makes one {digits(slower)} times as long."
        )

    def _typical(self, of: Callable[[Spent], float]) -> float:
        return math.exp(fmean(math.log(median(map(of, one.calls))) for one in self.processes))

    def _estimate(self, of: Callable[[Spent], float]) -> Estimate:
        logs = (math.log(median(map(of, one.calls))) for one in self.processes)
        return Estimate(tuple((log, log) for log in logs))


def products_s(one: Spent) -> float:
    """Seconds that a call's matrix products take under the profiler."""
    return sum(one.self_s.get(name, 0.0) for name in PRODUCTS)


def alone_s(one: Spent) -> float:
    """Seconds that they take of the call without the profiler: the same share of it."""
    return products_s(one) / one.profiled_s * one.seconds


def attention_s(one: Spent) -> float:
    """Seconds of attention's own kernels."""
    return sum(took for name, took in one.self_s.items() if "attention" in name)


def outside_s(one: Spent) -> float:
    """Seconds between operators: Python, the tokenizer, and the profiler."""
    return max(0.0, one.profiled_s - sum(one.self_s.values()))


def rows(records: Sequence[Record]) -> list[Row]:
    """The newest sitting's of each function and workload, in the order in which they first came."""
    found: dict[tuple[str, str], Row] = {}
    for sitting in sittings(records):
        of_this: dict[tuple[str, str], list[Breakdown]] = {}
        for body in sitting.of(Breakdown):
            of_this.setdefault((body.finding, body.workload.digest), []).append(body)
        machine = machine_of(sitting)
        if machine:
            found |= {key: Row(tuple(bodies), machine, sitting.machine) for key, bodies in of_this.items()}
    return [*found.values()]


def lines(told: Sequence[Row]) -> Iterator[str]:
    """What stands below the table."""
    for row in told:
        if not row.is_stale:
            yield f"{row.line} Measured on {row.where}."


def _own_s(name: str, one: Spent) -> float:
    return one.self_s.get(name, 0.0)


def _known(name: str) -> bool:
    return name in PRODUCTS or "attention" in name


def _told(share: Estimate) -> str:
    low, high = share.interval
    return f"{share.factor:.2f} [{low:.2f}, {high:.2f}]" if low else f"{share.factor:.2f} [too few processes]"
