"""Damaged records of any kind are named and skipped, by every verb that reads records; all others still count."""

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from speedproof.cli.options import open_run
from speedproof.environment import current_environment
from speedproof.errors import RecordProblem
from speedproof.records.kinds import Begun, Judged
from speedproof.records.record import Recorder, read
from speedproof.sittings.resumption import this_process
from speedproof_studies.kinds import KINDS
from tests.cli.test_cli import run

Change = Callable[[dict[str, Any]], Any]


@pytest.fixture(scope="module")
def known(published: Path) -> dict[str, dict[str, Any]]:
    """A reference record of each kind, the newest."""
    paths = sorted((published / "results/records").glob("*.jsonl"))
    records = [json.loads(line) for path in paths for line in path.read_text().splitlines()]
    return {record["body"]["kind"]: record for record in sorted(records, key=lambda record: str(record["written"]))}


@pytest.fixture
def results(tmp_path: Path, known: dict[str, dict[str, Any]]) -> Path:
    """A results folder with one good record of each kind."""
    (tmp_path / "records").mkdir()
    (tmp_path / "records/good.jsonl").write_text("".join(json.dumps(record) + "\n" for record in known.values()))
    return tmp_path


def written(moment: Any) -> Change:
    return lambda record: record.update(written=moment)


def sampled(value: Any) -> Change:
    return lambda record: record["body"]["launches"][0]["baseline_s"].__setitem__(0, value)


