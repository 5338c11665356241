"""The command line: python -m bench. Progress goes to standard error, answers to standard output."""

import json
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from . import report as reports
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
out = Console(width=None if sys.stdout.isatty() else 140)
"""Standard output; wide enough for a table where it is a file or a pipe."""
err = Console(stderr=True)

Names = Annotated[list[str] | None, typer.Argument(metavar="[FINDING...]", help="Names or numbers; all if none.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on standard output.")]
Results = Annotated[Path, typer.Option(help="Folder that records and reports go to.")]
Budget = Annotated[float, typer.Option(min=1, help="Seconds for timing; three processes run whatever it is.")]
SubjectName = Annotated[str | None, typer.Option(help="Subject in place of the workloads' own: a name or a folder.")]
Seed = Annotated[int | None, typer.Option(help="Seed of the random orders, to repeat a sitting's.")]

RUN_BUDGET_S = 360.0
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
        _print_json(rows)
        return
    table = Table("#", "finding", "function", "workloads", "claim")
    for finding in FINDINGS:
        for pair in finding.pairs:
            names = " ".join(workload.name for workload in pair.workloads)
            table.add_row(str(finding.number), finding.name, pair.name, names, finding.claim.words)
    out.print(table)


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
    with _progress() as sitting.say:
        answers, _ = sitting.prove(asked)
    _show_answers(answers, as_json)
    refusals = [answer for answer in answers if isinstance(answer, Refusal)]
    raise typer.Exit(_exit_status(refusals, candidate))


@app.command()
def controls(results: Results = RESULTS, as_json: AsJson = False) -> None:
    """Show the gate functions that are wrong on purpose; it must reject each for the right reason.

    Example: python -m bench controls
    """
    sitting = _sitting(results, None)
    with _progress() as sitting.say:
        _, judged = sitting.prove([], with_controls=True)
    wrong = [j for j in judged if j.wrong]
    killed = [j for j in wrong if j.as_expected]
    if as_json:
        _print_json([j.model_dump() for j in judged])
    else:
        table = Table("finding", "control", "judged rightly", "the gate's answer")
        for j in judged:
            table.add_row(j.finding, j.control, "yes" if j.as_expected else "NO", _plain(j.answer))
        out.print(table)
        out.print(f"{len(killed)} of {len(wrong)} wrong functions rejected for the right reason.")
    raise typer.Exit(0 if all(j.as_expected for j in judged) else 1)


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
    asked = questions(_chosen(names), workload, subject)
    sitting = _sitting(results, seed)
    with _progress() as sitting.say:
        answers, _ = sitting.prove(asked, asked)
        sitting.measure([a for a in answers if isinstance(a, Certificate)], budget_s)
        sitting.close()
    _show_report(results, workload, as_json, [find(q.finding) for q in asked])
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
        _print_json([{"trace": label, "folder": str(folder)} for label, folder in written])
    else:
        out.print(f"{len(written)} traces under {results / 'traces'}. See: tensorboard --logdir {results / 'traces'}")


