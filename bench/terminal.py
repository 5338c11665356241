"""What a person sees: progress on standard error, tables on standard output, JSON in their place where asked for."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from . import report as reports
from .bodies import Judged
from .certificate import Certificate, Refusal
from .findings import FINDINGS
from .report import Report, Row
from .sweep import WORDS, Sweep

out = Console(width=None if sys.stdout.isatty() else 140)
"""Standard output; wide enough for a table where it is a file or a pipe."""
err = Console(stderr=True)


def say_line(text: str) -> None:
    """One line on standard output, as it is."""
    out.print(text, markup=False, highlight=False, soft_wrap=True)


def warn_line(text: str) -> None:
    """One line on standard error, as it is."""
    err.print(text, markup=False, highlight=False, soft_wrap=True)


def fail(message: str, status: int) -> NoReturn:
    """Says what went wrong and ends the program."""
    err.print(message, style="bold", markup=False, highlight=False, soft_wrap=True)
    raise SystemExit(status)


def print_json(value: Any) -> None:
    """`value` as JSON on standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


@contextmanager
def progress() -> Iterator[Callable[[str, int], None]]:
    """A way to say what is being done and how much is left. Lines where standard error is no terminal."""
    if not err.is_terminal:
        yield lambda what, left: warn_line(f"{what}, {left} left")
        return
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left about"),
        TimeRemainingColumn(),
        console=err,
    ) as bar:
        tasks: dict[str, Any] = {}

        def say(what: str, left: int) -> None:
            # A stage is the first word: checking, counting, control, timing, tracing. Each has a bar of its own.
            stage = what.split()[0]
            for other, task in tasks.items():
                if other != stage:
                    bar.update(task, description=other, completed=bar.tasks[task].total)
            if stage not in tasks:
                tasks[stage] = bar.add_task(what, total=left)
            total = bar.tasks[tasks[stage]].total or 0
            bar.update(tasks[stage], description=what, total=max(total, left), completed=max(total, left) - left)

        yield say


def show_findings() -> None:
    """The findings, their functions and workloads."""
    table = Table("#", "finding", "function", "workloads", "claim")
    for finding in FINDINGS:
        for pair in finding.pairs:
            names = " ".join(workload.name for workload in pair.workloads)
            table.add_row(str(finding.number), finding.name, pair.name, names, finding.claim.words)
    out.print(table)


def show_answers(answers: Sequence[Certificate | Refusal]) -> None:
    """The gate's answers as a table, and every refusal in full below it."""
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
            say_line(str(answer))


def answer_as_json(answer: Certificate | Refusal) -> dict[str, Any]:
    """A gate's answer as plain data."""
    common = {"finding": answer.finding, "function": answer.function, "workload": answer.workload.name}
    common |= {"subject": answer.workload.subject, "twin": answer.twin}
    if isinstance(answer, Refusal):
        return {**common, "equivalent": False, "code": answer.code, "reason": answer.reason}
    errors = {"worst_errors": dict(answer.candidate.worst_errors), "allowed": dict(answer.allowed)}
    return {**common, "equivalent": True, "n_compared": answer.candidate.n_compared, **errors}


def show_judged(judged: Sequence[Judged]) -> None:
    """The controls and what the gate says of each."""
    table = Table("finding", "control", "judged rightly", "the gate's answer")
    for one in judged:
        table.add_row(one.finding, one.control, "yes" if one.as_expected else "NO", Text(one.answer))
    out.print(table)
    wrong = [one for one in judged if one.wrong]
    n_killed = sum(one.as_expected for one in wrong)
    say_line(f"{n_killed} of {len(wrong)} wrong functions rejected for the right reason.")


def show_rows(built: Report) -> None:
    """The verdicts, and the A/A line."""
    table = Table("#", "function", "claimed", "measured, 95% interval", "sequential", "batched", "verdict", "claim")
    for row in built.rows:
        compared = row.comparison
        times = [reports.seconds(s) for s in (compared.sequential_s, compared.batched_s)] if compared else ["", ""]
        said = Text(f"{row.verdict}{f' ({row.reason})' if row.reason else ''}")
        number = str(row.finding.number)
        table.add_row(number, row.pair.name, row.claimed, Text(row.measured), *times, said, row.outcome)
    out.print(table)
    say_line(f"A/A: {built.null_words}. Controls rejected: {built.n_killed} of {built.n_wrong}.")


def show_sweeps(swept: Sequence[Sweep]) -> None:
    """Each series' points, and where the batched twin loses."""
    for sweep in swept:
        table = Table(sweep.series.unit, "sequential", "batched", "speed-up, 95% interval", "outcome")
        for point in sweep.points:
            told = [Text(f"withheld ({point.reason})")] if point.comparison is None else [Text(WORDS[point.outcome])]
            figures = ["", "", ""]
            if point.comparison:
                low, high = (reports.figure(end) for end in point.comparison.interval)
                times = [reports.seconds(s) for s in (point.comparison.sequential_s, point.comparison.batched_s)]
                figures = [*times, f"{reports.figure(point.comparison.speedup)}x [{low}, {high}]"]
            table.add_row(f"{point.size:,}", *map(Text, figures), *told)
        say_line(f"{sweep.series.function}, {sweep.series.title}")
        out.print(table)
        say_line(f"{sweep.crossover}.")
        for twin, exponent in zip(("sequential", "batched"), sweep.exponents or (), strict=False):
            grows = f"{exponent.value:.2f} [{exponent.low:.2f}, {exponent.high:.2f}]"
            say_line(f"{twin} grows with the power {grows} over {exponent.smallest:,} to {exponent.largest:,}.")


def row_as_json(row: Row) -> dict[str, Any]:
    """A verdict as plain data; no figure where there is none to be told."""
    told = row.comparison if row.measured else None
    return {
        "finding": row.finding.name,
        "function": row.pair.name,
        "claimed": row.claimed,
        "verdict": row.verdict.value,
        "reason": row.reason,
        "speedup": told.speedup if told else None,
        "interval": told.interval if told else None,
        "claim": row.outcome,
    }
