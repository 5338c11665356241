"""Proving: questions answered, controls judged, work counted and whatever else times nothing, in processes beside
each other."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from speedproof.callables import where
from speedproof.counters.tally import count, work
from speedproof.digest import source_digest
from speedproof.errors import SpeedproofError
from speedproof.failures import disk_is_full, memory_ran_out, place, reason, show_where_asked
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.gate.control import SEED, Judgement
from speedproof.gate.gate import GATE, gate_that_allows
from speedproof.gate.trials import new_seed
from speedproof.pairs import candidate as candidates
from speedproof.pairs.finding import TWINS, Pair
from speedproof.pairs.question import Question
from speedproof.pairs.references import resolve
from speedproof.pairs.subjects import OneAtATime, Subjects
from speedproof.pairs.workload import Workload
from speedproof.processes import Saying
from speedproof.records.base import Body
from speedproof.records.kinds import Counted, Judged, Needed, as_answered

from .definitions import Definitions
from .shares import Asked, Claims

if TYPE_CHECKING:
    from speedproof.gate.control import Control

N_COUNTED = 14
"""Items that a call is counted on where all would take long, evenly spread: two of each of the report's categories."""
MOST_COUNTED = 20_000
"""Items, times the model's width, up to which all are counted: that takes seconds."""


def prove_all(given: Asked, claims: Claims) -> Iterator[Body | Saying]:
    """Runs in a fresh process. Yields answers, judgements and counts as records say them, before each what it is, and
    what further work yields: of that which this process claims."""
    asked, counted, controls, further = given
    subjects, definitions = OneAtATime(), Definitions()
    refused: set[tuple[str, str, str]] = set()
    for left, group in claims.each("checking", asked):
        for question in group:
            yield Saying(f"checking {question.label}", left)
            answer = _answer(question, subjects, definitions)
            if isinstance(answer, Refusal):
                refused.add((question.finding, question.function, question.arm))
            yield as_answered(answer)
    definitions.forget()
    for left, group in claims.each("counting", counted):
        sound = [q for q in group if (q.finding, q.function, q.arm) not in refused]
        if not sound:
            continue
        question = replace(sound[0], arm=TWINS[1])
        yield Saying(f"counting {question.label}", left)
        yield _count(question, [TWINS[0], *(q.arm for q in sound)], subjects)
        yield from _needed(question, subjects)
    for left, (card, name) in claims.each("control", controls):
        yield Saying(f"control {name}", left)
        yield _judge(resolve(card).control(name), definitions)
    for _, (reference, arguments) in claims.each("further", further):
        yield from resolve(reference)(*arguments)


def _answer(question: Question, subjects: Subjects, definitions: Definitions) -> Certificate | Refusal:
    """The gate's answer. What a library raises where it runs the model answers this question alone, not the others."""
    try:
        return _asked(question, subjects, definitions)
    except SpeedproofError:
        raise
    except Exception as error:
        if memory_ran_out(error) or disk_is_full(error) or not question.pair.uses_model:
            raise
        show_where_asked(error)
        return _unsupported(question, error)


def _unsupported(question: Question, error: Exception) -> Refusal:
    """That a library could not do what the check needs of it."""
    where = f" at {place(error)}" if place(error) else ""
    told = (
        f"{question.finding} on {question.workload.label}: unsupported({reason(error)}{where}). Expected a model that "
    )
    told += "its library can run as the check needs it. Take another API of the subject, or another subject."
    asked = (question.finding, question.function, question.workload, question.candidate or question.arm)
    return Refusal(*asked, "failed", f"{told} Reproduce: {question.command()}", "raises")


