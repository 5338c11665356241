"""The verb of the ladders: which change between a definition and its batched twin bought what."""

from typing import Annotated

import typer

from speedproof.errors import BadInput
from speedproof.folders import RESULTS
from speedproof.gate.certificate import Certificate
from speedproof.pairs.finding import Finding
from speedproof.pairs.question import questions_of_rungs
from speedproof.report import report as reports
from speedproof.report.asked import Asked
from speedproof.report.ladder import waterfalls
from speedproof.report.sittings import sittings
from speedproof.timing.plan import plans_of_ladders

from .lines import print_json, warn_line
from .options import (
    AsJson,
    Budget,
    Names,
    Results,
    Seed,
    SubjectName,
    all_findings,
    chosen_findings,
    open_sitting,
    project,
    read_records,
    report_folder,
)
from .progress import progress
from .shown.measure import show_waterfall, waterfall_as_json

LADDER_BUDGET_S = 600.0
"""Timing budget of all ladders. The definitions alone take most of it: four processes of each run whatever it is."""


def ladder(
    context: typer.Context,
    names: Names = None,
    workload: Annotated[str, typer.Option(help="Workload to climb on.")] = "report",
    subject: SubjectName = None,
    budget_s: Budget = LADDER_BUDGET_S,
    seed: Seed = None,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Time each rung against the one below: which single change bought what. Only equivalent rungs are timed.

    Example: python -m bench ladder text_batching --workload smoke --budget-s 30
    """
    findings = _chosen(context, names)
    asked = questions_of_rungs(findings, workload, subject)
    sitting = open_sitting(results, seed)
    with progress() as sitting.say:
        answers = sitting.prove(asked, asked).answers
        sitting.measure(plans_of_ladders(findings, [a for a in answers if isinstance(a, Certificate)]), budget_s)
        sitting.close()
    ledger = read_records(context, results)
    falls = waterfalls(sittings(ledger.records), Asked(findings, workload, subject))
    if as_json:
        print_json([waterfall_as_json(fall) for fall in falls])
    else:
        for fall in falls:
            show_waterfall(fall)
    known = [f for f in all_findings(context) if all(workload in {w.name for w in pair.workloads} for pair in f.pairs)]
    built = reports.build(known, ledger, workload, subject, project(context).sections)
    page = reports.write(built, report_folder(results, workload, subject))[-1]
    warn_line(f"Report: {page}")
    raise typer.Exit(0 if all(step.comparison for fall in falls for step in fall.steps[1:]) else 1)


def _chosen(context: typer.Context, names: list[str] | None) -> tuple[Finding, ...]:
    """Those of the findings named that have a ladder; of all if none is. Raises BadInput where one has none."""
    findings = chosen_findings(context, names)
    without = [finding.name for finding in findings if not _has_ladder(finding)]
    if names and without:
        known = ", ".join(finding.name for finding in all_findings(context) if _has_ladder(finding))
        raise BadInput(f"{', '.join(without)} has no ladder. Expected some of: {known}.")
    return tuple(filter(_has_ladder, findings))


def _has_ladder(finding: Finding) -> bool:
    return any(pair.arms for pair in finding.pairs)