LINES: dict[str, bytes] = {
    "nested": b'{"format": 2, "body": ' + b"[" * 100_000,
    "nested and whole": b'{"format": 2, "body": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "nested objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "cut": b'{"format": 2, "writ',
    "a list": b"[1, 2]",
    "a number": b"2",
    "a text": b'"record"',
    "null": b"null",
    "true": b"true",
    "NUL bytes": b"\0" * 300,
    "not UTF-8": b"\xff\xfe\x00",
    "a long number": b'{"format": ' + b"9" * 5_000 + b"}",
    "a word for a format": b'{"format": "two"}',
    "a list for a format": b'{"format": [2]}',
    "true for a format": b'{"format": true}',
    "NaN for a format": b'{"format": NaN}',
    "twice in one line": b"{}{}",
    "an escape for half a character": b'{"format": 2, "sitting": "\\ud800"}',
}
"""Lines that are no records."""

CHANGED: dict[str, tuple[str, Change]] = {
    "no time": ("judged", written("yesterday")),
    "a day": ("judged", written("2026-11-23")),
    "no zone": ("judged", written("2026-11-23T18:00:00")),
    "no text": ("judged", written(3)),
    "no such day": ("judged", written("2026-02-30T00:00:00+00:00")),
    "before all": ("judged", written("0001-01-01T00:00:00+14:00")),
    "after all": ("judged", written("9999-12-31T23:59:59-14:00")),
    "endless": ("measured", sampled(float("inf"))),
    "not a number": ("measured", sampled(float("nan"))),
    "overflow": ("measured", sampled("OVERFLOW")),
    "underflow": ("measured", sampled(5e-324)),
    "negative seconds": ("measured", sampled(-1)),
    "no launches": ("measured", lambda record: record["body"].update(launches=[])),
    "a rate beyond all": ("rated", lambda record: record["body"]["moved"][0]["samples_s"].__setitem__(0, 5e-324)),
    "a slowdown below nothing": ("planted", lambda record: record["body"].update(slowdown=-1.0)),
    "more than can be counted": ("sat", lambda record: record["body"].update(peak_host_bytes=2**70)),
    "half a character": ("judged", lambda record: record["body"].update(answer="\ud800")),
    "a seal of another": ("certified", lambda record: record["body"]["certificate"].update(seal="0" * 16)),
    "another question's baseline": (
        "measured",
        lambda record: record["body"].update(baseline=record["body"]["certificate"] | {"function": "f", "seal": "0"}),
    ),
}
"""A good record of some kind, and one change that makes it none."""


def changed(known: dict[str, dict[str, Any]], name: str) -> bytes:
    kind, change = CHANGED[name]
    record = json.loads(json.dumps(known[kind]))
    change(record)
    return json.dumps(record).replace('"OVERFLOW"', "1e999").encode()


def surrounded(results: Path, line: bytes) -> Path:
    """A file of its own, in which the line stands between two that are whole."""
    whole = (results / "records/good.jsonl").read_bytes().splitlines()[0]
    path = results / "records/some.jsonl"
    path.write_bytes(b"\n".join([whole, line, whole]) + b"\n")
    return path


@pytest.mark.parametrize("name", LINES)
def test_a_line_that_is_no_record_is_named_and_skipped(results: Path, name: str) -> None:
    before = len(read(results, KINDS).records)
    surrounded(results, LINES[name])
    ledger = read(results, KINDS)
    assert len(ledger.records) == before + 2
    (problem,) = ledger.problems
    assert problem.startswith("some.jsonl:2 skipped: ") and "\n" not in problem and len(problem) < 300


@pytest.mark.parametrize("name", CHANGED)
def test_a_record_with_a_value_that_is_none_is_named_and_skipped(
    results: Path, known: dict[str, dict[str, Any]], name: str
) -> None:
    before = len(read(results, KINDS).records)
    surrounded(results, changed(known, name))
    ledger = read(results, KINDS)
    assert len(ledger.records) == before + 2
    (problem,) = ledger.problems
    assert problem.startswith("some.jsonl:2 skipped: ") and "\n" not in problem and len(problem) < 300


def test_unchanged_they_are_all_read(results: Path, known: dict[str, dict[str, Any]]) -> None:
    """The companion: what is refused above is refused for its damage."""
    ledger = read(results, KINDS)
    assert len(ledger.records) == len(known) and not ledger.problems
    assert {kind for kind, _ in CHANGED.values()} <= set(known)


def as_utf16(content: bytes) -> bytes:
    return content.decode().encode("utf-16")


@pytest.mark.parametrize(("made", "words"), [(gzip.compress, "gzip"), (as_utf16, "UTF-16")])
def test_a_file_of_another_kind_is_named_once_and_loses_nothing_appended_to_it(
    results: Path, made: Callable[[bytes], bytes], words: str
) -> None:
    path = results / "records/some.jsonl"
    path.write_bytes(made((results / "records/good.jsonl").read_bytes()))
    before = read(results, KINDS)
    (problem,) = before.problems
    assert problem.startswith("some.jsonl skipped: ") and words in problem
    whole = (results / "records/good.jsonl").read_bytes().splitlines()[0]
    path.write_bytes(path.read_bytes() + b"\n" + whole + b"\n")
    after = read(results, KINDS)
    assert len(after.records) == len(before.records) + 1 and len(after.problems) == 1


def folder(path: Path) -> None:
    path.mkdir()


def dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def circular(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize("made", [folder, dangling, circular, os.mkfifo])
def test_what_is_no_file_is_named_and_skipped(results: Path, made: Callable[[Path], None]) -> None:
    before = read(results, KINDS)
    made(results / "records/odd.jsonl")
    after = read(results, KINDS)
    assert after.records == before.records
    (problem,) = after.problems
    assert problem.startswith("odd.jsonl skipped: ") and "move it away" in problem


def test_a_byte_order_mark_and_windows_line_ends_are_no_matter(results: Path) -> None:
    path = results / "records/good.jsonl"
    before = read(results, KINDS)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert read(results, KINDS) == before


@pytest.fixture
def damaged(results: Path, known: dict[str, dict[str, Any]]) -> Path:
    """The same folder with every damage in it."""
    lines = [*LINES.values(), *(changed(known, name) for name in CHANGED)]
    (results / "records/some.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    (results / "records/folder.jsonl").mkdir()
    (results / "records/link.jsonl").symlink_to("nowhere")
    (results / "records/packed.jsonl").write_bytes(gzip.compress(b"{}\n" * 100))
    return results


VERBS = (
    ("records",),
    ("records", "--since", "2026-01-01"),
    ("records", "--samples", "--format", "csv"),
    ("report",),
    ("dashboards",),
    ("power", "--show"),
    ("planted", "--show"),
    ("doctor",),
)
"""What reads records and makes none."""


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_a_verb_names_all_that_is_damaged_and_says_the_rest(
    verb: tuple[str, ...], damaged: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run(monkeypatch, *verb, "--results", str(damaged))
    # A doctor may call the machine unfit.
    assert status == 0 or verb == ("doctor",)
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Record ")]
    assert len(told) == len(LINES) + len(CHANGED) + 3
    assert all(" skipped: " in line for line in told)


def test_a_run_goes_on_beside_what_is_damaged(damaged: Path, known: dict[str, dict[str, Any]]) -> None:
    """The record that says when a sitting was interrupted used to end the next run in a traceback."""
    recorder = Recorder(damaged, current_environment(), "a sitting")
    recorder.write(Begun(scope="s", seed=7, **(this_process() | {"process_began_s": 0.0})))
    last = recorder.write(Judged(finding="f", control="c", wrong=True, as_expected=True, answer=""))
    path = next((damaged / "records").glob(f"{current_environment().machine}.jsonl"))
    with path.open("ab") as file:
        file.write(last.model_dump_json().replace(last.written, "yesterday").encode() + b"\n")
    sitting, words = open_run(damaged, None, "s", fresh=False)
    assert "Goes on with the interrupted sitting a sitting" in words and sitting.recorder.sitting == "a sitting"


def test_only_a_whole_number_is_a_format_of_another_version(results: Path) -> None:
    surrounded(results, b'{"format": 3}')
    with pytest.raises(RecordProblem, match="has record format 3"):
        read(results, KINDS)
