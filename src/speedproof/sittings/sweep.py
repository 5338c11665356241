"""The ascent of a series: each size checked, smallest first, until one call of the definition would take too long."""

from collections.abc import Iterator, Sequence

from speedproof.gate.certificate import Certificate
from speedproof.gate.check import Check
from speedproof.gate.gate import GATE
from speedproof.gate.trials import new_seed
from speedproof.pairs.finding import TWINS, Finding, named
from speedproof.pairs.references import Target
from speedproof.pairs.series import Series
from speedproof.pairs.subjects import OneAtATime, Subject
from speedproof.pairs.workload import Workload
from speedproof.processes import Saying
from speedproof.records.kinds import Certified, Refused, as_answered

from .sitting import Sitting

LONGEST_CALL_S = 15.0
"""Seconds that one call of a definition may take in a sweep. A point is called four times at least: checked, and timed
in four processes."""
NOT_RUN = "not run"
"""Code of a refusal that is no fault: the point was left out."""

Step = Certified | Refused | Saying
"""The answer to one size, or what is being done and how many sizes are left."""


def ascend(
    sitting: Sitting, findings: Sequence[Finding], series: Sequence[Series], longest_call_s: float = LONGEST_CALL_S
) -> list[Certificate]:
    """Certificates for every size that is equivalent and not too long, each workload once; all answers are recorded."""
    # Those of one subject together, so that it is loaded once.
    ordered = sorted(series, key=lambda one: one.workloads[0].subject)
    targets = [named(findings, one.finding).target(one.function) for one in ordered]
    answers = sitting.keep(sitting.told(steps, targets, ordered, longest_call_s))
    return [answer.certificate for answer in answers if isinstance(answer, Certified)]


def steps(targets: Sequence[Target], series: Sequence[Series], longest_call_s: float) -> Iterator[Step]:
    """Runs in a fresh process; a target a series. One answer for each size, and before each what it is."""
    subjects = OneAtATime()
    answered: set[tuple[str, str, str]] = set()
    left = sum(len(one.workloads) for one in series)
    for target, one in zip(targets, series, strict=True):
        subject = subjects.kept(target.pair.subject(one.workloads[0]))
        reached: tuple[int, float] | None = None
        for workload in one.workloads:
            yield Saying(f"checking {one.function}, {one.size(workload):,} {one.unit}, {one.title}", left)
            left -= 1
            if (one.function, workload.name, workload.digest) in answered:
                continue
            guess_s = reached[1] * (one.size(workload) / reached[0]) ** one.growth if reached else 0.0
            if guess_s > longest_call_s:
                yield _left_out(one, workload, guess_s, longest_call_s)
                continue
            answer, definition_s = _answer(target, workload, subject)
            yield answer
            reached = one.size(workload), definition_s
            answered.add((one.function, workload.name, workload.digest))


def _answer(target: Target, workload: Workload, subject: Subject) -> tuple[Certified | Refused, float]:
    """The gate's answer, and the seconds of the definition's call on all items."""
    pair = target.pair
    check = Check(target.finding, pair, workload, pair.batched, subject, GATE, new_seed())
    answer = check.answer()
    return as_answered(answer), check.definition.took_s


def _left_out(series: Series, workload: Workload, guess_s: float, longest_call_s: float) -> Refused:
    reason = (
        f"one call of the definition would take up to about {guess_s:.0f} s, above {longest_call_s:g} s, by the "
        f"check of the size before and growth with the power {series.growth:g}"
    )
    return Refused(
        finding=series.finding,
        function=series.function,
        workload=workload,
        twin=TWINS[1],
        code=NOT_RUN,
        reason=reason,
    )
