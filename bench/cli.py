"""The command line: python -m bench. Progress goes to standard error, answers to standard output."""

import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from . import report as reports
from . import terminal
from .certificate import Certificate, Refusal
from .duplicates import find_duplicates
from .environment import current_environment
from .errors import BadInput, SpeedproofError
from .finding import Finding
from .findings import FINDINGS, find
from .process import Usage, in_fresh_process
from .profiling import trace
from .record import RESULTS, Recorder, read, schema
from .sitting import Question, Sitting, new_seed, questions, sitting_name

app = typer.Typer(
    help="Prove two functions equal, then measure which is faster.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Names = Annotated[list[str] | None, typer.Argument(metavar="[FINDING...]", help="Names or numbers; all if none.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on standard output.")]
Results = Annotated[Path, typer.Option(help="Folder that records and reports go to.")]
Budget = Annotated[float, typer.Option(min=1, help="Seconds for timing; three processes run whatever it is.")]
SubjectName = Annotated[str | None, typer.Option(help="Subject in place of the workloads' own: a name or a folder.")]
Seed = Annotated[int | None, typer.Option(help="Seed of the random orders, to repeat a sitting's.")]

RUN_BUDGET_S = 420.0
"""Timing budget of a full run: with the checks and counts it keeps `make bench` below twelve minutes on two cores."""
QUICK_BUDGET_S = 25.0
"""Timing budget of a quick run, below ninety seconds in all."""


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """The findings, their functions and workloads.

    Example: python -m bench list
    """
    rows = [
        {
            "number": finding.number,
            "finding": finding.name,
            "title": finding.title,
            "claim": finding.claim.words,
            "functions": {pair.name: [workload.name for workload in pair.workloads] for pair in finding.pairs},
        }
        for finding in FINDINGS
    ]
    if as_json:
        terminal.print_json(rows)
        return
    terminal.show_findings()


@app.command()
def check(
    names: Names = None,
    workload: Annotated[str | None, typer.Option(help="One workload; all if none.")] = None,
    subject: SubjectName = None,
    function: Annotated[str | None, typer.Option(help="One function of the finding; all if none.")] = None,
    candidate: Annotated[
        str | None, typer.Option(help="FILE.py:FUNCTION to check in place of the batched twin.")
    ] = None,
    texts: Annotated[Path | None, typer.Option(help="Your own texts, one a line, in place of the workload's.")] = None,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Prove twins equivalent, or refuse with the reason.

    Examples:
      python -m bench check text_batching --workload smoke
      python -m bench check 1 --candidate mine.py:extract_features --workload report
    """
    findings = _chosen(names)
    if candidate and len(findings) != 1:
        raise BadInput("--candidate needs one finding to be held against. Expected one name, such as text_batching.")
    if candidate and workload is None:
        workload = "smoke"
    given = _given(texts)
    asked = questions(findings, workload, subject, function, given, candidate)
    sitting = _sitting(results, None)
    with terminal.progress() as sitting.say:
        answers, _ = sitting.prove(asked)
    if as_json:
        terminal.print_json([terminal.answer_as_json(answer) for answer in answers])
    else:
        terminal.show_answers(answers)
    refusals = [answer for answer in answers if isinstance(answer, Refusal)]
    raise typer.Exit(_exit_status(refusals, candidate))


@app.command()
def controls(results: Results = RESULTS, as_json: AsJson = False) -> None:
    """Show the gate functions that are wrong on purpose; it must reject each for the right reason.

    Example: python -m bench controls
    """
    sitting = _sitting(results, None)
    with terminal.progress() as sitting.say:
        _, judged = sitting.prove([], with_controls=True)
    if as_json:
        terminal.print_json([one.model_dump() for one in judged])
    else:
        terminal.show_judged(judged)
    raise typer.Exit(0 if all(one.as_expected for one in judged) else 1)


@app.command()
def measure(
    names: Names = None,
    workload: Annotated[str, typer.Option(help="Workload to measure.")] = "report",
    subject: SubjectName = None,
    budget_s: Budget = RUN_BUDGET_S,
    seed: Seed = None,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Check, then time pairs in fresh processes; only equivalent twins are timed.

    Example: python -m bench measure category_lookup --budget-s 60
    """
    findings = _chosen(names)
    asked = questions(findings, workload, subject)
    sitting = _sitting(results, seed)
    with terminal.progress() as sitting.say:
        answers, _ = sitting.prove(asked, asked)
        sitting.measure([a for a in answers if isinstance(a, Certificate)], budget_s)
        sitting.close()
    _show_report(results, workload, subject, findings, as_json)
    raise typer.Exit(1 if any(isinstance(a, Refusal) for a in answers) else 0)


@app.command()
def profile(
    names: Names = None,
    workload: Annotated[str, typer.Option(help="Workload whose first items are traced.")] = "report",
    subject: SubjectName = None,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Write a profiler trace per finding and twin, for TensorBoard.

    Example: python -m bench profile text_batching, then tensorboard --logdir results/traces
    """
    written = _profile(_chosen(names), workload, subject, results)
    if as_json:
        terminal.print_json([{"trace": label, "folder": str(folder)} for label, folder in written])
    else:
        terminal.say_line(
            f"{len(written)} traces under {results / 'traces'}. See: tensorboard --logdir {results / 'traces'}"
        )


@app.command()
def report(
    workload: Annotated[str, typer.Option(help="Workload to report on.")] = "report",
    subject: SubjectName = None,
    results: Results = RESULTS,
    readme: Annotated[Path | None, typer.Option(help="Also put the table of figures into this README.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make the report of the newest sitting from the records.

    Example: python -m bench report --readme README.md
    """
    _show_report(results, workload, subject, FINDINGS, as_json)
    if readme:
        built = reports.build(read(results), workload)
        readme.write_text(reports.with_figures(readme.read_text(encoding="utf-8"), built), encoding="utf-8")


@app.command()
def run(
    names: Names = None,
    quick: Annotated[bool, typer.Option("--quick", help="On the tiny subject, in about a minute.")] = False,
    subject: SubjectName = None,
    budget_s: Annotated[float | None, typer.Option(min=1, help="Seconds for timing.")] = None,
    seed: Seed = None,
    results: Results = RESULTS,
    as_json: AsJson = False,
) -> None:
    """All of it: check, controls, count, time, trace, report. What `make bench` calls.

    Examples:
      python -m bench run
      python -m bench run --quick
    """
    findings = _chosen(names)
    workload = "smoke" if quick else "report"
    asked = questions(findings, workload, subject)
    others = [] if quick else [q for q in questions(findings) if q.workload.name != workload]
    sitting = _sitting(results, seed)
    with terminal.progress() as sitting.say:
        answers, _ = sitting.prove([*asked, *others], asked, with_controls=True)
        refused = {(a.finding, a.function) for a in answers if isinstance(a, Refusal)}
        sound = [q for q in asked if (q.finding, q.function) not in refused]
        certificates = _certificates(sound, answers)
        sitting.measure(certificates, budget_s or (QUICK_BUDGET_S if quick else RUN_BUDGET_S))
        _profile(findings, workload, subject, results, sitting)
        sitting.close()
    is_good = _show_report(results, workload, subject, findings, as_json)
    raise typer.Exit(0 if is_good and not refused else 1)


@app.command()
def duplicates(
    paths: Annotated[list[Path], typer.Argument(help="Python files, notebooks, or folders of them.")],
    as_json: AsJson = False,
) -> None:
    """Find functions that one file or notebook defines twice, also where one is nested in another function.

    Example: python -m bench duplicates phase_3.ipynb
    """
    found = find_duplicates(paths)
    if as_json:
        terminal.print_json([vars(duplicate) for duplicate in found])
    else:
        for duplicate in found:
            terminal.say_line(f"{duplicate.name}: {duplicate.again} again, first {duplicate.first}")
        terminal.say_line(f"{len(found)} duplicate definitions.")
    raise typer.Exit(1 if found else 0)


@app.command("schema")
def schema_() -> None:
    """Print the JSON Schema of a record line."""
    sys.stdout.write(schema())


def main() -> None:
    """Runs the command line; every expected failure is one clear line and an exit status."""
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # The profiler's library otherwise writes to standard error at every start and stop.
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    try:
        # Outside its standalone mode the parser returns the status of an Exit, and 130 after Control-C.
        status = app(standalone_mode=False, prog_name="python -m bench") or 0
    except SpeedproofError as error:
        terminal.fail(f"{type(error).__name__}: {error}", error.exit_status)
    except KeyboardInterrupt:
        status = INTERRUPTED
    except Exception as error:
        # Wrong use, in the parser's words; anything else is a defect of ours and shows where it is.
        if not hasattr(error, "format_message"):
            raise
        terminal.fail(f"{error.format_message()} See: python -m bench --help", 2)
    if status == INTERRUPTED:
        terminal.fail(
            "Stopped. What was recorded is kept. To go on, give the same command again; it starts a new sitting.",
            INTERRUPTED,
        )
    raise SystemExit(status)


INTERRUPTED = 130
"""Exit status after Control-C: 128 and the signal's number, as shells have it."""


def _chosen(names: Sequence[str] | None) -> tuple[Finding, ...]:
    return tuple(dict.fromkeys(find(name) for name in names)) if names else FINDINGS


def _given(path: Path | None) -> tuple[str, ...]:
    if path is None:
        return ()
    try:
        lines = tuple(path.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"--texts {path} cannot be read: {error}. Expected a UTF-8 file, one text a line.") from error
    if not lines:
        raise BadInput(f"--texts {path} is empty. Expected at least one text, one a line.")
    return lines


def _sitting(results: Path, seed: int | None) -> Sitting:
    chosen = new_seed() if seed is None else seed
    recorder = Recorder(results, current_environment(), sitting_name(chosen))
    recorder.require_writable()
    return Sitting(recorder, chosen, lambda what, left: None)


def _certificates(asked: Sequence[Question], answers: Sequence[Certificate | Refusal]) -> list[Certificate]:
    wanted = {(q.finding, q.function, q.workload.digest) for q in asked}
    found = [a for a in answers if isinstance(a, Certificate)]
    return [c for c in found if (c.finding, c.function, c.workload.digest) in wanted]


def _profile(
    findings: Sequence[Finding], workload: str, subject: str | None, results: Path, sitting: Sitting | None = None
) -> list[tuple[str, Path]]:
    names = [finding.name for finding in findings]
    work = in_fresh_process(sitting.usage if sitting else Usage(), trace, names, workload, subject, results / "traces")
    written = []
    for label, folder in work:
        written.append((label, folder))
        if sitting:
            sitting.say(f"tracing {label}", 2 * len(names) - len(written))
    return written


def _show_report(results: Path, workload: str, subject: str | None, findings: Sequence[Finding], as_json: bool) -> bool:
    """Shows the newest figures, writes the report if they are of all findings, says whether all is well."""
    built = reports.build(read(results), workload, findings, subject)
    for problem in built.problems:
        terminal.warn_line(f"Record {problem}")
    if as_json:
        terminal.print_json([terminal.row_as_json(row) for row in built.rows])
    else:
        terminal.show_rows(built)
    if tuple(findings) == FINDINGS:
        # Another workload or subject does not replace the report of the real size.
        parts = ["report", *([workload] if workload != "report" else []), *([Path(subject).name] if subject else [])]
        page = reports.write(built, results / "-".join(parts).replace(":", "-"))[-1]
        terminal.warn_line(f"Report: {page}")
    return built.is_good


def _exit_status(refusals: Sequence[Refusal], candidate: str | None) -> int:
    if candidate and any(refusal.code == "failed" for refusal in refusals):
        return 2
    return 1 if refusals else 0
