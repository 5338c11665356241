"""Verbs that make figures: measure, report, run."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from speedproof.comment.told import failures_told
from speedproof.extras import what_is_missing
from speedproof.folders import RESULTS
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.own.pair import OwnPair
from speedproof.pairs.finding import CAREFUL, TWINS, Finding
from speedproof.pairs.question import Question, questions
from speedproof.records.kinds import Counted
from speedproof.records.record import read
from speedproof.report import report as reports
from speedproof.sittings.resumption import scope_of
from speedproof.sittings.spent import in_words
from speedproof.timing.comparison import Verdict
from speedproof.timing.estimate import TARGET_HALF_WIDTH
from speedproof.timing.plan import Plan, plans_of_pairs
from speedproof.timing.runner import sample_all

from . import own
from .lines import print_json, say_line, warn_line
from .options import (
    TRACE,
    AsJson,
    Budget,
    OwnNames,
    Precision,
    PullRequest,
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
from .shown.own import Found, card_lines, is_slower, measured_lines, pair_as_json
from .shown.pull_request import Pulled

if TYPE_CHECKING:
    from speedproof.gate.control import Control

RUN_BUDGET_S = 300.0
"""Timing budget of a full run. Checks and counts come on top; a sitting's record says what it took in all."""
OWN_BUDGET_S = 20.0
"""Timing budget of one pair of a user's own: with the check and the page a minute in all."""
QUICK_BUDGET_S = 25.0
"""Timing budget of a quick run; its four processes take longer than that on two cores."""


