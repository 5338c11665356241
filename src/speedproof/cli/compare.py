"""Verbs that hold commits, dependency sets or folders against each other."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from speedproof.comment.of_sides import told_of_sides
from speedproof.comment.told import add_told, failures_told
from speedproof.errors import BadInput
from speedproof.folders import CACHE, RESULTS
from speedproof.pairs.question import questions
from speedproof.sides.asv import configuration
from speedproof.sides.changes import Acceptance, read_accepted
from speedproof.sides.comparing import Pairing, asked_of_both
from speedproof.sides.lockstep import announced
from speedproof.sides.matrix import FILE, read_columns
from speedproof.sides.matrix import matrix as run_matrix
from speedproof.sides.outcome import outcomes
from speedproof.sides.places import places_of
from speedproof.sides.side import parse_side, uncommitted
from speedproof.sides.summary import of_sides
from speedproof.timing.estimate import MARGIN, TARGET_HALF_WIDTH
from speedproof.wording import some

from .lines import print_json, warn_line
from .options import (
    AsJson,
    JUnit,
    Margin,
    Markdown,
    Precision,
    PullRequest,
    Results,
    Seed,
    SidesBudget,
    SubjectName,
    chosen_findings,
    open_sitting,
    write_summaries,
)
from .progress import progress
from .shown.sides import outcome_as_json, show_matrix, show_outcomes

COMPARE_BUDGET_S = 180.0


def compare(
    context: typer.Context,
    before: Annotated[str, typer.Argument(help="A commit, requirements, a wheel or a folder; several joined by '+'.")],
    after: Annotated[str, typer.Argument(help="The other side, in the same words. '.' is the working tree.")],
    finding: Annotated[list[str] | None, typer.Option(help="Only this finding; may be given again.")] = None,
    workload: Annotated[str, typer.Option(help="Workload to compare on.")] = "smoke",
    subject: SubjectName = None,
    budget_s: SidesBudget = COMPARE_BUDGET_S,
    precision: Precision = TARGET_HALF_WIDTH,
    margin: Margin = MARGIN,
    markdown: Markdown = None,
    junit: JUnit = None,
    pull_request: PullRequest = None,
    accepted: Annotated[Path | None, typer.Option(help="File of accepted changes, for --pull-request.")] = None,
    seed: Seed = None,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Tell what changed between two sides in answers, in work and in time. Exit status 1 where something did.

    Examples:
      python -m bench compare HEAD~1 .
      python -m bench compare transformer-lens==3.5.1 transformer-lens==3.9.0
      python -m bench compare HEAD '.+sae-lens==6.40.0' --finding text_batching
    """
    with failures_told(pull_request, "libraries"):
        wanted = _accepted(accepted, pull_request)
        sides = parse_side(before), parse_side(after)
        asked = asked_of_both(questions(chosen_findings(context, finding), workload, subject))
        if any(side.commit for side in sides) and (dirty := uncommitted()):
            warn_line(f"Not committed, so in no commit: {', '.join(dirty)}. '.' stands for the files as they are.")
        sitting = open_sitting(results, seed)
        if budget_s:
            warn_line(announced(budget_s, len(asked)))
        with progress() as sitting.say:
            pairing = Pairing(*places_of(sides, CACHE, sitting.say), asked, sitting.seed, sitting.say)
            done = sitting.keep(pairing.compared(budget_s, precision))
            sitting.close()
        judged = of_sides(done, wanted)
        if pull_request:
            add_told(pull_request, told_of_sides("libraries", done, wanted or (), margin))
            judged.time_stops = False
    found = outcomes(done, margin)
    write_summaries(judged, markdown, junit)
    if as_json:
        print_json([outcome_as_json(one) for one in found])
    else:
        show_outcomes(found)
    stops = judged.stops if pull_request else any(one.changed for one in found)
    raise typer.Exit(1 if stops else 0)


def _accepted(path: Path | None, pull_request: Path | None) -> list[Acceptance] | None:
    """The changes that are accepted; None where nothing can be. Raises BadInput."""
    if path and not pull_request:
        raise BadInput("--accepted is for --pull-request; without it compare tells every change. Expected both.")
    return read_accepted(path) if path else None


def matrix(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Table of dependency sets.")] = FILE,
    finding: Annotated[list[str] | None, typer.Option(help="Only this finding; may be given again.")] = None,
    workload: Annotated[str, typer.Option(help="Workload to compare on.")] = "smoke",
    subject: SubjectName = None,
    budget_s: SidesBudget = COMPARE_BUDGET_S,
    margin: Margin = MARGIN,
    as_asv: Annotated[bool, typer.Option("--asv", help="Only print the table as a configuration of asv.")] = False,
    seed: Seed = None,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Hold sets of dependency versions against the first: answers, work and time. Builds environments; takes a while.

    Examples:
      python -m bench matrix
      python -m bench matrix --asv > asv.matrix.json
    """
    columns = read_columns(file)
    if as_asv:
        sys.stdout.write(configuration(columns))
        return
    asked = questions(chosen_findings(context, finding), workload, subject)
    sitting = open_sitting(results, seed)
    if budget_s:
        warn_line(f"For {some(len(columns) - 1, 'column')}, each: {announced(budget_s, len(asked))}")
    with progress() as sitting.say:
        done = sitting.keep(run_matrix(columns, asked, budget_s, sitting.seed, CACHE, sitting.say))
        sitting.close()
    of_side = {column.side: [one for one in done if one.after.text == column.side] for column in columns[1:]}
    found = [(column, outcomes(of_side[column.side], margin)) for column in columns[1:]]
    if as_json:
        print_json(
            [
                {"column": column.name, "side": column.side, "rows": [outcome_as_json(row) for row in rows]}
                for column, rows in found
            ]
        )
    else:
        show_matrix(columns[0].name, [(column.name, list(rows)) for column, rows in found])
