"""Tables of records: every record a row, every sample a row, in every form the same."""

import io
import json
import math
import sys
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from speedproof import cli
from speedproof.errors import BadInput, RecordProblem
from speedproof.records.kinds import Measured
from speedproof.records.record import Ledger, read
from speedproof.records.table import record_rows, rendered, sample_rows, write_table
from speedproof.timing.method import PLAIN
from speedproof_studies.kinds import KINDS
from speedproof_studies.project import PROJECT


@pytest.fixture(scope="module")
def ledger(published: Path) -> Ledger:
    """The reference records."""
    return read(published / "results", KINDS)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["bench", "records", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main(PROJECT)
    return int(ended.value.code or 0)


def test_every_record_is_a_row_with_what_its_samples_come_to(ledger: Ledger) -> None:
    frame = record_rows(ledger.records)
    assert len(frame) == len(ledger.records)
    measured = frame[frame["kind"] == "measured"]
    assert len(measured) and (measured["interval_low"] < measured["speedup"]).all()
    assert (measured["speedup"] < measured["interval_high"]).all()
    assert frame[frame["kind"] == "judged"]["speedup"].isna().all()


def test_every_sample_is_a_row_and_gives_the_speedup_back(ledger: Ledger) -> None:
    # There may be more: later sittings, and sweeps over other sizes.
    taken = ledger.filter(kind="measured", finding="sae_cache", workload="report").records
    # By the method of which every pair counts, and every process alike.
    record = [r for r in taken if isinstance(r.body, Measured) and r.body.method == PLAIN.name][-1]
    assert isinstance(record.body, Measured)
    frame = sample_rows([record])
    assert len(frame) == 2 * sum(len(launch.baseline_first) for launch in record.body.launches)
    assert frame.groupby(["launch", "pair"])["taken_first"].sum().eq(1).all()
    log = frame.assign(log=frame["seconds"].astype(float).map(math.log)).pivot(
        index=["launch", "pair"], columns="arm", values="log"
    )
    speedup = math.exp((log["sequential"] - log["batched"]).groupby("launch").median().mean())
    assert speedup == pytest.approx(record_rows([record])["speedup"][0])


def test_the_forms_hold_the_same_table(ledger: Ledger, tmp_path: Path) -> None:
    frame = sample_rows(ledger.filter(finding="feature_links").records)
    for form in ("csv", "json", "parquet"):
        write_table(frame, form, tmp_path / form)
    seconds = frame["seconds"].astype(float).tolist()
    assert pd.read_csv(tmp_path / "csv")["seconds"].tolist() == pytest.approx(seconds, rel=1e-12)
    assert pd.read_parquet(tmp_path / "parquet")["seconds"].astype(float).tolist() == seconds
    read_back = [row["seconds"] for row in json.loads((tmp_path / "json").read_text())]
    assert read_back == pytest.approx(seconds, rel=1e-12)
    assert rendered(frame, "csv") == (tmp_path / "csv").read_text()


def test_a_table_for_reading_has_each_kind_by_itself_with_the_columns_that_it_fills(ledger: Ledger) -> None:
    of = {kind: [record for record in ledger.records if record.kind == kind] for kind in ("sat", "rated")}
    alone = [rendered(record_rows(records), "table") for records in of.values()]
    assert rendered(record_rows([*of["sat"], *of["rated"]]), "table") == "\n".join(alone)


def test_filters_keep_what_is_all_of_what_is_asked(ledger: Ledger) -> None:
    kept = ledger.filter(kind="certified", finding="grad_mode", workload="hostile", subject="tiny").records
    assert kept and {(r.kind, r.finding, r.workload.name) for r in kept if r.workload} == {
        ("certified", "grad_mode", "hostile")
    }
    first = ledger.records[0]
    assert ledger.filter(sitting=first.sitting).records and ledger.filter().records == ledger.records
    assert ledger.filter(since=datetime.fromisoformat(first.written)).records == ledger.records
    assert not ledger.filter(since=datetime(2999, 1, 1, tzinfo=UTC)).records


@pytest.mark.parametrize("what", ["kind", "finding", "workload", "subject", "sitting"])
def test_a_filter_that_nothing_fits_is_an_error_that_lists_what_there_is(what: str, ledger: Ledger) -> None:
    with pytest.raises(BadInput, match=rf"Unknown {what} among the \d+ records 'nonsense'. Expected one of: \w"):
        ledger.filter(**{what: "nonsense"})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--kind", "nonsense"], "Unknown kind among the"),
        (["--finding", "nonsense"], "Unknown finding 'nonsense'"),
        (["--since", "yesterday"], "'yesterday' is no date. Expected one such as"),
        (["--format", "xml"], "Unknown format 'xml'. Expected one of: table, csv, parquet, json"),
        (["--format", "parquet"], "add --output FILE.parquet"),
        (["--output", "/dev/null/x"], "Cannot write /dev/null/x"),
        (["--format", "parquet", "--output", "/dev/null/x"], "Cannot write /dev/null/x"),
    ],
)
def test_a_bad_filter_or_form_is_one_clear_error(
    arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *arguments) == 2
    said = capsys.readouterr()
    assert words in said.err and "Traceback" not in said.err and not said.out


def test_the_verb_writes_csv_that_pandas_reads(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--kind", "measured", "--format", "csv") == 0
    frame = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert set(frame["kind"]) == {"measured"} and frame["speedup"].gt(0).all()


def test_an_empty_table_and_an_unwritable_one_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--results", str(tmp_path)) == 0
    assert capsys.readouterr().out == "no records\n"
    with pytest.raises(RecordProblem, match="Cannot write"):
        write_table(pd.DataFrame(), "csv", tmp_path / "no folder" / "file")
