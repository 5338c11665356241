"""The verb of the ladders: which change between a definition and its batched twin bought what."""

from typing import Annotated

import typer

from .. import report as reports
from .. import terminal
from ..asked import Asked
from ..certificate import Certificate
from ..errors import BadInput
from ..findings import FINDINGS
from ..folders import RESULTS
from ..ladders import LADDERS
from ..ladders.ladder import Ladder
from ..plan import plans_of_ladders
from ..question import questions_of_rungs
from ..sections import SECTIONS
from ..sittings import sittings
from ..waterfall import waterfalls
from .options import (
    AsJson,
    Budget,
    Names,
    Results,
    Seed,
    SubjectName,
    app,
    chosen_findings,
    open_sitting,
    read_records,
    report_folder,
)

LADDER_BUDGET_S = 600.0
"""Timing budget of all ladders. The definitions alone take most of it: four processes of each run whatever it is."""


@app.command()
def ladder(
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
    ladders = _chosen(names)
    asked = questions_of_rungs(ladders, workload, subject)
    sitting = open_sitting(results, seed)
    with terminal.progress() as sitting.say:
        answers, _ = sitting.prove(asked, asked)
        sitting.measure(plans_of_ladders([a for a in answers if isinstance(a, Certificate)]), budget_s)
        sitting.close()
    ledger = read_records(results)
    # By ladder, since a name given may be of a finding whose other sittings are newer.
    climbed = Asked([ladder.finding for ladder in ladders], workload, subject)
    falls = waterfalls(sittings(ledger.records), climbed)
    if as_json:
        terminal.print_json([terminal.waterfall_as_json(fall) for fall in falls])
    else:
        for fall in falls:
            terminal.show_waterfall(fall)
    known = [f for f in FINDINGS if all(workload in {w.name for w in pair.workloads} for pair in f.pairs)]
    built = reports.build(ledger, workload, known, subject, SECTIONS)
    page = reports.write(built, report_folder(results, workload, subject))[-1]
    terminal.warn_line(f"Report: {page}")
    raise typer.Exit(0 if all(step.comparison for fall in falls for step in fall.steps[1:]) else 1)


def _chosen(names: list[str] | None) -> tuple[Ladder, ...]:
    """The ladders of the findings named; all if none is. Raises BadInput."""
    findings = chosen_findings(names)
    chosen = tuple(ladder for ladder in LADDERS if ladder.finding in findings)
    without = [f.name for f in findings if f.name not in {ladder.finding.name for ladder in chosen}]
    if names and without:
        known = ", ".join(ladder.finding.name for ladder in LADDERS)
        raise BadInput(f"{', '.join(without)} has no ladder. Expected some of: {known}.")
    return chosen
