"""Verbs that make figures: measure, report, run."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from speedproof.folders import RESULTS
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.pairs.finding import CAREFUL, Finding
from speedproof.pairs.question import Question, questions
from speedproof.records.record import read
from speedproof.report import report as reports
from speedproof.sittings.resumption import scope_of
from speedproof.timing.estimate import TARGET_HALF_WIDTH
from speedproof.timing.plan import Plan, plans_of_pairs
from speedproof.timing.runner import sample_all

from .lines import print_json, say_line, warn_line
from .options import (
    TRACE,
    AsJson,
    Budget,
    Names,
    Precision,
    Results,
    Seed,
    SubjectName,
    all_findings,
    chosen_findings,
    open_run,
    open_sitting,
    project,
    read_records,
    report_folder,
    trace_all,
)
from .progress import progress
from .shown.measure import row_as_json, show_rows
from .shown.next_step import after_figures

if TYPE_CHECKING:
    from speedproof.gate.control import Control

RUN_BUDGET_S = 470.0
"""Timing budget of a full run. Checks and counts come on top; a sitting's record says what it took in all."""
QUICK_BUDGET_S = 25.0
"""Timing budget of a quick run; its four processes take longer than that on two cores."""


def measure(
    context: typer.Context,
    names: Names = None,
    workload: Annotated[str, typer.Option(help="Workload to measure.")] = "report",
    subject: SubjectName = None,
    budget_s: Budget = RUN_BUDGET_S,
    precision: Precision = TARGET_HALF_WIDTH,
    seed: Seed = None,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Check, then time pairs in fresh processes; only equivalent twins are timed.

    Example: python -m bench measure category_lookup --budget-s 60
    """
    findings = chosen_findings(context, names)
    asked = questions(findings, workload, subject)
    asked += _careful(asked)
    sitting = open_sitting(results, seed)
    with progress() as sitting.say:
        answers = sitting.prove(asked, asked, then=[sample_all]).answers
        sitting.measure(_plans(findings, asked, answers), budget_s, precision)
        sitting.close()
    _show_report(context, results, workload, subject, findings, as_json)
    raise typer.Exit(1 if any(isinstance(a, Refusal) for a in answers) else 0)


def report(
    context: typer.Context,
    workload: Annotated[str, typer.Option(help="Workload to report on.")] = "report",
    subject: SubjectName = None,
    results: Results = RESULTS,
    readme: Annotated[Path | None, typer.Option(help="Also put the table of figures into this README.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make the report of the newest sitting from the records.

    Example: python -m bench report --readme README.md
    """
    _show_report(context, results, workload, subject, all_findings(context), as_json)
    if readme:
        built = reports.build(
            all_findings(context), read(results, project(context).kinds), workload, sections=project(context).sections
        )
        readme.write_text(reports.with_figures(readme.read_text(encoding="utf-8"), built), encoding="utf-8")


def run(
    context: typer.Context,
    names: Names = None,
    quick: Annotated[bool, typer.Option("--quick", help="The tiny subject, and one control a finding.")] = False,
    subject: SubjectName = None,
    budget_s: Annotated[float | None, typer.Option(min=1, help="Seconds for timing.")] = None,
    precision: Precision = TARGET_HALF_WIDTH,
    seed: Seed = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start anew, even where an interrupted run could go on.")
    ] = False,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """All of it: check, controls, count, rewrites, time, trace, report. What `make bench` calls.

    Interrupted, it goes on where it stopped if given again soon, with the same options, sources and environment.

    Examples:
      python -m bench run
      python -m bench run --quick
    """
    findings = chosen_findings(context, names)
    workload = "smoke" if quick else "report"
    asked = questions(findings, workload, subject)
    others = [] if quick else [q for q in questions(findings) if q.workload.name != workload]
    asked += _careful(asked)
    options = {"quick": quick, "subject": subject, "budget_s": budget_s, "seed": seed, "precision": precision}
    scope = scope_of(findings, [q.workload for q in [*asked, *others]], options)
    sitting, words = open_run(results, seed, scope, fresh, project(context).kinds)
    if words:
        warn_line(words)
    with progress() as sitting.say:
        proven = sitting.prove([*asked, *others], asked, _controls(findings, quick), then=[sample_all, TRACE])
        for stage in project(context).stages:
            stage(sitting, findings, quick)
        plans = _plans(findings, asked, proven.answers)
        sitting.measure(plans, budget_s or (QUICK_BUDGET_S if quick else RUN_BUDGET_S), precision)
        trace_all(findings, workload, subject, sitting)
        sitting.close()
    is_good = _show_report(context, results, workload, subject, findings, as_json)
    raise typer.Exit(0 if is_good and not any(isinstance(a, Refusal) for a in proven.answers) else 1)


def _controls(findings: Sequence[Finding], quick: bool) -> list["Control"]:
    """All controls of the findings, or in a quick run the first of each: the report's own fix, if that is one."""
    return [one for finding in findings for one in (finding.controls[:1] if quick else finding.controls)]


def _careful(asked: Sequence[Question]) -> list[Question]:
    """The same questions of the careful loop, for the functions that have one."""
    return [replace(question, arm=CAREFUL) for question in asked if question.pair.careful_beside]


def _plans(
    findings: Sequence[Finding], asked: Sequence[Question], answers: Sequence[Certificate | Refusal]
) -> list[Plan]:
    """What was asked and certified. An arm that was refused on any workload is not timed."""
    refused = {(a.finding, a.function, a.twin) for a in answers if isinstance(a, Refusal)}
    wanted = {(q.finding, q.function, q.arm, q.workload.digest) for q in asked}
    sound = [a for a in answers if isinstance(a, Certificate) and (a.finding, a.function, a.twin) not in refused]
    certificates = [c for c in sound if (c.finding, c.function, c.twin, c.workload.digest) in wanted]
    return plans_of_pairs(findings, certificates)


def _show_report(
    context: typer.Context,
    results: Path,
    workload: str,
    subject: str | None,
    findings: Sequence[Finding],
    as_json: bool,
) -> bool:
    """Shows the newest figures, writes the report if they are of all findings, says whether all is well."""
    sections = project(context).sections
    built = reports.build(findings, read_records(context, results), workload, subject, sections)
    if as_json:
        print_json([row_as_json(row) for row in built.rows])
    else:
        show_rows(built)
    if tuple(findings) == all_findings(context):
        page = reports.write(built, report_folder(results, workload, subject))[-1]
        warn_line(f"Report: {page}")
    if not as_json:
        for line in after_figures(built, workload, subject):
            say_line(line)
    return built.is_good
