"""What mutation runs of today's gate come to."""

from collections.abc import Sequence
from dataclasses import dataclass

from speedproof.records.record import Record
from speedproof_studies.kinds import Mutated


@dataclass(frozen=True)
class Tally:
    """The newest run of each module."""

    parts: tuple[Mutated, ...]

    @property
    def n_mutants(self) -> int:
        """Mutants that were tried."""
        return sum(part.n_tried for part in self.parts)

    @property
    def n_possible(self) -> int:
        """Mutants that there are; those not tried were left out at random."""
        return sum(part.n_mutants for part in self.parts)

    @property
    def n_killed(self) -> int:
        """Mutants that something noticed."""
        return sum(part.n_killed for part in self.parts)

    @property
    def n_survived(self) -> int:
        """Mutants that nothing noticed."""
        return sum(len(part.survived) for part in self.parts)

    @property
    def n_unexplained(self) -> int:
        """Survivors without a reason."""
        return sum(not one.reason for part in self.parts for one in part.survived)

    @property
    def words(self) -> str:
        """The counts in a sentence."""
        drawn = f" (drawn from {self.n_possible:,})" if self.n_mutants < self.n_possible else ""
        reasons = f"{self.n_unexplained} without a reason" if self.n_unexplained else "each with its reason"
        return f"{self.n_mutants:,} mutants{drawn}, {self.n_killed:,} killed, {self.n_survived} survivors, {reasons}"


def tally(records: Sequence[Record]) -> Tally | None:
    """The newest run of each module under the newest gate, or None where there is none."""
    bodies = [record.body for record in records if isinstance(record.body, Mutated)]
    newest = {body.module: body for body in bodies if body.gate == bodies[-1].gate}
    return Tally(tuple(newest.values())) if newest else None
