"""A measuring job's file is data: it is of its form, or refused in a line that holds nothing of it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from speedproof.comment.told import MOST_BYTES, MOST_ROWS, Null, Told, add_told, cut, in_order, read_told
from speedproof.errors import BadInput

from .made import MORE, SLOWER, UNDECIDED, row, told

GOOD: dict[str, Any] = json.loads(told(row(time=SLOWER, work=(MORE,))).model_dump_json())


def changed(**more: Any) -> dict[str, Any]:
    return {**GOOD, **more}


def of_row(**more: Any) -> dict[str, Any]:
    return changed(rows=[{**GOOD["rows"][0], **more}])


HOSTILE: dict[str, Any] = {
    "no-json": b"<script>alert(1)</script>",
    "empty": b"",
    "not-utf-8": b'{"format": 1, "asked": "\xff\xfe"}',
    "a-list": [],
    "deep": b"[" * 100_000,
    "deep-inside": b'{"format":1,"asked":' + b'{"a":' * 50_000,
    "another-format": changed(format=2),
    "a-format-that-equals-one": changed(format=True),
    "format-as-text": changed(format="1"),
    "no-format-of-ours": {**GOOD, "asked": "everything"},
    "unknown-field": changed(verdict="no action needed"),
    "pull-request-number": changed(number=1),
    "unknown-field-of-a-row": of_row(html="<b>"),
    "rows-as-text": changed(rows="none"),
    "hundred-thousand-rows": changed(rows=[{"name": "f", "answers": "same"}] * 100_000),
    "some-more-rows": changed(rows=[{"name": "f", "answers": "same"}] * (MOST_ROWS + 1)),
    "long-name": of_row(name="f" * 121),
    "long-reason": of_row(why="f" * 401),
    "name-as-a-number": of_row(name=1),
    "unknown-answer": of_row(answers="fine"),
    "many-words": of_row(again=["a"] * 13),
    "huge-count": of_row(work=[{**GOOD["rows"][0]["work"][0], "after": 10**30}]),
    "negative-count": of_row(work=[{**GOOD["rows"][0]["work"][0], "after": -1}]),
    "count-as-a-float": of_row(work=[{**GOOD["rows"][0]["work"][0], "after": 1.5}]),
    "a-yes-as-text": of_row(work=[{**GOOD["rows"][0]["work"][0], "stops": "no"}]),
    "no-number": json.dumps(of_row(time={**GOOD["rows"][0]["time"], "factor": float("nan")})).encode(),
    "endless": json.dumps(of_row(time={**GOOD["rows"][0]["time"], "high": float("inf")})).encode(),
    "outside-its-interval": of_row(time={**GOOD["rows"][0]["time"], "low": 2.5}),
    "a-word-for-time": of_row(time={**GOOD["rows"][0]["time"], "says": "alike, surely"}),
    "lone-surrogate": json.dumps(of_row(name="\ud800")).encode(),
    "fifty-megabytes": b" " * 50_000_000,
    "digits": b'{"format": ' + b"1" * 200_000 + b"}",
    "key-that-speaks": changed(**{"@everyone <img src=x>\x1b[31m": 1}),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_what_is_not_of_the_form_is_refused_in_a_line_that_holds_nothing_of_it(content: Any, tmp_path: Path) -> None:
    path = tmp_path / "told.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(BadInput) as refused:
        read_told(path)
    said = str(refused.value).replace(str(path), "")
    assert "Expected what 'check'" in said and len(said) < 300 and said.isprintable()
    for stranger in ("@everyone", "<", "script", "ffff", "\x1b"):
        assert stranger not in said


def test_what_is_of_the_form_is_read() -> None:
    assert Told.model_validate_json(json.dumps(GOOD)).rows[0].time == SLOWER
    assert Told.model_validate_json(json.dumps(changed(rows=[{"name": "f", "answers": "same"}] * MOST_ROWS)))


def test_a_link_a_folder_and_a_pipe_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(json.dumps(GOOD))
    link, pipe = tmp_path / "link.json", tmp_path / "pipe.json"
    link.symlink_to(secret)
    os.mkfifo(pipe)
    assert read_told(secret)
    for path in (link, pipe, tmp_path, tmp_path / "none.json"):
        with pytest.raises(BadInput, match=r"Expected what 'check'"):
            read_told(path)


def test_what_a_run_writes_is_always_within_what_is_read(tmp_path: Path) -> None:
    """However much there is to tell: the worst rows stay, and the rest is counted."""
    path = tmp_path / "told.json"
    many = [row(f"f{n}", why="ü" * 400, work=(MORE,) * 40, time=UNDECIDED) for n in range(MOST_ROWS + 50)]
    rows, n_left_out = in_order([*many, row("wrong", answers="different")])
    add_told(path, told(*rows, n_left_out=n_left_out))
    add_told(path, told(row("slower", time=SLOWER)))
    read = read_told(path)
    assert path.stat().st_size <= MOST_BYTES
    assert read.rows[0].name == "wrong"
    assert len(read.rows) + read.n_left_out == MOST_ROWS + 52


def test_texts_are_cut_to_one_line() -> None:
    assert cut("a\n b\t\ud800c") == "a b ?c"
    assert len(cut("x" * 1000)) == 400 and cut("x" * 1000).endswith("...")


def test_several_commands_add_up_and_the_worst_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "told.json"
    calm = Null(factor=1.0, low=0.9, high=1.1, differs=False)
    add_told(path, told(row("first"), null=calm))
    add_told(path, told(row("second", answers="different"), null=Null(factor=1.2, low=1.1, high=1.3, differs=True)))
    add_told(path, told(failure="no such file", rows=()))
    read = read_told(path)
    assert [one.name for one in read.rows] == ["second", "first"]
    assert read.failure == "no such file" and read.null and read.null.differs


@pytest.mark.parametrize(
    ("one", "stops"),
    [
        (row(), False),
        (row(time=SLOWER), False),
        (row(answers="rounding"), False),
        (row(answers="different"), True),
        (row(answers="not judged"), True),
        (row(work=(MORE,)), True),
        (row(work=(MORE.model_copy(update={"stops": False}),)), False),
    ],
)
def test_answers_and_work_stop_the_line_and_time_does_not(one: Any, stops: bool) -> None:
    assert told(one).stops is stops
