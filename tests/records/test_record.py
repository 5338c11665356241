"""Records: whole or reported, never lost, never guessed at."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from speedproof.cli import main
from speedproof.cli.project import Project
from speedproof.environment import current_environment
from speedproof.errors import RecordProblem
from speedproof.records.base import Unknown
from speedproof.records.kinds import Judged
from speedproof.records.record import Recorder, read, schema
from speedproof_studies.kinds import KINDS, Planted
from speedproof_studies.project import PROJECT

ROOT = Path(__file__).parents[2]


def judged(control: str = "one") -> Judged:
    return Judged(finding="text_batching", control=control, wrong=True, as_expected=True, answer="WITHHELD <b>ü</b>")


def recorder(results: Path) -> Recorder:
    return Recorder(results, current_environment(), "a sitting")


def file_of(results: Path) -> Path:
    (path,) = (results / "records").glob("*.jsonl")
    return path


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    written = [recorder(tmp_path).write(judged(name)) for name in ("one", "two", "one")]
    ledger = read(tmp_path)
    assert list(ledger.records) == written and not ledger.problems


def test_the_newest_record_is_the_last_whatever_its_file_is_called(tmp_path: Path) -> None:
    made = recorder(tmp_path).write(judged())
    times = {"b": ["2026-01-01T00:00:00+00:00", "2026-01-04T00:00:00+00:00"], "a": ["2026-01-02T02:00:00+02:00"]}
    times["c"] = ["2026-01-03T00:00:00+00:00", "2026-01-02T12:00:00+00:00"]
    file_of(tmp_path).unlink()
    for name, moments in times.items():
        records = (made.model_copy(update={"written": moment}) for moment in moments)
        (tmp_path / "records" / f"{name}.jsonl").write_text("".join(f"{r.model_dump_json()}\n" for r in records))
    told = [record.written[:13] for record in read(tmp_path).records]
    # The clock of c's machine was set back between its two.
    assert told == ["2026-01-01T00", "2026-01-02T02", "2026-01-03T00", "2026-01-02T12", "2026-01-04T00"]


def test_a_kill_at_any_byte_loses_nothing_earlier_and_nothing_later(tmp_path: Path) -> None:
    first = recorder(tmp_path).write(judged("first"))
    path = file_of(tmp_path)
    whole = path.read_bytes()
    for cut in range(1, len(whole)):
        path.write_bytes(whole + whole[:cut])
        torn = read(tmp_path)
        # All bytes but the newline make a whole record.
        n_whole = 2 if cut == len(whole) - 1 else 1
        assert len(torn.records) == n_whole and len(torn.problems) == 2 - n_whole
        later = recorder(tmp_path).write(judged("later"))
        after = read(tmp_path)
        assert (after.records[0], after.records[-1]) == (first, later)
        assert len(after.problems) == 2 - n_whole


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    recorder(tmp_path).write(judged())
    with file_of(tmp_path).open("ab") as file:
        file.write(b'{"format": 2, "written": "no"}\n\xff\xfe\n')
    (missing, binary) = read(tmp_path).problems
    assert ":2 skipped: sitting" in missing and ":3 skipped: " in binary


def test_an_unknown_format_is_refused_with_the_way_out(tmp_path: Path) -> None:
    recorder(tmp_path).write(judged())
    whole = file_of(tmp_path).read_bytes()
    for unknown in (1, 99):
        file_of(tmp_path).write_bytes(whole + b'{"format": %d}\n' % unknown)
        with pytest.raises(RecordProblem, match=rf"format {unknown}. Expected 2.*another version"):
            read(tmp_path)


PLANTED = Planted(
    plant="none", found=False, answers="same", work=(), time="alike", launches=4, slowdown=1.0, budget_s=9.0
)


def test_a_record_of_a_kind_that_the_reader_does_not_know_is_kept_counted_and_named(tmp_path: Path) -> None:
    known, foreign = (recorder(tmp_path).write(body) for body in (judged(), PLANTED))
    ledger = read(tmp_path)
    assert ledger.records[0] == known and not ledger.problems and ledger.unknown == {"planted": 1}
    kept = ledger.records[1].body
    assert isinstance(kept, Unknown) and kept.said == PLANTED.model_dump(mode="json", exclude={"kind"})
    assert ledger.filter(kind="planted").records == ledger.records[1:] and ledger.records[1].workload is None
    assert ledger.records[1].written == foreign.written
    # Whoever is told of the kind reads it.
    whole = read(tmp_path, KINDS)
    assert list(whole.records) == [known, foreign] and not whole.unknown


@pytest.mark.parametrize("changed", [{"sitting": 3}, {"written": "yesterday"}, {"more": 1}, {"environment": {}}])
def test_a_record_of_an_unknown_kind_is_whole_in_all_else_or_named_and_skipped(
    tmp_path: Path, changed: dict[str, Any]
) -> None:
    recorder(tmp_path).write(PLANTED)
    line = json.loads(file_of(tmp_path).read_bytes())
    file_of(tmp_path).write_text(json.dumps(line | changed) + "\n")
    ledger = read(tmp_path)
    assert not ledger.records and not ledger.unknown and ":1 skipped: " in ledger.problems[0]


@pytest.mark.parametrize("body", [{}, {"kind": 3}, {"kind": None}, [], "planted", None])
def test_a_body_without_a_kind_is_no_record(tmp_path: Path, body: Any) -> None:
    recorder(tmp_path).write(judged())
    line = json.loads(file_of(tmp_path).read_bytes()) | {"body": body}
    file_of(tmp_path).write_text(json.dumps(line) + "\n")
    assert not read(tmp_path).records and ":1 skipped: body" in read(tmp_path).problems[0]


def test_the_verbs_name_kinds_that_nothing_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for body in (judged(), PLANTED, PLANTED):
        recorder(tmp_path).write(body)
    monkeypatch.setattr(sys, "argv", ["bench", "records", "--results", str(tmp_path), "--format", "csv"])
    told = []
    for handed_in in (Project(), PROJECT):
        with pytest.raises(SystemExit) as ended:
            main(handed_in)
        assert ended.value.code == 0
        said = capsys.readouterr()
        assert said.out.count("planted") == 2
        told.append("of kinds that nothing here reads: 2 'planted'." in said.err)
    assert told == [True, False]


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder(tmp_path).write(judged())
    before = file_of(tmp_path).read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RecordProblem, match=r"No space left on device.*Nothing recorded earlier is lost"):
        recorder(tmp_path).write(judged("two"))
    assert file_of(tmp_path).read_bytes() == before


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file, not a folder")
    with pytest.raises(RecordProblem, match="Cannot write"):
        recorder(tmp_path / "results").require_usable()


def test_every_kind_is_explained_beside_the_records() -> None:
    told = (ROOT / "results/README.md").read_text(encoding="utf-8")
    assert [kind for one in KINDS if f"`{(kind := one.model_fields['kind'].default)}`" not in told] == []


def test_the_published_schema_is_that_of_the_records() -> None:
    assert (ROOT / "results/record.schema.json").read_text() == schema(KINDS)


def test_records_name_no_host_no_user_and_no_path(tmp_path: Path) -> None:
    line = recorder(tmp_path).write(judged()).model_dump_json()
    assert os.uname().nodename not in line
    assert str(ROOT) not in line and str(Path.home()) + "/" not in line
