"""What to do next, in a line for each thing that is not settled."""

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from speedproof.gate.certificate import Certificate, Code, Refusal
from speedproof.report.row import Row
from speedproof.timing.comparison import Verdict
from speedproof.wording import some

if TYPE_CHECKING:
    from speedproof.report.report import Report

MORE_BUDGET_S = 600
"""Seconds of timing that a pair gets for itself when it is measured again: more than a whole run gives all pairs."""
PYTHON = "python -m bench"
MEND = "mend the function by the reason above"
WHAT_NEXT: Mapping[Code, str] = {
    "invalid check": "no function is at fault, the inputs cannot tell a wrong one: choose another subject or workload",
    "failed": "mend what the reason above names",
}
"""What is to be done about a refusal, where it is not the function alone."""


def after_figures(built: "Report", workload: str, subject: str | None) -> list[str]:
    """What the verdicts of a report ask for."""
    about = _options(workload, subject)
    if built.is_void:
        return [f"The A/A pair differs, so no timing counts. See why: {PYTHON} doctor. Then measure again."]
    rows, lines = built.rows, []
    for verdict, what, verb, more in (
        (Verdict.WITHHELD, "see why", "check", ""),
        (Verdict.STALE, "measure again", "measure", ""),
        (Verdict.AMBIGUOUS, "give it more time", "measure", f" --budget-s {MORE_BUDGET_S}"),
    ):
        found = [row for row in rows if row.figure.verdict is verdict]
        if found:
            names = " ".join(dict.fromkeys(row.finding.name for row in found))
            lines.append(f"{_share(found, rows)} {verdict.word}: {what}: {PYTHON} {verb} {names}{about}{more}")
    return lines or [f"{_share(rows, rows)} VERIFIED. Which change bought what: {PYTHON} ladder{about}"]


def after_checks(answers: Sequence[Certificate | Refusal], candidate: str | None, subject: str | None) -> str:
    """What the gate's answers ask for."""
    refused = [answer for answer in answers if isinstance(answer, Refusal)]
    if refused:
        told = f"{len(refused)} of {len(answers)} WITHHELD"
        return f"{told}: {WHAT_NEXT.get(refused[0].code, MEND)}, then: {refused[0].again}"
    told = f"{some(len(answers), 'answer')}, {'' if len(answers) == 1 else 'all '}equivalent"
    if candidate and any(isinstance(answer, Certificate) and answer.allowed_to for answer in answers):
        return f"{told} but for the state that was allowed to change: not certified for measuring."
    if candidate:
        return f"{told}: the candidate may stand in for the batched twin where it was tried."
    names = " ".join(dict.fromkeys(answer.finding for answer in answers))
    return f"{told}. To measure: {PYTHON} measure {names}{_options('report', subject)}"


def _share(found: Sequence[Row], rows: Sequence[Row]) -> str:
    return f"{len(found)} of {len(rows)} pairs" if len(rows) > 1 else "The pair is"


def _options(workload: str, subject: str | None) -> str:
    named = f" --workload {workload}" if workload != "report" else ""
    return f"{named}{f' --subject {shlex.quote(subject)}' if subject else ''}"
