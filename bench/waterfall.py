"""Waterfalls: a ladder's figures, worked out from records. Which change bought what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .bodies import Certified, Counted, Measured, Refused
from .certificate import Certificate
from .comparison import Comparison, Verdict, holm
from .finding import CAREFUL, TWINS, Arm, Finding, Pair
from .record import Ledger, Record
from .staleness import standing
from .wording import seconds, speedup


@dataclass(frozen=True)
class Step:
    """One rung's figures. `in_all` is the product of the factors up to here, None where one below is missing."""

    rung: Arm
    verdict: Verdict | None = None
    """None for the definition, which is no speed-up over anything."""
    reason: str = ""
    comparison: Comparison | None = None
    baseline: str = ""
    """The arm that the factor is over: the nearest rung below that passed the gate."""
    in_all: float | None = None
    seconds: str = ""
    counts: Mapping[str, int] | None = None

    @property
    def factor(self) -> str:
        """The rung's own speed-up with its interval, or nothing."""
        return speedup(self.comparison) if self.comparison else ""

    @property
    def before(self) -> float | None:
        """What all below had reached."""
        return self.in_all / self.comparison.speedup if self.in_all and self.comparison else None


@dataclass(frozen=True)
class Waterfall:
    """A ladder in its newest sitting."""

    finding: Finding
    pair: Pair
    steps: tuple[Step, ...]
    sitting: Record
    null: Comparison | None
    null_differs: bool

    @property
    def counters(self) -> list[str]:
        """Names of what was counted."""
        return list(next((step.counts for step in self.steps if step.counts), {}))


def waterfalls(
    findings: Sequence[Finding],
    ledger: Ledger,
    workload: str,
    subject: str | None = None,
    null_error_rate: float = 0.01,
) -> tuple[Waterfall, ...]:
    """Each ladder's newest sitting on that workload; ladders that were never climbed are left out."""
    with_ladder = [(finding, pair) for finding in findings for pair in finding.pairs if pair.arms]
    found = (_waterfall(*about, ledger, workload, subject, null_error_rate) for about in with_ladder)
    return tuple(waterfall for waterfall in found if waterfall)


def _waterfall(
    finding: Finding, pair: Pair, ledger: Ledger, workload: str, subject: str | None, null_error_rate: float
) -> Waterfall | None:
    about = (finding.name, pair.name, workload, subject or pair.workload(workload).subject)
    climbed = [r for r in ledger.records if _is_about(r, about) and is_climb([pair], r)]
    if not climbed:
        return None
    sitting = climbed[-1].sitting
    records = [r for r in ledger.records if r.sitting == sitting]
    measured = [r.body for r in records if isinstance(r.body, Measured)]
    null = next((m.comparison for m in measured if m.arms[0] == m.arms[1]), None)
    null_differs = null is not None and null.p_value < null_error_rate
    steps = _steps(pair, [r for r in records if _is_about(r, about)], null_differs)
    return Waterfall(finding, pair, tuple(steps), climbed[-1], null, null_differs)


def _steps(pair: Pair, records: Sequence[Record], null_differs: bool) -> list[Step]:
    bodies = [r.body for r in records]
    factors = {b.arms[1]: b for b in bodies if isinstance(b, Measured) and b.arms[0] != b.arms[1]}
    refusals = {b.twin: b for b in bodies if isinstance(b, Refused)}
    counted = next((b.counts for b in bodies if isinstance(b, Counted)), {})
    adjusted = dict(zip(factors, holm([f.comparison.p_value for f in factors.values()]), strict=True))
    in_all: dict[str, float] = {TWINS[0]: 1.0}
    first = next((f.comparison for f in factors.values() if f.arms[0] == TWINS[0]), None)
    first_s = seconds(first.baseline_s) if first else ""
    steps = [Step(pair.arms[0], in_all=1.0, seconds=first_s, counts=counted.get(TWINS[0]))]
    for rung in pair.arms[1:]:
        counts, refusal, factor = counted.get(rung.name), refusals.get(rung.name), factors.get(rung.name)
        if refusal or not factor:
            reason = f"{refusal.code}: {refusal.reason}" if refusal else "not measured"
            steps.append(Step(rung, Verdict.WITHHELD, reason, counts=counts))
            continue
        comparison, baseline = factor.comparison, factor.arms[0]
        found, why = standing(pair, comparison, adjusted[rung.name], null_differs)
        if found is Verdict.STALE:
            steps.append(Step(rung, found, why, counts=counts))
            continue
        if baseline in in_all:
            in_all[rung.name] = in_all[baseline] * comparison.speedup
        reached, took = in_all.get(rung.name), seconds(comparison.contender_s)
        steps.append(Step(rung, found, why, comparison, baseline, reached, took, counts))
    return steps


def _is_about(record: Record, about: tuple[str, str, str, str]) -> bool:
    body = record.body.certificate if isinstance(record.body, Certified | Measured) else record.body
    if not isinstance(body, Certificate | Refused | Counted):
        return False
    return (body.finding, body.function, body.workload.name, body.workload.subject) == about


def is_climb(pairs: Sequence[Pair], record: Record) -> bool:
    """Whether a record is of a sitting of their ladders: a run knows the twins and the careful loop, no other rung."""
    body = record.body
    if not isinstance(body, Certified | Refused | Measured):
        return False
    about = body if isinstance(body, Refused) else body.certificate
    arms = body.arms if isinstance(body, Measured) else (about.twin,)
    own = {name for pair in pairs if pair.name == about.function for name in pair.ladder} - {*TWINS, CAREFUL}
    return not own.isdisjoint(arms)
