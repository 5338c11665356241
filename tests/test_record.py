"""Records: whole or reported, never lost, never guessed at."""

import os
from pathlib import Path

import pytest

from bench.bodies import Judged
from bench.environment import current_environment
from bench.errors import RecordProblem
from bench.record import Recorder, read, schema

ROOT = Path(__file__).parent.parent


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
        recorder(tmp_path / "results").require_writable()


def test_the_published_schema_is_that_of_the_records() -> None:
    assert (ROOT / "results/record.schema.json").read_text() == schema()


def test_records_name_no_host_no_user_and_no_path(tmp_path: Path) -> None:
    line = recorder(tmp_path).write(judged()).model_dump_json()
    assert os.uname().nodename not in line
    assert str(ROOT) not in line and str(Path.home()) + "/" not in line
