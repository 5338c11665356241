"""Verbs for continuous integration: stop a change that works more, less or wrongly, until somebody accepts it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from speedproof.comment.of_sides import told_of_sides
from speedproof.comment.told import add_told, failures_told, read_told
from speedproof.environment import current_environment
from speedproof.errors import BadInput
from speedproof.folders import CACHE, RESULTS
from speedproof.gate.certificate import Refusal
from speedproof.pairs.finding import Finding
from speedproof.pairs.question import questions
from speedproof.sides.changes import (
    Acceptance,
    Baseline,
    Change,
    as_json,
    changes,
    counts_of,
    read_accepted,
    read_baseline,
    require_reason,
    save_baseline,
    write_accepted,
)
from speedproof.sides.comparing import Pairing, asked_of_both
from speedproof.sides.installing import Unsupported
from speedproof.sides.lockstep import announced
from speedproof.sides.places import places_of
from speedproof.sides.remote import SideFailed
from speedproof.sides.side import Side, parse_side
from speedproof.sides.summary import Judgement, of_sides
from speedproof.sittings.sitting import Sitting
from speedproof.timing.estimate import MARGIN
from speedproof.wording import some

from .lines import print_json, say_line, warn_line
from .options import (
    AsJson,
    JUnit,
    Markdown,
    Names,
    PullRequest,
    Results,
    Seed,
    chosen_findings,
    open_sitting,
    write_summaries,
)
from .progress import progress

ACCEPTED = RESULTS / "accepted.toml"
AgainstWhat = Annotated[str, typer.Option(help="A file of counts that --save wrote, or a commit.")]
AcceptedFile = Annotated[Path, typer.Option("--accepted", help="File of accepted changes.")]

Against = Baseline | Side
"""What today is held against: counts that were saved, or a commit that is run beside the files as they are."""


def guard(
    context: typer.Context,
    names: Names = None,
    against: AgainstWhat = "",
    save: Annotated[Path | None, typer.Option(help="Write the counts of today to this file.")] = None,
    workload: Annotated[str, typer.Option(help="Workload to count on.")] = "smoke",
    budget_s: Annotated[float, typer.Option(min=0, help="Seconds for timing, against a commit; 0 for none.")] = 0,
    accepted: AcceptedFile = ACCEPTED,
    markdown: Markdown = None,
    junit: JUnit = None,
    pull_request: PullRequest = None,
    seed: Seed = None,
    results: Results = RESULTS,
    as_plain_json: AsJson = False,
) -> None:
    """Stop where answers, work or time changed. Exit status 1 where something stops the line.

    Examples:
      python -m bench guard --save results/counts.json
      python -m bench guard --against results/counts.json --markdown summary.md --junit guard.xml
      python -m bench guard --against HEAD~1 --budget-s 120
    """
    with failures_told(pull_request, "commits"):
        findings = chosen_findings(context, names)
        if not (against or save):
            raise BadInput("guard has nothing to do. Expected --against FILE|COMMIT, or --save FILE.")
        named = _named(against)
        if not isinstance(named, Side):
            _require_both_sides(budget_s, pull_request)
        elif save:
            raise BadInput("--save writes what is counted today alone. Expected it without --against a commit.")
        guarded = Guarded(findings, workload, read_accepted(accepted), open_sitting(results, seed), pull_request)
        try:
            found = guarded.judged(named, budget_s, save)
        except (SideFailed, Unsupported) as error:
            # Whoever reads a summary alone must see why there is no judgement.
            write_summaries(Judgement(wrong=[str(error)], can_accept=False), markdown, junit)
            raise
    write_summaries(found, markdown, junit)
    if as_plain_json:
        shown = [as_json(change) for change in found.changes]
        print_json(
            {"stops": found.stops, "changes": shown, "wrong": found.wrong, "time": found.slower, "notes": found.notes}
        )
    else:
        say_line(found.markdown)
    raise typer.Exit(1 if found.stops else 0)


def _require_both_sides(budget_s: float, pull_request: Path | None) -> None:
    """Raises BadInput for what a file of counts cannot give."""
    if budget_s:
        raise BadInput("--budget-s needs both sides at hand. Expected --against a commit; a file holds no times.")
    if pull_request:
        raise BadInput("--pull-request needs both sides at hand. Expected --against a commit.")


def accept(
    context: typer.Context,
    names: Names = None,
    against: AgainstWhat = "",
    who: Annotated[str, typer.Option(help="Who accepts.")] = "",
    why: Annotated[str, typer.Option(help="Why the change is wanted.")] = "",
    workload: Annotated[str, typer.Option(help="Workload to count on.")] = "smoke",
    accepted: AcceptedFile = ACCEPTED,
    pull_request: Annotated[
        Path | None, typer.Option("--pull-request", help="Accept what is in this file of a pull request's run.")
    ] = None,
    results: Results = RESULTS,
) -> None:
    """Write down that today's changes of work are wanted, in a file that is committed with them.

    Examples:
      python -m bench accept --against results/counts.json --who ada --why "one pass more, for the new hook"
      speedproof accept --pull-request speedproof.json --who ada --why "one pass more" --accepted accepted.toml
    """
    if bool(against) == bool(pull_request):
        raise BadInput(
            "accept needs --against FILE|COMMIT, what the guard was held against, or --pull-request FILE. Expected one "
            "of them."
        )
    require_reason(who, why)
    if pull_request:
        _write_wanted(accepted, _changes_in(pull_request), who, why)
        return
    named = _named(against)
    guarded = Guarded(chosen_findings(context, names), workload, read_accepted(accepted), open_sitting(results, None))
    found = guarded.judged(named)
    if found.wrong:
        raise BadInput(f"Other answers cannot be accepted: {found.wrong[0]}")
    _write_wanted(accepted, [change for change in found.changes if change.stops], who, why)


def _write_wanted(accepted: Path, wanted: Sequence[Change], who: str, why: str) -> None:
    write_accepted(accepted, wanted, who, why)
    say_line(f"{some(len(wanted), 'change')} accepted in {accepted.name}. Commit it.")


def _changes_in(path: Path) -> list[Change]:
    """The changes of work that stopped a pull request's run. Raises BadInput where answers are other ones."""
    told = read_told(path)
    if wrong := [row.name for row in told.rows if row.is_wrong]:
        raise BadInput(f"Other answers cannot be accepted: {wrong[0]!r}. Expected changes of work alone.")
    return [
        Change(f"{row.row}.{one.counter}", one.before, one.after) for row in told.rows for one in row.work if one.stops
    ]


