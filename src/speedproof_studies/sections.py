"""What the project's own studies add to the report: valid rewrites, mutants, and what tools and comparisons notice."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from speedproof.records.record import Ledger
from speedproof.report.asked import Asked
from speedproof.report.page.plot import Plot
from speedproof.report.report import Report, Section, Told

from .kinds import Planted, Rejected
from .mutation.tally import Tally, tally
from .peers.table import Table, of_the_last_machine, of_the_report, tables
from .planted.rates import Detection, detection
from .plots import detection_plot, power_plots
from .power.rates import Pool, pool
from .rewrites.rate import Rejection, again, overall, rejections

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Rewrites(Told):
    """How often the gate rejects what is right, by finding and subject."""

    parts: Sequence[Rejection]

    @cached_property
    def total(self) -> Rejection:
        """All findings and subjects together."""
        return overall(self.parts)

    @property
    def is_good(self) -> bool:
        """Whether none was rejected."""
        return not self.total.rejected

    @property
    def line(self) -> str:
        """How many of how many."""
        return f"Valid rewrites rejected: {self.total.words}."

    def of(self, finding: str) -> list[Rejection]:
        """Those of one finding."""
        return [one for one in self.parts if one.finding == finding]

    def again(self, one: Rejection, rejected: Rejected) -> str:
        """The command that repeats a trial."""
        return again(one.finding, one.subject, rejected.seed)


@dataclass(frozen=True)
class Mutants(Told):
    """What became of faults planted on purpose."""

    tally: Tally


@dataclass(frozen=True)
class Power(Told):
    """Which slowdowns the tools notice, and which planted changes the comparison of sides."""

    pool: Pool
    planted: Sequence[Detection]

    @property
    def plots(self) -> list[Plot]:
        """The tools' alarms, by load."""
        return power_plots("power", self.pool.trials)

    @property
    def planted_plot(self) -> Plot | None:
        """The planted changes that were told."""
        return detection_plot("planted", self.planted)


@dataclass(frozen=True)
class Peers(Told):
    """What a user would pick instead of the batched twin of finding 1, on the machine that was asked last, a table a
    workload; and how many other machines have tables."""

    tables: Sequence[Table]
    n_other_machines: int


def _rewrites(ledger: Ledger, asked: Asked) -> Rewrites | None:
    sitting = Report(ledger, asked).sitting
    found = rejections(ledger.records, sitting.environment.machine) if sitting else ()
    return Rewrites(found) if found else None


def _mutants(ledger: Ledger, asked: Asked) -> Mutants | None:
    found = tally(ledger.records)
    return Mutants(found) if found else None


def _power(ledger: Ledger, asked: Asked) -> Power | None:
    pooled = pool(ledger.records)
    planted = detection([record.body for record in ledger.records if isinstance(record.body, Planted)])
    return Power(pooled, planted) if pooled.trials or planted else None


def _peers(ledger: Ledger, asked: Asked) -> Peers | None:
    found = of_the_report(tables(ledger.records))
    if not found or asked.workload != "report" or asked.subject:
        return None
    return Peers(of_the_last_machine(found), len({table.machine for table in found}) - 1)


SECTIONS: tuple[Section, ...] = (
    Section("rewrites", _rewrites, TEMPLATES / "rewrites"),
    Section("mutants", _mutants, TEMPLATES / "mutants"),
    Section("peers", _peers, TEMPLATES / "peers"),
    Section("power", _power, TEMPLATES / "power"),
)
"""In the order in which they are shown, where they show something at the same place."""
