"""Dashboards: what the records say, as TensorBoard's own scalars, hyperparameters and texts.

TensorBoard is a view. Nothing is read back from it, and it is written anew each time.
"""

import math
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from speedproof.errors import RecordProblem
from speedproof.pairs.finding import TWINS
from speedproof.pairs.workload import Workload
from speedproof.records.kinds import Measured
from speedproof.records.record import Record
from speedproof.timing.comparison import Comparison

from .page.rendering import fill
from .report import Report
from .sittings import RecordedSitting
from .sweep import Sweep

FOLDER = "figures"
"""Beside the traces, so that one TensorBoard shows both. Made anew each time: put nothing of your own there."""
LINES = ("speedup", "low", "high")
"""Runs of the scalars: the speed-up and the ends of its interval, three lines in one chart."""
MOST_SESSIONS = 32
"""Measurements told as hyperparameters, each a run of its own: of more than 40 runs in all, TensorBoard shows none
until one chooses."""


def write_dashboards(report: Report, traces: Path) -> Path:
    """Writes event files of what a report knows below `traces`. Returns their folder.

    Scalars: each function's speed-ups and intervals, a step for every sitting that measured it; of sweeps, over the
    sizes. Hyperparameters: the newest measurement of the twins on each workload and subject. Sittings whose A/A pair
    differs are left out. Texts: a card for each finding of `report`.

    Raises:
        RecordProblem: the folder cannot be written.
    """
    folder = traces / FOLDER
    pairs = report.asked.pairs
    listed = {(finding.name, pair.name, workload.name) for finding, pair in pairs for workload in pair.workloads}
    sound = [record for sitting in report.sittings if not sitting.is_void for record in _measured(sitting)]
    # A workload that no card lists, such as a sweep's, has no history to be shown.
    of_cards = [r for r in sound if r.workload and (r.finding, r.function, r.workload.name) in listed]
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        _write_scalars(of_cards, report.sweeps, folder)
        _write_hyperparameters(of_cards, folder / "sessions")
        _write_texts(report, folder / "cards")
    except OSError as error:
        raise RecordProblem(
            f"Cannot write {folder}: {error.strerror}. Expected a writable folder with free space. The records are "
            "untouched. Free space, or choose another folder with --results."
        ) from error
    return folder


def _write_scalars(sound: Sequence[Record], sweeps: Sequence[Sweep], folder: Path) -> None:
    writers = {line: _writer(folder / line) for line in LINES}
    for tag, step, compared, written in (*_over_sittings(sound), *_over_sizes(sweeps)):
        for line, value in _figures(compared).items():
            writers[line].add_scalar(tag, value, step, datetime.fromisoformat(written).timestamp())
    for writer in writers.values():
        writer.close()


def _over_sittings(sound: Sequence[Record]) -> Iterator[tuple[str, int, Comparison, str]]:
    """Tag, number of the sitting among those that measured it, figures, moment."""
    steps: dict[str, int] = defaultdict(int)
    for record in sorted(sound, key=lambda record: record.written):
        body: Any = record.body
        arms = "" if body.arms == TWINS else f", {' to '.join(body.arms)}"
        workload = body.certificate.workload
        tag = f"{record.finding}/{record.function}{arms}, {workload.name} on {workload.subject}"
        steps[tag] += 1
        yield tag, steps[tag], body.comparison, record.written


def _over_sizes(sweeps: Sequence[Sweep]) -> Iterator[tuple[str, int, Comparison, str]]:
    """Tag, size, figures, moment."""
    for sweep in sweeps:
        tag = f"sizes/{sweep.series.function} by {sweep.series.unit}, {sweep.series.title}"
        for point in sweep.timed:
            if point.comparison and point.figure.record and not sweep.void:
                yield tag, point.size, point.comparison, point.figure.record.written


def _write_hyperparameters(sound: Sequence[Record], folder: Path) -> None:
    newest = {record.about.key: record for record in sound if record.about.arms == TWINS}
    with _writer(folder) as writer:
        for record in sorted(newest.values(), key=lambda record: record.written)[-MOST_SESSIONS:]:
            body: Any = record.body
            workload = body.certificate.workload
            figures = {f"hparam/{line}": value for line, value in _figures(body.comparison).items()}
            name = f"{record.function}, {workload.name} on {Path(workload.subject).name.replace(':', '-')}"
            writer.add_hparams(_hyperparameters(record, workload), figures, run_name=name)


def _write_texts(report: Report, folder: Path) -> None:
    with _writer(folder) as writer:
        for card in report.cards:
            writer.add_text(card.finding.name, fill("card.md", rows=card.rows, operators=card.operators))
        writer.add_text("noise", f"A/A pair, a twin against itself: {report.null_words}")


def _measured(sitting: RecordedSitting) -> Iterator[Record]:
    return (r for r in sitting.records if isinstance(r.body, Measured) and not r.body.null)


def _writer(folder: Path) -> Any:
    # TensorBoard's writer is torch's, which no other view needs.
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder))


def _figures(compared: Comparison) -> dict[str, float]:
    """The speed-up and its interval's ends, as far as there are."""
    values = dict(zip(LINES, (compared.speedup, *compared.interval), strict=True))
    return values if math.isfinite(values["high"]) else {"speedup": compared.speedup}


def _hyperparameters(record: Record, workload: Workload) -> dict[str, str | int]:
    return {
        "finding": record.finding,
        "function": record.function,
        "workload": workload.name,
        "subject": workload.subject,
        "threads": workload.n_threads,
        "items": workload.n_items,
    }
