"""Verbs for continuous integration: stop a change that works more, less or wrongly, until somebody accepts it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from .. import terminal
from ..bodies import Counted
from ..certificate import Refusal
from ..environment import current_environment
from ..errors import BadInput
from ..finding import Finding
from ..folders import CACHE, RESULTS
from ..question import questions
from ..regression.changes import (
    Acceptance,
    Baseline,
    as_json,
    changes,
    counts_of,
    read_accepted,
    read_baseline,
    require_reason,
    save_baseline,
    write_accepted,
)
from ..regression.compare import Pairing, asked_of_both
from ..regression.driver import SideFailed
from ..regression.installing import Unsupported
from ..regression.judgement import Judgement, of_sides
from ..regression.places import places_of
from ..regression.side import parse_side
from ..sitting import Sitting
from .options import AsJson, JUnit, Markdown, Names, Results, Seed, app, chosen_findings, open_sitting, write_summaries

ACCEPTED = RESULTS / "accepted.toml"
Against = Annotated[str, typer.Option(help="A file of counts that --save wrote, or a commit.")]
AcceptedFile = Annotated[Path, typer.Option("--accepted", help="File of accepted changes.")]


@app.command()
def gate(
    names: Names = None,
    against: Against = "",
    save: Annotated[Path | None, typer.Option(help="Write the counts of today to this file.")] = None,
    workload: Annotated[str, typer.Option(help="Workload to count on.")] = "smoke",
    budget_s: Annotated[float, typer.Option(min=0, help="Seconds for timing, against a commit; 0 for none.")] = 0,
    accepted: AcceptedFile = ACCEPTED,
    markdown: Markdown = None,
    junit: JUnit = None,
    seed: Seed = None,
    results: Results = RESULTS,
    as_plain_json: AsJson = False,
) -> None:
    """Stop where answers, work or time changed. Exit status 1 where something stops the line.

    Examples:
      python -m bench gate --save results/counts.json
      python -m bench gate --against results/counts.json --markdown summary.md --junit gate.xml
      python -m bench gate --against HEAD~1 --budget-s 120
    """
    findings = chosen_findings(names)
    if not (against or save):
        raise BadInput("gate has nothing to do. Expected --against FILE|COMMIT, or --save FILE.")
    sitting = open_sitting(results, seed)
    try:
        found = _judge(findings, against, workload, budget_s, accepted, save, sitting)
    except (SideFailed, Unsupported) as error:
        # Whoever reads a summary alone must see why there is no judgement.
        write_summaries(Judgement(wrong=[str(error)], can_accept=False), markdown, junit)
        raise
    write_summaries(found, markdown, junit)
    if as_plain_json:
        shown = [as_json(change) for change in found.changes]
        terminal.print_json(
            {"stops": found.stops, "changes": shown, "wrong": found.wrong, "time": found.slower, "notes": found.notes}
        )
    else:
        terminal.say_line(found.markdown)
    raise typer.Exit(1 if found.stops else 0)


@app.command()
def accept(
    names: Names = None,
    against: Against = "",
    who: Annotated[str, typer.Option(help="Who accepts.")] = "",
    why: Annotated[str, typer.Option(help="Why the change is wanted.")] = "",
    workload: Annotated[str, typer.Option(help="Workload to count on.")] = "smoke",
    accepted: AcceptedFile = ACCEPTED,
    results: Results = RESULTS,
) -> None:
    """Write down that today's changes of work are wanted, in a file that is committed with them.

    Example: python -m bench accept --against results/counts.json --who ada --why "one pass more, for the new hook"
    """
    if not against:
        raise BadInput("accept needs --against FILE|COMMIT. Expected what the gate was held against.")
    require_reason(who, why)
    found = _judge(chosen_findings(names), against, workload, 0, accepted, None, open_sitting(results, None))
    if found.wrong:
        raise BadInput(f"Other answers cannot be accepted: {found.wrong[0]}")
    wanted = [change for change in found.changes if change.stops]
    write_accepted(accepted, wanted, who, why)
    terminal.say_line(f"{len(wanted)} changes accepted in {accepted.name}. Commit it.")


def _judge(
    findings: Sequence[Finding],
    against: str,
    workload: str,
    budget_s: float,
    accepted: Path,
    save: Path | None,
    sitting: Sitting,
) -> Judgement:
    known = read_accepted(accepted)
    is_file = against.endswith(".json") or Path(against).is_file()
    if budget_s and (is_file or not against):
        raise BadInput("--budget-s needs both sides at hand. Expected --against a commit; a file holds no times.")
    if against and not is_file:
        with terminal.progress() as sitting.say:
            return _against_commit(findings, against, workload, budget_s, known, sitting)
    baseline = read_baseline(Path(against)) if against else None
    asked = questions(findings, workload)
    counted: list[Counted] = []
    with terminal.progress() as sitting.say:
        answers, _ = sitting.prove(asked, asked, heard=counted.append)
        sitting.close()
    found = Judgement(wrong=[str(answer) for answer in answers if isinstance(answer, Refusal)])
    today = Baseline(versions=dict(current_environment().versions), counts=counts_of(counted))
    if baseline:
        functions = {pair.name for finding in findings for pair in finding.pairs}
        before = {row: n for row, n in baseline.counts.items() if row.split(".")[0] in functions}
        found.changes = changes(before, today.counts, known)
        here = today.versions
        moved = [
            f"{name} {was} to {here.get(name)}" for name, was in baseline.versions.items() if here.get(name) != was
        ]
        if moved and found.changes:
            found.notes.append(f"The counts were saved with other versions, which may explain it: {', '.join(moved)}.")
    if save and not found.wrong:
        save_baseline(save, today)
    return found


def _against_commit(
    findings: Sequence[Finding],
    against: str,
    workload: str,
    budget_s: float,
    known: Sequence[Acceptance],
    sitting: Sitting,
) -> Judgement:
    places = places_of((parse_side(against), parse_side(".")), CACHE, sitting.say)
    pairing = Pairing(*places, asked_of_both(questions(findings, workload)), sitting.seed, sitting.say)
    done = sitting.keep(pairing.compared(budget_s))
    sitting.close()
    return of_sides(done, known)