def _asked(question: Question, subjects: Subjects, definitions: Definitions) -> Certificate | Refusal:
    finding, pair = question.target.finding, question.pair
    function = candidates.load(question.candidate, pair) if question.candidate else pair.arm(question.arm)
    subject = subjects.kept(pair.subject(question.workload))
    gate, called = gate_that_allows(question.allow, pair), question.candidate or ""
    seed = new_seed() if question.seed is None else question.seed
    check = definitions.check(finding, pair, question.workload, function, subject, gate, seed, called)
    answer = check.answer()
    if isinstance(answer, Certificate):
        return answer
    drawn = seed if check.trial and check.trial.seeded else None
    return reproduced(answer, question.command(drawn, where(function) if question.arm != TWINS[1] else ""))


def reproduced(refusal: Refusal, command: str) -> Refusal:
    """The same refusal, which ends with this command: the gate does not know all that was asked for."""
    # What cannot be written down in UTF-8 cannot be recorded.
    command = command.encode("utf-8", "backslashreplace").decode()
    return replace(refusal, reason=f"{refusal.reason.removesuffix(refusal.again)}{command}")


def _count(question: Question, arms: Sequence[str], subjects: Subjects) -> Counted:
    finding, pair = question.target.finding, question.pair
    subject = subjects.kept(pair.subject(question.workload))
    counters = (*finding.counters, *pair.device_counters(subject))
    functions = {name: pair.arm(name) for name in arms}
    items = counted_items(pair, question.workload, subject)
    done = {
        name: work(counters, function, pair.inputs(question.workload, subject, items))
        for name, function in functions.items()
    }
    return Counted(
        finding=finding.name,
        function=pair.name,
        workload=question.workload,
        n_items=len(items) if items else None,
        sources={name: source_digest(function) for name, function in functions.items()},
        counts={name: dict(one.counts) for name, one in done.items()},
        tables={name: {of: dict(table) for of, table in one.tables.items()} for name, one in done.items()},
    )


def counted_items(pair: Pair, workload: Workload, subject: Any) -> list[int] | None:
    """The items that a call is counted on; None for all of them.

    On a model of a real size some tell the same as all: what is spared of each text, and which steps there are.
    """
    n_items = workload.n_items
    if not (pair.uses_model and pair.picks_items) or n_items <= N_COUNTED or n_items * subject.d_model <= MOST_COUNTED:
        return None
    return [i * n_items // N_COUNTED for i in range(N_COUNTED)]


def _needed(question: Question, subjects: Subjects) -> Iterator[Needed]:
    """The least work of the question's call, where it is known."""
    workload, pair = question.workload, question.pair
    work = pair.least_work(pair.inputs(workload, subjects.kept(pair.subject(workload)), None))
    if work:
        yield Needed(finding=question.finding, function=question.function, workload=workload, work=work)


def _judge(control: "Control", definitions: Definitions) -> Judged:
    # A subject of its own, since one that is wrong may spoil it.
    about = control.finding, control.pair, control.on, control.function, control.pair.subject(control.on)
    answer = definitions.check(*about, GATE, SEED).answer()
    judgement = Judgement(control, answer)
    return Judged(
        finding=control.finding.name,
        control=control.name,
        wrong=control.kind != "no faster",
        as_expected=judgement.as_expected,
        answer=str(answer) if isinstance(answer, Refusal) else f"equivalent, but {control.why}. {_work(control)}",
        at_the_limit=control.kind == "at the limit",
        only=control.only,
        who=control.who,
        why=control.why,
        **({name: getattr(answer, name) for name in REFUSED_BY} if isinstance(answer, Refusal) else {}),
    )


REFUSED_BY = ("rule", "trial", "excess")
"""What a refusal tells of a control, beside its words."""


def _work(control: "Control") -> str:
    """What a control that is right does, beside what the definition does: the counts, since it is never timed."""
    workload = control.on
    subject = control.pair.subject(workload)
    mine, definitions = (
        count(control.finding.counters, function, control.pair.inputs(workload, subject, None))
        for function in (control.function, control.pair.sequential)
    )
    return "; ".join(
        f"{name.replace('_', ' ')}: {n:,}, the definition's {definitions[name]:,}" for name, n in mine.items()
    )
