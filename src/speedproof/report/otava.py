"""Histories: one comparison's figures over the sittings of one machine, written for a tool that finds steps in them.

Apache Otava is such a tool; nothing of it is done here. A speed-up may be followed from sitting to sitting, since both
of its arms were timed in each. Seconds move with the machine too: where they step and the speed-up does not, that is
what to suspect.
"""

import csv
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from speedproof.errors import RecordProblem
from speedproof.records.kinds import Measured
from speedproof.records.record import Record

from .sittings import sittings

SETTINGS = "otava.yaml"
GROUP = "all"
"""Otava's name for all histories together."""
ABOUT = ("time", "sitting", "commit")
FIGURES = {"speedup": 1, "baseline_s": -1, "contender_s": -1}
"""What is followed, and whether more of it is better, as Otava wants to be told."""


def histories(records: Sequence[Record], known: Sequence[Record]) -> dict[str, list[Record]]:
    """The measurements among `records` by what they compare, on what and where, oldest first.

    Sittings that their A/A pair voids, if it is `known`, are left out, and what has too few processes for an interval.
    """
    void = {sitting.name for sitting in sittings(known) if sitting.is_void}
    found: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda record: record.written):
        body = record.body
        if isinstance(body, Measured) and not body.null and record.sitting not in void:
            if body.comparison.has_interval:
                found.setdefault(_name(record, body), []).append(record)
    return found


def write_histories(found: Mapping[str, Sequence[Record]], folder: Path) -> Path:
    """A CSV for each history, and the settings that tell Otava of them; their path.

    Raises:
        RecordProblem: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, records in found.items():
            with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow([*ABOUT, *FIGURES])
                writer.writerows(_row(record) for record in records)
        # Any JSON is YAML.
        text = json.dumps(
            {"tests": {name: _settings(folder, name) for name in found}, "test_groups": {GROUP: [*found]}}
        )
        (folder / SETTINGS).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise RecordProblem(
            f"Cannot write {folder}: {error.strerror}. Expected a folder that can be written."
        ) from error
    return folder / SETTINGS


def _name(record: Record, body: Measured) -> str:
    on = body.certificate.workload
    parts = [record.function, *body.arms, on.name, on.subject, on.digest, record.environment.machine]
    return re.sub(r"[^\w.-]+", "-", "-".join(parts))


def _row(record: Record) -> list[object]:
    assert isinstance(record.body, Measured)
    compared = record.body.comparison
    figures = {name: getattr(compared, name) for name in FIGURES}
    return [record.written, record.sitting, record.environment.commit, *figures.values()]


def _settings(folder: Path, name: str) -> dict[str, object]:
    time, *attributes = ABOUT
    return {
        "type": "csv",
        "file": str((folder / f"{name}.csv").resolve()),
        "time_column": time,
        "attributes": attributes,
        "metrics": {figure: {"direction": direction} for figure, direction in FIGURES.items()},
    }
