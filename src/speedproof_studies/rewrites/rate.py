"""How often the gate rejects what is right: counted over trials, with a bound on the true rate."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from speedproof.records.record import Record
from speedproof_studies.kinds import Rejected, Rewritten
from speedproof_studies.proportion import upper

CONFIDENCE = 0.95
"""Of the bound on the false rejection rate."""


@dataclass(frozen=True)
class Rejection:
    """Trials of valid rewrites, and those that the gate rejected. No finding means all together."""

    subject: str
    finding: str
    n_trials: int
    n_rewrites: int
    """Different sets of options among them; at least so many, where several runs are taken together."""
    closest: float
    """Largest error among those that passed, as a share of the error allowed."""
    rejected: tuple[Rejected, ...]

    @property
    def rate(self) -> float:
        """Share of the trials that the gate rejected."""
        return len(self.rejected) / self.n_trials

    @property
    def bound(self) -> float:
        """Upper bound on the false rejection rate: Clopper and Pearson's, one-sided."""
        return upper(len(self.rejected), self.n_trials, CONFIDENCE)

    @property
    def words(self) -> str:
        """How many of how many, and the bound."""
        percent = f"{100 * self.bound:.2g}%"
        return f"{len(self.rejected)} of {self.n_trials:,} (at most {percent} of all, {CONFIDENCE:.0%} confidence)"


def rejections(records: Sequence[Record], machine: str) -> tuple[Rejection, ...]:
    """Per subject and finding, over all runs on that machine with the newest gate. A seed counts once."""
    bodies = [r.body for r in records if isinstance(r.body, Rewritten) and r.environment.machine == machine]
    current = [body for body in bodies if body.gate == bodies[-1].gate]
    abouts = dict.fromkeys((body.subject, body.finding) for body in current)
    return tuple(merged([b for b in current if (b.subject, b.finding) == about]) for about in abouts)


def merged(bodies: Sequence[Rewritten]) -> Rejection:
    """Runs of one finding on one subject, taken together. A seed that was run twice is one trial."""
    seeds = {seed for body in bodies for seed in range(body.seed, body.seed + body.n_trials)}
    rejected = {found.seed: found for body in bodies for found in body.rejected}
    return Rejection(
        bodies[0].subject,
        bodies[0].finding,
        len(seeds),
        max(body.n_rewrites for body in bodies),
        max(body.closest for body in bodies),
        tuple(rejected.values()),
    )


def overall(parts: Iterable[Rejection]) -> Rejection:
    """All findings and subjects together. Raises ValueError where there are none."""
    listed = list(parts)
    if not listed:
        raise ValueError("expected at least one rejection count, got none")
    return Rejection(
        ", ".join(dict.fromkeys(part.subject for part in listed)),
        "",
        sum(part.n_trials for part in listed),
        sum(part.n_rewrites for part in listed),
        max(part.closest for part in listed),
        tuple(found for part in listed for found in part.rejected),
    )


def again(finding: str, subject: str, seed: int) -> str:
    """The command that repeats one trial."""
    return f"python -m bench rewrites {finding} --subject {subject} --seed {seed} --trials 1"
