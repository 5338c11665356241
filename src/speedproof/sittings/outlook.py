"""Outlooks: which findings can be measured here, and what would disturb each."""

from collections.abc import Sequence
from dataclasses import dataclass

from speedproof.environment import LIBRARIES
from speedproof.machine.signs import Sign, State
from speedproof.pairs.finding import Finding

ALWAYS = (*LIBRARIES, "versions", "clock", "results folder", "cache folder")
"""Signs that matter to every finding."""


@dataclass(frozen=True)
class Outlook:
    """One finding's: the signs against it, worst first, and what disturbs it anywhere."""

    finding: str
    against: tuple[Sign, ...]
    disturbed_by: str

    @property
    def state(self) -> State:
        """Whether it can be measured here."""
        return worst(self.against)

    @property
    def line(self) -> str:
        """All of it in one line."""
        why = f" ({', '.join(sign.about for sign in self.against)})" if self.against else ""
        return f"{self.finding}: {self.state}{why}. Disturbed by {self.disturbed_by}"


def outlooks(findings: Sequence[Finding], signs: Sequence[Sign]) -> list[Outlook]:
    """What the signs mean for each finding."""
    found = []
    for finding in findings:
        disturbed = finding.disturbed_by
        against = [s for s in signs if s.about in (*ALWAYS, *disturbed.signs) and s.state is not State.GOOD]
        found.append(Outlook(finding.name, tuple(sorted(against, key=_rank, reverse=True)), disturbed.words))
    return found


def worst(signs: Sequence[Sign]) -> State:
    """The worst state among the signs; good where there is none."""
    return max(signs, key=_rank).state if signs else State.GOOD


def _rank(sign: Sign) -> int:
    return list(State).index(sign.state)
