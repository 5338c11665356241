"""Histories, and the steps that Apache Otava finds in them: one where one was made, none where none was."""

import csv
import json
import random
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from speedproof.environment import current_environment
from speedproof.gate.certificate import Certificate
from speedproof.records.kinds import Measured
from speedproof.records.record import Record
from speedproof.report.otava import SETTINGS, histories, write_histories
from tests.reporting import launches

ROOT = Path(__file__).parents[2]
OTAVA = shutil.which("otava", path=ROOT / ".venv-otava" / "bin") or shutil.which("otava")
N_SITTINGS, STEP_AT = 30, 18
FIRST = datetime.now(UTC) - timedelta(days=N_SITTINGS + 1)
"""Otava looks at the last year unless told otherwise."""


def measured(certificate: Certificate, number: int, speedup: float) -> Record:
    written = (FIRST + timedelta(days=number)).isoformat(timespec="seconds")
    body = Measured(certificate=certificate, launches=launches(speedup))
    return Record(written=written, sitting=f"s{number:02d}", environment=current_environment(), body=body)


def sittings(certificate: Certificate, after: float) -> list[Record]:
    """As many sittings with a speed-up about 18, and `after` times as much from one of them on."""
    rng = random.Random(1)
    factors = [after if n >= STEP_AT else 1.0 for n in range(N_SITTINGS)]
    return [measured(certificate, n, 18 * rng.gauss(1, 0.02) * factor) for n, factor in enumerate(factors)]


def null(certificate: Certificate, number: int, speedup: float) -> Record:
    record = measured(certificate, number, speedup)
    assert isinstance(record.body, Measured)
    return record.model_copy(update={"body": record.body.model_copy(update={"baseline": certificate})})


def test_a_history_is_one_comparison_in_the_order_of_time(certificate: Certificate, tmp_path: Path) -> None:
    records = sittings(certificate, 1.0)[:4]
    elsewhere = current_environment().model_copy(update={"n_cores": 64})
    other = measured(certificate, 9, 2.0).model_copy(update={"environment": elsewhere})
    found = histories([*reversed(records), other], [])
    assert sorted(len(one) for one in found.values()) == [1, 4]
    settings = json.loads(write_histories(found, tmp_path).read_text())
    first = settings["test_groups"]["all"][0]
    with Path(settings["tests"][first]["file"]).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["sitting"] for row in rows] == ["s00", "s01", "s02", "s03"]
    assert float(rows[0]["speedup"]) == pytest.approx(
        float(rows[0]["baseline_s"]) / float(rows[0]["contender_s"]), rel=0.02
    )


def test_a_voided_sitting_and_one_of_too_few_processes_have_no_place_in_it(certificate: Certificate) -> None:
    records = sittings(certificate, 1.0)[:3]
    assert isinstance(records[2].body, Measured)
    few = records[2].body.model_copy(update={"launches": records[2].body.launches[:3]})
    pairs = [null(certificate, 0, 1.0), null(certificate, 1, 1.5)]
    (found,) = histories([records[0], records[1], records[2].model_copy(update={"body": few})], pairs).values()
    assert [record.sitting for record in found] == ["s00"]


def steps(folder: Path, records: Sequence[Record]) -> list[dict[str, str]]:
    """What Otava tells: the sittings from which on something is different."""
    assert OTAVA
    (name,) = found = histories(records, [])
    path = write_histories(found, folder)
    command = [OTAVA, "analyze", name, "--config-file", str(path), "--output", "json"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    told: list[dict[str, str]] = json.loads(answer.stdout)[name]
    return told


@pytest.mark.skipif(OTAVA is None, reason="Apache Otava is not installed; 'make otava' does that")
@pytest.mark.parametrize("after", [1.2, 1 / 1.2, 1.0])
def test_otava_finds_the_step_and_none_where_there_is_none(
    certificate: Certificate, tmp_path: Path, after: float
) -> None:
    found = [step["attributes"] for step in steps(tmp_path, sittings(certificate, after))]
    assert [about["sitting"] for about in found] == ([] if after == 1.0 else [f"s{STEP_AT}"])  # type: ignore[index]
    assert (tmp_path / SETTINGS).exists()
