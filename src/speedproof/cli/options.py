"""Options and steps that several verbs share."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from speedproof.environment import current_environment, why_no_commit
from speedproof.errors import BadInput
from speedproof.folders import PROJECT
from speedproof.gate.trials import new_seed
from speedproof.pairs.finding import Finding, named, with_function, with_workload
from speedproof.records.base import Body
from speedproof.records.kinds import KINDS
from speedproof.records.record import MOST_SHOWN, Ledger, Recorder, read
from speedproof.records.trace import Traced
from speedproof.sides.summary import Judgement
from speedproof.sittings.resumption import Earlier, interrupted
from speedproof.sittings.sitting import Sitting, sitting_name

from .lines import warn_line
from .project import Project

TRACE = "speedproof.tensors.profiling:trace"
"""What writes traces, by reference: it needs torch, which this process may do without."""
NAME = PROJECT if Path(sys.argv[0]).stem == PROJECT else ""
"""The command's short name, where it was started by that. A shell can complete no command of three words."""


def everywhere(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of a failure too; may stand after the verb.")
    ] = False,
) -> None:
    """What all verbs have in common. `main` takes `--debug` out before; it stands here for the help page."""


def project(context: typer.Context) -> Project:
    """What `main` was given."""
    given: Project = context.find_root().obj
    return given


def all_findings(context: typer.Context) -> tuple[Finding, ...]:
    """The project's findings."""
    return project(context).findings


NO_FINDINGS = (
    "No project hands in findings here. Expected the checkout of one, or two functions of your own: "
    "speedproof check FILE.py:NAME FILE.py:NAME --inputs FILE.py:NAME"
)


def required_findings(context: typer.Context) -> tuple[Finding, ...]:
    """The project's findings. Raises BadInput where there are none: nothing was judged then."""
    if not all_findings(context):
        raise BadInput(NO_FINDINGS)
    return all_findings(context)


def _known(context: typer.Context) -> list[str]:
    return [finding.name for finding in all_findings(context)]


Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="FINDING", help="Names or numbers; all if none.", autocompletion=_known),
]
OwnNames = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="REFERENCE CANDIDATE | FINDING",
        help="Two functions, each FILE.py:NAME or module:NAME; or findings and pairs by name, all if none.",
        autocompletion=_known,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on standard output.")]
Results = Annotated[Path, typer.Option(help="Folder that records and reports go to.")]
Budget = Annotated[float, typer.Option(min=1, help="Seconds for timing; four processes run whatever it is.")]
Precision = Annotated[
    float, typer.Option(min=0.001, max=1, help="Relative half-width at which sampling stops: 0.02 is 2% either way.")
]
Margin = Annotated[
    float, typer.Option(min=0.001, max=1, help="Change within which two sides are called alike: 0.05 is 5% either way.")
]
SubjectName = Annotated[
    str | None, typer.Option(help="Subject in place of the workloads' own: a name, RELEASE/ID of SAELens, or a folder.")
]
Markdown = Annotated[Path | None, typer.Option(help="Write a summary for a pull request here.")]
JUnit = Annotated[Path | None, typer.Option(help="Write a JUnit file here.")]
PullRequest = Annotated[
    Path | None,
    typer.Option(
        "--pull-request",
        help="For a pull request: add what its comment is made of to this JSON file, and let the exit status be of "
        "answers and work alone.",
    ),
]
SidesBudget = Annotated[float, typer.Option(min=0, help="Seconds of timing two sides; 0 for none.")]
Seed = Annotated[int | None, typer.Option(help="Seed of the random orders, to repeat a sitting's.")]


def read_records(context: typer.Context, results: Path) -> Ledger:
    """What a results folder holds; every line or file that could not be read is told. Raises RecordProblem."""
    ledger = read(results, project(context).kinds)
    for problem in ledger.problems:
        warn_line(f"Record {problem}")
    if ledger.unknown:
        kinds = ", ".join(f"{n} {kind[:MOST_SHOWN]!r}" for kind, n in ledger.unknown.items())
        warn_line(f"Kept, but of kinds that nothing here reads: {kinds}.")
    return ledger


