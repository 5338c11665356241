"""The ascent of a series: each size checked, smallest first, until one call of the definition would take too long.

At larger sizes the batched twin is timed alone, once its answers about some of the items are the definition's.
"""

from collections.abc import Iterator, Sequence

from speedproof.errors import NotEquivalent
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.gate.check import Check
from speedproof.gate.gate import GATE
from speedproof.gate.trials import new_seed
from speedproof.pairs.contract import settle
from speedproof.pairs.finding import TWINS, Finding, named
from speedproof.pairs.references import Target
from speedproof.pairs.series import Series
from speedproof.pairs.subjects import OneAtATime, Subject
from speedproof.pairs.workload import Workload
from speedproof.processes import Saying, in_fresh_process
from speedproof.records.kinds import Alone, Certified, Refused, as_answered
from speedproof.timing.alone import N_PROCESSES, Sampled, alone

from .proving import reproduced
from .sitting import Sitting

LONGEST_CALL_S = 15.0
"""Seconds that one call of a definition may take in a sweep. A point is called four times at least: checked, and timed
in four processes."""
NOT_RUN = "not run"
"""Code of a refusal that is no fault: the point was left out."""

MOST_SAMPLED = 200
"""Items of a size too large for the definition that both twins are asked about, spread evenly over all."""

Step = Certified | Refused | Saying | Sampled
"""The answer to one size, or what is being done and how many sizes are left; or a size at which the twin is right about
a sample, and may be timed alone."""


def ascend(
    sitting: Sitting, findings: Sequence[Finding], series: Sequence[Series], longest_call_s: float = LONGEST_CALL_S
) -> list[Certificate]:
    """Certificates for every size that is equivalent and not too long, each workload once; all answers are recorded."""
    # Those of one subject together, so that it is loaded once.
    ordered = sorted(series, key=lambda one: one.workloads[0].subject)
    targets = [named(findings, one.finding).target(one.function) for one in ordered]
    sampled: list[Sampled] = []
    certificates: list[Certificate] = []
    for told in sitting.told(steps, targets, ordered, longest_call_s):
        if isinstance(told, Sampled):
            sampled.append(told)
            continue
        sitting.recorder.write(told)
        if isinstance(told, Certified):
            certificates.append(told.certificate)
    sitting.keep(_alone(sitting, sampled))
    return certificates


def _alone(sitting: Sitting, sampled: Sequence[Sampled]) -> Iterator[Alone]:
    """The twin's seconds at each of these sizes, in fresh processes one after another."""
    if not sampled:
        return
    processes = []
    for number in range(N_PROCESSES):
        sitting.say(f"timing the batched twin alone (process {number + 1})", len(sampled))
        processes.append(list(in_fresh_process(sitting.usage, alone, sampled)))
    for one, taken in zip(sampled, zip(*processes, strict=True), strict=True):
        yield Alone(
            finding=one.certificate.finding,
            function=one.certificate.function,
            workload=one.workload,
            certificate=one.certificate,
            n_sampled=one.n_sampled,
            samples_s=taken,
        )


def steps(targets: Sequence[Target], series: Sequence[Series], longest_call_s: float) -> Iterator[Step]:
    """Runs in a fresh process; a target a series. One answer for each size, and before each what it is."""
    subjects = OneAtATime()
    answered: set[tuple[str, str, str]] = set()
    left = sum(len(one.workloads) for one in series)
    for target, one in zip(targets, series, strict=True):
        subject = subjects.kept(target.pair.subject(one.workloads[0]))
        reached: tuple[int, float] | None = None
        certificate: Certificate | None = None
        for workload in one.workloads:
            yield Saying(f"checking {one.function}, {one.size(workload):,} {one.unit}, {one.title}", left)
            left -= 1
            if (one.function, workload.name, workload.digest) in answered:
                continue
            guess_s = reached[1] * (one.size(workload) / reached[0]) ** one.growth if reached else 0.0
            if guess_s > longest_call_s:
                yield _left_out(one, workload, guess_s, longest_call_s)
                if certificate and target.pair.items:
                    yield _of_a_sample(target, workload, subject, certificate)
                continue
            answer, definition_s = _answer(target, one, workload, subject)
            yield answer
            certificate = answer.certificate if isinstance(answer, Certified) else None
            reached = one.size(workload), definition_s
            answered.add((one.function, workload.name, workload.digest))


def _answer(target: Target, series: Series, workload: Workload, subject: Subject) -> tuple[Certified | Refused, float]:
    """The gate's answer, and the seconds of the definition's call on all items."""
    pair = target.pair
    check = Check(target.finding, pair, workload, pair.batched, subject, GATE, new_seed())
    answer = check.answer()
    if isinstance(answer, Refusal):
        answer = reproduced(answer, series.command(workload))
    return as_answered(answer), check.definition.took_s


def _of_a_sample(target: Target, workload: Workload, subject: Subject, certificate: Certificate) -> Sampled | Refused:
    """Both twins are asked about the same few items of a workload; why the batched one is refused if it is wrong."""
    pair = target.pair
    n = min(MOST_SAMPLED, workload.n_items)
    chosen = [i * (workload.n_items - 1) // max(1, n - 1) for i in range(n)]
    try:
        for arm in TWINS:
            inputs = pair.inputs(workload, subject, chosen)
            output = pair.arm(arm)(**inputs)
            settle(pair.equivalence.examine(inputs, pair.reference(subject), output, certificate.allowed))
    except NotEquivalent as error:
        return Refused(
            finding=certificate.finding,
            function=pair.name,
            workload=workload,
            twin=certificate.twin,
            code="not equivalent",
            reason=f"on {n} of the items: {error}",
            rule=error.rule,
        )
    return Sampled(target, workload, certificate, n)


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