def measure(
    context: typer.Context,
    names: OwnNames = None,
    inputs: own.InputsName = None,
    pairs: own.PairsFile = None,
    same: own.SameAs = None,
    sizes: own.Sizes = None,
    exceptions: own.Exceptions = "type",
    specials: own.Specials = False,
    grow: own.Grow = False,
    pull_request: PullRequest = None,
    accepted: own.PullAccepted = None,
    workload: Annotated[str, typer.Option(help="Workload to measure.")] = "report",
    subject: SubjectName = None,
    budget_s: Budget = RUN_BUDGET_S,
    precision: Precision = TARGET_HALF_WIDTH,
    seed: Seed = None,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Check, then time in fresh processes: two functions of yours by name, or findings' twins. Only what gives the same
    answer is timed.

    Examples:
      speedproof measure slow.py:dedupe fast.py:dedupe --inputs data.py:make
      python -m bench measure category_lookup --budget-s 60
    """
    if own.is_own_asked(context, names, inputs, pairs):
        with own.told_as_json(as_json), failures_told(pull_request, "pairs"):
            asked_of = {"same": same, "sizes": own.sizes_of(sizes), "exceptions": exceptions}
            found = own.own_pairs(names, inputs, pairs, **asked_of, specials=specials, grow=grow)
            timed_s = OWN_BUDGET_S if budget_s == RUN_BUDGET_S else budget_s
            pulled = Pulled.of(pull_request, accepted)
            how = Measuring(own.own_results(results), timed_s, precision, seed, as_json, pulled=pulled)
            raise typer.Exit(_measure_own(context, found, how))
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
    names: OwnNames = None,
    inputs: own.InputsName = None,
    pairs: own.PairsFile = None,
    same: own.SameAs = None,
    sizes: own.Sizes = None,
    exceptions: own.Exceptions = "type",
    specials: own.Specials = False,
    grow: own.Grow = False,
    faults: own.Faults = own.N_FAULTS,
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
    """All of it. Of two functions of yours by name: check, planted faults, counts, time, a page. Of the findings, what
    `make bench` calls: check, controls, count, rewrites, time, trace, report.

    A run of the findings that was interrupted goes on where it stopped if given again soon, with the same options,
    sources and environment.

    Examples:
      speedproof run slow.py:dedupe fast.py:dedupe --inputs data.py:make
      python -m bench run
      python -m bench run --quick
    """
    if own.is_own_asked(context, names, inputs, pairs):
        with own.told_as_json(as_json):
            asked_of = {"same": same, "sizes": own.sizes_of(sizes), "exceptions": exceptions}
            found = own.own_pairs(names, inputs, pairs, **asked_of, specials=specials, grow=grow)
            timed_s = budget_s or OWN_BUDGET_S
            how = Measuring(own.own_results(results), timed_s, precision, seed, as_json, faults, whole=True)
            raise typer.Exit(_measure_own(context, found, how))
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
        further = [work for works in project(context).beside for work in works(sitting, findings, quick)]
        controls = _controls(findings, quick)
        proven = sitting.prove([*asked, *others], asked, controls, further, then=[sample_all, TRACE])
        plans = _plans(findings, asked, proven.answers)
        with sitting.spent.on("timing"):
            sitting.measure(plans, budget_s or (QUICK_BUDGET_S if quick else RUN_BUDGET_S), precision)
        with sitting.spent.on("traces"):
            trace_all(findings, workload, subject, sitting, all_rungs=False)
        sat = sitting.close()
    is_good = _show_report(context, results, workload, subject, findings, as_json)
    warn_line(in_words(sat.wall_s, sat.spent_s))
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


@dataclass(frozen=True)
class Measuring:
    """How a user's own pairs are measured, from which seed they are checked, and how many faults are planted; `whole`
    also traces and writes the page."""

    results: Path
    budget_s: float
    precision: float
    seed: int | None
    as_json: bool
    n_faults: int = 0
    whole: bool = False
    pulled: Pulled = field(default_factory=Pulled)


def _measure_own(context: typer.Context, pairs: Sequence[OwnPair], how: Measuring) -> int:
    """Proves the pairs, times those that are proven, and shows a card for each.

    The exit status: 0 the same and, with `whole`, not shown to be slower; 1 not the same or slower; 2 not judged.
    """
    sitting = open_sitting(how.results, how.seed, quietly=True)
    status, shown = 0, []
    for pair in pairs:
        with progress() as sitting.say:
            bodies = own.proven(sitting, pair, how.n_faults, how.seed, counts=True)
            found = Found.of(bodies)
            answer = found.answer
            if isinstance(answer, Certificate) and not answer.allowed_to:
                sitting.measure(plans_of_pairs([pair.finding], [answer]), how.budget_s, how.precision)
            if how.whole and _uses_torch(bodies):
                trace_all([pair.finding], "report", None, sitting)
        sitting.close()
        lines = [*card_lines(pair, found, next_too=False)]
        built = None
        told, status = pair_as_json(pair, found), max(status, own.exit_status(answer))
        if isinstance(answer, Certificate):
            built = reports.build([pair.finding], read_records(context, how.results), "report", None)
            row = built.rows[0]
            told["measured"] = row_as_json(row)
            lines += measured_lines(pair, found, built)
            if row.figure.verdict is Verdict.WITHHELD and "(in a timed call)" in row.figure.why:
                status = max(status, 1)
            if how.whole:
                status = max(status, int(is_slower(row)))
                lines += [f"  {'page':<18}{_page(built, how.results / pair.name)}"]
        how.pulled.add(pair, bodies, how.seed, built)
        shown.append(told)
        for line in () if how.as_json else lines:
            say_line(line)
    if how.as_json:
        print_json(shown if len(shown) > 1 else shown[0])
    return max(status, how.pulled.written())


def _page(built: reports.Report, folder: Path) -> str:
    """Where the page is, or what it takes to have one: the figures stand without it."""
    try:
        page = reports.write(built, folder)[-1]
        return str(page.relative_to(Path.cwd()) if page.is_relative_to(Path.cwd()) else page)
    except ImportError as error:
        return f"none: {what_is_missing(error) or error}"


def _uses_torch(found: Sequence[Any]) -> bool:
    """Whether torch's operators were counted, so that its profiler has something to see."""
    return any(isinstance(one, Counted) and "operators" in one.counts[TWINS[0]] for one in found)
