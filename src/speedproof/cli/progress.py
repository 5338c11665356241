"""Progress on standard error: bars with the time that is left on a terminal, plain lines anywhere else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from .lines import err, warn_line


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