def _named(against: str) -> Against | None:
    """What `--against` names, if it is given. Raises BadInput."""
    if not against:
        return None
    is_file = against.endswith(".json") or Path(against).is_file()
    return read_baseline(Path(against)) if is_file else parse_side(against)


@dataclass(frozen=True)
class Today:
    """The files as they are: what is wrong with their answers, and their counts."""

    wrong: list[str]
    counts: Baseline


@dataclass(frozen=True)
class Guarded:
    """What is guarded: these findings' functions on a workload, but for the changes of work that were accepted."""

    findings: Sequence[Finding]
    workload: str
    accepted: Sequence[Acceptance]
    sitting: Sitting
    pull_request: Path | None = None
    """Where what a pull request's comment is made of goes."""

    def judged(self, against: Against | None, budget_s: float = 0.0, save: Path | None = None) -> Judgement:
        """What there is against the files as they are; their counts are saved where a file is named."""
        if isinstance(against, Side):
            return self._beside(against, budget_s)
        today = self._today()
        if save and not today.wrong:
            save_baseline(save, today.counts)
        return self._held_to(against, today)

    def _beside(self, commit: Side, budget_s: float) -> Judgement:
        if budget_s:
            warn_line(announced(budget_s, len(asked_of_both(questions(self.findings, self.workload)))))
        with progress() as self.sitting.say:
            sitting = self.sitting
            places = places_of((commit, parse_side(".")), CACHE, sitting.say)
            asked = asked_of_both(questions(self.findings, self.workload))
            done = sitting.keep(Pairing(*places, asked, sitting.seed, sitting.say).compared(budget_s))
            sitting.close()
        found = of_sides(done, self.accepted)
        if self.pull_request:
            add_told(self.pull_request, told_of_sides("commits", done, self.accepted, MARGIN))
            found.time_stops = False
        return found

    def _today(self) -> Today:
        asked = questions(self.findings, self.workload)
        with progress() as self.sitting.say:
            proven = self.sitting.prove(asked, asked)
            self.sitting.close()
        wrong = [str(answer) for answer in proven.answers if isinstance(answer, Refusal)]
        return Today(wrong, Baseline(versions=dict(current_environment().versions), counts=counts_of(proven.counted)))

    def _held_to(self, saved: Baseline | None, today: Today) -> Judgement:
        found = Judgement(wrong=today.wrong)
        if saved is None:
            return found
        functions = {pair.name for finding in self.findings for pair in finding.pairs}
        before = {row: n for row, n in saved.counts.items() if row.split(".")[0] in functions}
        found.changes = changes(before, today.counts.counts, self.accepted)
        here = today.counts.versions
        moved = [f"{name} {was} to {here.get(name)}" for name, was in saved.versions.items() if here.get(name) != was]
        if moved and found.changes:
            found.notes.append(f"The counts were saved with other versions, which may explain it: {', '.join(moved)}.")
        return found