@app.command()
def report(
    workload: Annotated[str, typer.Option(help="Workload to report on.")] = "report",
    results: Results = RESULTS,
    readme: Annotated[Path | None, typer.Option(help="Also put the table of figures into this README.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make the report of the newest sitting from the records.

    Example: python -m bench report --readme README.md
    """
    _show_report(results, workload, as_json, FINDINGS)
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
    with _progress() as sitting.say:
        answers, _ = sitting.prove([*asked, *others], asked, with_controls=True)
        refused = {(a.finding, a.function) for a in answers if isinstance(a, Refusal)}
        sound = [q for q in asked if (q.finding, q.function) not in refused]
        certificates = _certificates(sound, answers)
        sitting.measure(certificates, budget_s or (QUICK_BUDGET_S if quick else RUN_BUDGET_S))
        _profile(findings, workload, subject, results, sitting)
        sitting.close()
    is_good = _show_report(results, workload, as_json, findings)
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
        _print_json([vars(duplicate) for duplicate in found])
    else:
        for duplicate in found:
            out.print(
                f"{duplicate.name}: {duplicate.again} again, first {duplicate.first}", markup=False, soft_wrap=True
            )
        out.print(f"{len(found)} duplicate definitions.")
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
        _fail(f"{type(error).__name__}: {error}", error.exit_status)
    except KeyboardInterrupt:
        status = INTERRUPTED
    except Exception as error:
        # Wrong use, in the parser's words; anything else is a defect of ours and shows where it is.
        if not hasattr(error, "format_message"):
            raise
        _fail(f"{error.format_message()} See: python -m bench --help", 2)
    if status == INTERRUPTED:
        _fail(
            "Stopped. What was recorded is kept. To go on, give the same command again; it starts a new sitting.",
            INTERRUPTED,
        )
    raise SystemExit(status)


INTERRUPTED = 130
"""Exit status after Control-C: 128 and the signal's number, as shells have it."""


def _fail(message: str, status: int) -> NoReturn:
    err.print(message, style="bold", markup=False, highlight=False, soft_wrap=True)
    raise SystemExit(status)


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


@contextmanager
def _progress() -> Iterator[Any]:
    """A way to say what is being done. Lines where standard error is no terminal."""
    if not err.is_terminal:
        yield lambda what, left: err.print(f"{what}, {left} left", markup=False, highlight=False, soft_wrap=True)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def say(what: str, left: int) -> None:
            stage = what.split()[0]
            total = bar.tasks[0].fields.get(stage, left)
            bar.update(task, description=what, total=total, completed=total - left, **{stage: max(total, left)})

        yield say


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


def _show_answers(answers: Sequence[Certificate | Refusal], as_json: bool) -> None:
    if as_json:
        _print_json([_told(answer) for answer in answers])
        return
    table = Table("function", "workload", "answer", "compared", "worst error", "allowed")
    for answer in answers:
        where = f"{answer.workload.name} ({answer.workload.subject})"
        if isinstance(answer, Certificate):
            error = answer.candidate.worst_errors.get("element")
            cells = (f"{answer.candidate.n_compared:,}", f"{error:.1e}" if error is not None else "exact")
            allowed = f"{answer.allowed['element']:.1e}" if answer.allowed else "exact"
            table.add_row(answer.function, where, "equivalent", *cells, allowed)
        else:
            table.add_row(answer.function, where, "WITHHELD", "", "", "")
    out.print(table)
    for answer in answers:
        if isinstance(answer, Refusal):
            out.print(str(answer), markup=False, highlight=False, soft_wrap=True)


def _told(answer: Certificate | Refusal) -> dict[str, Any]:
    common = {"finding": answer.finding, "function": answer.function, "workload": answer.workload.name}
    common |= {"subject": answer.workload.subject, "twin": answer.twin}
    if isinstance(answer, Refusal):
        return {**common, "equivalent": False, "code": answer.code, "reason": answer.reason}
    errors = {"worst_errors": dict(answer.candidate.worst_errors), "allowed": dict(answer.allowed)}
    return {**common, "equivalent": True, "n_compared": answer.candidate.n_compared, **errors}


def _show_report(results: Path, workload: str, as_json: bool, findings: Sequence[Finding]) -> bool:
    built = reports.build(read(results), workload)
    # A quick look at the tiny subject does not replace the report of the real size.
    paths = reports.write(built, results / ("report" if workload == "report" else f"report-{workload}"))
    shown = [row for row in built.rows if row.finding in findings]
    for problem in built.problems:
        err.print(f"Record {problem}", markup=False, highlight=False)
    if as_json:
        _print_json(
            [
                {
                    "finding": row.finding.name,
                    "function": row.pair.name,
                    "claimed": row.claimed,
                    "verdict": row.verdict.value,
                    "reason": row.reason,
                    "speedup": row.comparison.speedup if row.measured and row.comparison else None,
                    "interval": row.comparison.interval if row.measured and row.comparison else None,
                    "claim": row.outcome,
                }
                for row in shown
            ]
        )
    else:
        table = Table("#", "function", "claimed", "measured, 95% interval", "sequential", "batched", "verdict", "claim")
        for row in shown:
            times = (
                [reports.seconds(s) for s in (row.comparison.sequential_s, row.comparison.batched_s)]
                if row.comparison
                else ["", ""]
            )
            said = _plain(f"{row.verdict}{f' ({row.reason})' if row.reason else ''}")
            table.add_row(
                str(row.finding.number), row.pair.name, row.claimed, _plain(row.measured), *times, said, row.outcome
            )
        out.print(table)
        out.print(f"A/A: {built.null_words}. Controls rejected: {built.n_killed} of {built.n_wrong}.", markup=False)
        out.print(f"Report: {paths[-1]}", markup=False, soft_wrap=True)
    return not any(row.verdict in ("WITHHELD",) for row in shown) and not built.survivors


def _exit_status(refusals: Sequence[Refusal], candidate: str | None) -> int:
    if candidate and any(refusal.code == "failed" for refusal in refusals):
        return 2
    return 1 if refusals else 0


def _plain(text: str) -> Any:
    from rich.text import Text

    return Text(text)


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")