def chosen_findings(
    context: typer.Context, names: Sequence[str] | None, function: str | None = None, workload: str | None = None
) -> tuple[Finding, ...]:
    """The findings named, each once, which must have the function; if none is, all that have it and the workload.

    Raises BadInput.
    """
    known = required_findings(context)
    having = with_function(known, function) if function else known
    if not names:
        on_it = with_workload(known, workload) if workload else known
        # Where no finding has both, its function says which workloads it has.
        return tuple(finding for finding in having if finding in on_it) or having
    found = tuple(dict.fromkeys(named(known, name) for name in names))
    if without := [finding.name for finding in found if finding not in having]:
        told = ", ".join(finding.name for finding in having)
        raise BadInput(f"{without[0]} has no function {function!r}. Expected a finding that has it: {told}.")
    return found


def open_run(
    results: Path, seed: int | None, scope: str, fresh: bool, kinds: Sequence[type[Body]] = KINDS
) -> tuple[Sitting, str]:
    """A sitting that goes on where an interrupted one of this scope stopped, and words that say so; else a new one.

    Raises RecordProblem where records cannot be read or written.
    """
    sitting = open_sitting(results, seed)
    earlier = Earlier() if fresh else interrupted(read(results, kinds).records, scope, current_environment())
    sitting.begin(scope, earlier)
    if not earlier.records:
        return sitting, ""
    minutes = f"{earlier.pause_s / 60:.0f} minutes after its last record"
    return sitting, (
        f"Goes on with the interrupted sitting {earlier.sitting}, {minutes}: {earlier.n_kept} results are kept, the "
        "A/A pair is measured with what is left. To start anew: --fresh"
    )


def open_sitting(results: Path, seed: int | None, quietly: bool = False) -> Sitting:
    """A sitting whose records go to `results`; `quietly` where nobody asks which commit of ours it was.

    Raises RecordProblem where they could not.
    """
    chosen = new_seed() if seed is None else seed
    recorder = Recorder(results, current_environment(), sitting_name(chosen))
    recorder.require_usable()
    if recorder.environment.commit == "unknown" and not quietly:
        warn_line(f"Records will name no commit: {why_no_commit()}.")
    return Sitting(recorder, chosen, lambda what, left: None)


def trace_all(
    findings: Sequence[Finding], workload: str, subject: str | None, sitting: Sitting, all_rungs: bool = True
) -> list[Traced]:
    """Traces the findings' arms in a fresh process, or those alone that a run times. Records what the profiler saw."""
    pairs = [pair for finding in findings for pair in finding.pairs]
    left = sum(len(pair.arm_names if all_rungs else pair.timed_arm_names) for pair in pairs)
    sitting.say(f"tracing {findings[0].name}", left)
    traced: list[Traced] = []
    cards, folder = [finding.card for finding in findings], sitting.recorder.results / "traces"
    for one in sitting.told(TRACE, cards, workload, subject, folder, all_rungs):
        sitting.recorder.write(one)
        traced.append(one)
        sitting.say(f"tracing {one.function}, {one.arm}", left - len(traced))
    return traced


def report_folder(results: Path, workload: str, subject: str | None) -> Path:
    """Where a report goes: one of another workload or subject does not replace the report of the real size."""
    parts = ["report", *([workload] if workload != "report" else []), *([Path(subject).name] if subject else [])]
    return results / "-".join(parts).replace(":", "-")


def write_summaries(found: Judgement, markdown: Path | None, junit: Path | None) -> None:
    """Writes the files that were asked for. Raises BadInput where one cannot be written."""
    for path, text in ((markdown, found.markdown), (junit, found.junit)):
        if path:
            try:
                path.write_text(text, encoding="utf-8")
            except OSError as error:
                raise BadInput(f"{path}: {error.strerror}. Expected a file that can be written.") from error
