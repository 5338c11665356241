"""What the gate said: its answers and the controls."""

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from speedproof.cli.lines import out, say_line
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.pairs.finding import Finding, Pair, named
from speedproof.pairs.workload import DTYPES
from speedproof.records.kinds import Judged
from speedproof.report.controls import Separation
from speedproof.wording import some


def show_findings(findings: Sequence[Finding]) -> None:
    """The findings, their functions and workloads."""
    table = Table("#", "finding", "function", "workloads", "claim")
    for finding in findings:
        for pair in finding.pairs:
            names = " ".join(workload.name for workload in pair.workloads)
            table.add_row(str(finding.number), finding.name, pair.name, names, finding.claim.words)
    out.print(table)


def show_answers(findings: Sequence[Finding], answers: Sequence[Certificate | Refusal]) -> None:
    """The gate's answers as a table, and every refusal in full below it."""
    table = Table("function", "workload", "answer", "compared", "worst error", "allowed")
    for answer in answers:
        where = f"{answer.workload.name} ({answer.workload.subject})"
        if isinstance(answer, Certificate):
            error = answer.candidate.worst_errors.get("element")
            cells = (f"{answer.candidate.n_compared:,}", f"{error:.1e}" if error is not None else "exact")
            allowed = f"{answer.allowed['element']:.1e}" if answer.allowed else "exact"
            said = "equivalent, state aside" if answer.allowed_to else "equivalent"
            table.add_row(answer.function, where, said, *cells, allowed)
        else:
            table.add_row(answer.function, where, "WITHHELD", "", "", "")
    out.print(table)
    for answer in answers:
        if isinstance(answer, Refusal):
            say_line(str(answer))
        elif answer.allowed_to:
            say_line(f"{answer.function} on {answer.workload.name} was allowed to change {waived(answer)}")
    for line in what_was_tried(findings, answers):
        say_line(line)


def what_was_tried(findings: Sequence[Finding], answers: Sequence[Certificate | Refusal]) -> list[str]:
    """A line for each function: on what it was asked, and on what not."""
    functions = dict.fromkeys((answer.finding, answer.function) for answer in answers)
    pairs = {about: named(findings, about[0]).pair(about[1]) for about in functions}
    return [_tried(pairs[one], [a for a in answers if (a.finding, a.function) == one]) for one in functions]


def _tried(pair: Pair, answers: Sequence[Certificate | Refusal]) -> str:
    asked = [f"{a.workload.name} on {a.workload.subject}{_calls(a)}" for a in answers]
    names = {a.workload.name for a in answers}
    left = [f"{w.name} on {w.subject}" for w in pair.workloads if w.name not in names]
    left += dict.fromkeys(words for a in answers if isinstance(a, Certificate) for words in a.untried)
    dtypes = {a.workload.dtype for a in answers}
    left += [f"{dtype} (--dtype)" for dtype in DTYPES if pair.uses_model and dtype not in dtypes]
    left += ["other subjects (--subject)"] if pair.uses_model else []
    return f"{pair.name}: tried {', '.join(asked)}. Not tried: {', '.join(left) or 'nothing that is known of'}."


def _calls(answer: Certificate | Refusal) -> str:
    return f" ({some(answer.n_checks, 'call')})" if isinstance(answer, Certificate) else ""


def waived(certificate: Certificate) -> str:
    """What state a function was allowed to leave changed, each aspect with its reason."""
    return "; ".join(f"{aspect}, because: {why}" for aspect, why in certificate.allowed_to.items())


def answer_as_json(answer: Certificate | Refusal) -> dict[str, Any]:
    """A gate's answer as plain data."""
    common = {"finding": answer.finding, "function": answer.function, "workload": answer.workload.name}
    common |= {"subject": answer.workload.subject, "twin": answer.twin}
    if isinstance(answer, Refusal):
        told = {"code": answer.code, "rule": answer.rule, "trial": answer.trial, "reason": answer.reason}
        return {**common, "equivalent": False, **told}
    errors = {"worst_errors": dict(answer.candidate.worst_errors), "allowed": dict(answer.allowed)}
    seen = {"n_compared": answer.candidate.n_compared, "n_calls": answer.n_checks, "untried": list(answer.untried)}
    return {**common, "equivalent": True, **seen, **errors, "allowed_to": dict(answer.allowed_to)}


def show_judged(judged: Sequence[Judged]) -> None:
    """The controls and what the gate says of each."""
    table = Table("finding", "control", "judged rightly", "the gate's answer")
    for one in judged:
        table.add_row(one.finding, one.control, "yes" if one.as_expected else "NO", Text(one.answer))
    out.print(table)
    for line in Separation(judged).lines:
        say_line(line)
