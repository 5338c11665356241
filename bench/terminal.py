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

from .bodies import Judged
from .certificate import Certificate, Refusal
from .comparison import Comparison
from .findings import FINDINGS
from .rejection import Rejection, again, overall
from .report import Report
from .row import Row
from .separation import Separation
from .sweep import WORDS, Sweep
from .waterfall import Waterfall
from .wording import figure, seconds, speedup

Say = Callable[[str, int], None]
"""Told what is being done now, and how many like it are left."""

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
            # A stage is the first word: checking, counting, control, rewriting, timing, tracing. Each has its own bar.
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
    for line in Separation(judged).lines:
        say_line(line)


def show_rejections(found: Sequence[Rejection], seed: int) -> None:
    """Trials of valid rewrites, every one that was rejected with the way to repeat it, and the rate."""
    table = Table("finding", "subject", "trials", "different rewrites", "rejected", "largest error / allowed")
    for one in found:
        counts = (f"{one.n_trials:,}", f"{one.n_rewrites:,}", str(len(one.rejected)))
        table.add_row(one.finding, one.subject, *counts, f"{one.closest:.2f}")
    out.print(table)
    for one in found:
        for rejected in one.rejected:
            say_line(f"REJECTED {one.finding}, seed {rejected.seed}: {rejected.reason}")
            say_line(f"  drawn: {', '.join(f'{name} {value}' for name, value in rejected.options.items())}")
            say_line(f"  again: {again(one.finding, one.subject, rejected.seed)}")
    say_line(f"Valid rewrites rejected: {overall(found).words}. Seeds from {seed} on.")


def rejections_as_json(found: Sequence[Rejection], seed: int) -> dict[str, Any]:
    """The same as plain data."""
    total = overall(found)
    return {
        "seed": seed,
        "trials": total.n_trials,
        "rate": total.rate,
        "upper_bound_95": total.bound,
        "findings": [
            {
                "finding": one.finding,
                "subject": one.subject,
                "trials": one.n_trials,
                "different": one.n_rewrites,
                "closest": one.closest,
            }
            for one in found
        ],
        "rejected": [
            {"finding": one.finding, **rejected.model_dump(), "again": again(one.finding, one.subject, rejected.seed)}
            for one in found
            for rejected in one.rejected
        ],
    }


def show_rows(built: Report) -> None:
    """The verdicts, and the A/A line."""
    table = Table("#", "function", "claimed", "measured, 95% interval", "sequential", "batched", "verdict", "claim")
    for row in built.rows:
        compared = row.comparison
        times = [seconds(s) for s in (compared.baseline_s, compared.contender_s)] if compared else ["", ""]
        said = Text(f"{row.verdict}{f' ({row.reason})' if row.reason else ''}")
        number = str(row.finding.number)
        table.add_row(number, row.pair.name, row.claimed, Text(row.measured), *times, said, row.outcome)
    out.print(table)
    for row in built.rows:
        if row.beside:
            took = f" ({row.beside.careful_s} careful)" if row.beside.careful_s else ""
            say_line(f"{row.pair.name}, against a careful loop: {row.beside.told}{took}")
    for line in built.advice:
        say_line(f"What on the machine may be wrong: {line}")
    say_line(
        f"A/A: {built.null_words}. Controls rejected: {built.separation.n_killed} of {len(built.separation.wrong)}."
    )
    if built.rejections:
        say_line(f"Valid rewrites rejected: {built.all_rejections.words}.")


def show_sweeps(swept: Sequence[Sweep]) -> None:
    """Each series' points, and where the batched twin loses."""
    for sweep in swept:
        table = Table(sweep.series.unit, "sequential", "batched", "speed-up, 95% interval", "outcome")
        for point in sweep.points:
            told = [Text(f"withheld ({point.reason})")] if point.comparison is None else [Text(WORDS[point.outcome])]
            figures = ["", "", ""]
            if point.comparison:
                times = [seconds(s) for s in (point.comparison.baseline_s, point.comparison.contender_s)]
                figures = [*times, speedup(point.comparison)]
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
        "careful": _beside_as_json(row),
    }


def _beside_as_json(row: Row) -> dict[str, Any] | None:
    if not row.beside:
        return None
    told = row.beside.comparison if row.beside.careful_s else None
    arms = {"baseline": row.beside.baseline, "contender": row.beside.contender}
    found = {"verdict": row.beside.verdict.value, "reason": row.beside.reason}
    return {**arms, **found, **_speedup_as_json(told)}


def _speedup_as_json(told: Comparison | None) -> dict[str, Any]:
    return {
        "speedup": told.speedup if told else None,
        "interval": told.interval if told else None,
        "baseline_s": told.baseline_s if told else None,
        "contender_s": told.contender_s if told else None,
    }


def show_waterfall(fall: Waterfall) -> None:
    """A ladder's rungs: what each adds, what that bought, and the work that is left."""
    out.print(Text(f"{fall.ladder.finding.number}. {fall.ladder.finding.title} ({fall.ladder.pair.name})"))
    table = Table("rung", "adds", "its own factor", "in all", "per call", "verdict")
    work = Table("rung", *(name.replace("_", " ") for name in fall.counters))
    for step in fall.steps:
        in_all = f"{figure(step.in_all)}x" if step.in_all else ""
        said = step.verdict.value if step.verdict else ""
        table.add_row(step.rung.name, step.rung.adds, Text(step.factor), in_all, step.seconds, said)
        if step.counts:
            work.add_row(step.rung.name, *(f"{step.counts[name]:,}" for name in fall.counters))
    out.print(table)
    out.print(work)
    for step in fall.steps:
        if step.reason:
            say_line(f"{step.rung.name}: {step.verdict} ({step.reason})")
    null = f"{figure(fall.null.speedup)}x, {'differs: void' if fall.null_differs else 'alike'}" if fall.null else "none"
    say_line(f"A/A: {null}")


def waterfall_as_json(fall: Waterfall) -> dict[str, Any]:
    """A ladder's figures as plain data."""
    return {
        "finding": fall.ladder.finding.name,
        "function": fall.ladder.pair.name,
        "sitting": fall.sitting.sitting,
        "null_differs": fall.null_differs,
        "rungs": [
            {
                "rung": step.rung.name,
                "adds": step.rung.adds,
                "verdict": step.verdict.value if step.verdict else None,
                "reason": step.reason,
                "baseline": step.baseline or None,
                **_speedup_as_json(step.comparison),
                "in_all": step.in_all,
                "counts": dict(step.counts) if step.counts else None,
            }
            for step in fall.steps
        ],
    }
