"""Files that functions write: a candidate must leave the same ones, and nobody's but the check's own are touched."""

import gzip
import os
import random
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies

from speedproof.errors import BadInput, NotEquivalent
from speedproof.own.counter_example import smallest
from speedproof.own.draws import Draw, Source, require_repeatable
from speedproof.own.effects import files
from speedproof.own.pair import OwnPair

from .asked import asked, refused, unsound


def make(size: int, rng: random.Random) -> dict[str, Any]:
    """Rows, and where they go: beside a file that is there and a folder that is empty."""
    folder = Path(tempfile.mkdtemp())
    (folder / "kept.txt").write_text("old\n")
    (folder / "empty").mkdir()
    return {"rows": [rng.randrange(9) for _ in range(size)], "path": folder / "out.csv"}


def line_by_line(rows: list[int], path: Path) -> int:
    with open(path, "w") as file:
        for row in rows:
            file.write(f"{row}\n")
    return len(rows)


def joined(rows: list[int], path: Path) -> int:
    path.write_text("".join(f"{row}\n" for row in rows))
    return len(rows)


def by_replacing(rows: list[int], path: Path) -> int:
    """A part file that takes the place of the whole one at the end."""
    part = path.with_suffix(".part")
    joined(rows, part)
    os.replace(part, path)
    return len(rows)


def by_copying(rows: list[int], path: Path) -> int:
    with tempfile.TemporaryDirectory() as folder:
        joined(rows, Path(folder) / "all")
        shutil.copyfile(Path(folder) / "all", path)
    return len(rows)


def by_descriptor(rows: list[int], path: Path) -> int:
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    with os.fdopen(number, "w") as file:
        file.writelines(f"{row}\n" for row in rows)
    return len(rows)


@pytest.mark.parametrize("candidate", [line_by_line, joined, by_replacing, by_copying, by_descriptor])
def test_a_right_one_passes(candidate: Callable[..., Any]) -> None:
    checked = asked(line_by_line, candidate, make, faults=20)
    assert checked.faults and checked.faults.n_planted and not checked.faults.why_none


def without_the_last_end(rows: list[int], path: Path) -> int:
    path.write_text("\n".join(map(str, rows)))
    return len(rows)


def with_other_ends(rows: list[int], path: Path) -> int:
    path.write_bytes(b"".join(b"%d\r\n" % row for row in rows))
    return len(rows)


def nothing_written(rows: list[int], path: Path) -> int:
    return len(rows)


def none_where_none(rows: list[int], path: Path) -> int:
    """No file where there are no rows."""
    return joined(rows, path) if rows else 0


def put_at_the_end(rows: list[int], path: Path) -> int:
    """Wrong only where the file is there already."""
    with open(path, "a") as file:
        file.writelines(f"{row}\n" for row in rows)
    return len(rows)


def with_a_part_left(rows: list[int], path: Path) -> int:
    path.with_suffix(".part").touch()
    return joined(rows, path)


def with_a_folder_left(rows: list[int], path: Path) -> int:
    path.with_name("more").mkdir(exist_ok=True)
    return joined(rows, path)


def with_one_deleted(rows: list[int], path: Path) -> int:
    path.with_name("kept.txt").unlink(missing_ok=True)
    return joined(rows, path)


def with_one_moved(rows: list[int], path: Path) -> int:
    if path.with_name("kept.txt").exists():
        path.with_name("kept.txt").rename(path.with_name("moved.txt"))
    return joined(rows, path)


def with_one_changed(rows: list[int], path: Path) -> int:
    path.with_name("kept.txt").write_text("new\n")
    return joined(rows, path)


def with_a_folder_deleted(rows: list[int], path: Path) -> int:
    shutil.rmtree(path.with_name("empty"), ignore_errors=True)
    return joined(rows, path)


def with_a_file_for_a_folder(rows: list[int], path: Path) -> int:
    shutil.rmtree(path.with_name("empty"), ignore_errors=True)
    path.with_name("empty").unlink(missing_ok=True) if path.with_name("empty").is_file() else None
    path.with_name("empty").touch()
    return joined(rows, path)


def with_a_link(rows: list[int], path: Path) -> int:
    """The right content, and a link in place of the file."""
    joined(rows, path.with_name("kept.csv"))
    path.unlink(missing_ok=True)
    path.symlink_to(path.with_name("kept.csv"))
    return len(rows)


def for_me_alone(rows: list[int], path: Path) -> int:
    """What `mkstemp` makes nobody else may read."""
    number, part = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(number, "w") as file:
        file.writelines(f"{row}\n" for row in rows)
    os.replace(part, path)
    return len(rows)


def while_it_is_drawn(rows: list[int], path: Path) -> Iterator[int]:
    joined(rows, path)
    path.with_name("late.txt").touch()
    yield from rows


WRONG: dict[Callable[..., Any], str] = {
    without_the_last_end: "where the reference writes",
    with_other_ends: "where the reference writes",
    nothing_written: "does not make or change /out.csv, which the reference does",
    none_where_none: "does not make or change",
    put_at_the_end: "makes or changes",
    with_a_part_left: "out.part, which the reference does not",
    with_a_folder_left: "more, which the reference does not",
    with_one_deleted: "deletes",
    with_one_moved: "deletes",
    with_one_changed: "kept.txt, which the reference does not",
    with_a_folder_deleted: "deletes",
    with_a_file_for_a_folder: "empty, which the reference does not",
    with_a_link: "is a link, where the reference leaves a file",
    for_me_alone: "has the permissions 600, where the reference leaves 644",
}


@pytest.mark.parametrize("candidate", WRONG)
def test_a_wrong_one_is_refused_by_what_it_leaves(candidate: Callable[..., Any]) -> None:
    told = refused(line_by_line, candidate, make)
    assert told.rule == "files" and WRONG[candidate] in re.sub(r"tmp\w+", "", str(told))


def test_a_candidate_that_writes_where_the_reference_writes_nothing_is_refused() -> None:
    assert refused(nothing_written, joined, make).rule == "files"


def test_what_is_written_while_an_answer_is_gone_through_is_told() -> None:
    def at_once(rows: list[int], path: Path) -> Iterator[int]:
        return iter([*while_it_is_drawn(rows, path)])

    assert asked(at_once, at_once, make)
    assert refused(at_once, while_it_is_drawn, make).rule == "files"
    assert "while somebody goes through its answer" in unsound(while_it_is_drawn, at_once, make)


@cache
def a_folder(kind: int) -> Path:
    """One for all inputs of a kind."""
    folder = Path(tempfile.mkdtemp())
    (folder / "kept.txt").write_text(f"made once {kind}")
    return folder


def test_a_folder_that_is_made_once_for_all_inputs_stays() -> None:
    def of_all(size: int, rng: random.Random) -> dict[str, Any]:
        return {"path": a_folder(rng.randrange(3)) / "out.txt", "rows": [rng.randrange(9) for _ in range(size)]}

    def read(rows: list[int], path: Path) -> tuple[str, int]:
        return path.with_name("kept.txt").read_text() * len(rows), line_by_line(rows, path)

    def read_joined(rows: list[int], path: Path) -> tuple[str, int]:
        return "".join(path.with_name("kept.txt").read_text() for _ in rows), joined(rows, path)

    for _ in range(2):
        assert asked(read, read_joined, of_all)
    assert refused(read, line_by_line, of_all)


def changed_in_place(path: Path) -> None:
    path.with_name("kept.txt").write_text(path.with_name("kept.txt").read_text().upper())


def changed_by_bytes(path: Path) -> None:
    with open(path.with_name("kept.txt"), "r+b") as file:
        content = file.read()
        file.seek(0)
        file.write(content.upper())


def changed_twice(path: Path) -> None:
    changed_in_place(path)
    path.with_name("kept.txt").write_text("new" + path.with_name("kept.txt").read_text())


def test_each_call_finds_the_files_that_its_inputs_made() -> None:
    def alone(size: int, rng: random.Random) -> dict[str, Any]:
        made = make(size, rng)
        made["path"].with_name("kept.txt").write_text("".join(rng.choices("abc", k=size)))
        return {"path": made["path"]}

    assert asked(changed_in_place, changed_by_bytes, alone)
    assert refused(changed_in_place, changed_twice, alone).rule == "files"


def zipped(rows: list[int], path: Path) -> None:
    with gzip.GzipFile(path, "wb", mtime=time.monotonic_ns() % 2**32) as file:
        file.write(bytes(rows))


def test_a_reference_that_writes_something_else_each_time_is_not_sound() -> None:
    told = unsound(zipped, zipped, make)
    assert "answers the same inputs" in told and "out.csv" in told


def test_arrays_and_frames_that_are_saved() -> None:
    pd = pytest.importorskip("pandas", reason="what saves a frame")

    def make_frame(size: int, rng: np.random.Generator) -> dict[str, Any]:
        return {"values": rng.normal(size=(size, 2)), "folder": tempfile.mkdtemp()}

    def saved(values: Any, folder: str) -> None:
        np.save(Path(folder, "values.npy"), values)
        Path(folder, "frame.csv").write_text("a,b\n" + "".join(f"{a!r},{b!r}\n" for a, b in values.tolist()))

    def saved_by_library(values: Any, folder: str) -> None:
        np.save(Path(folder, "values.npy"), values)
        pd.DataFrame(values, columns=["a", "b"]).to_csv(Path(folder, "frame.csv"), index=False)

    def saved_short(values: Any, folder: str) -> None:
        np.save(Path(folder, "values.npy"), values)
        pd.DataFrame(values, columns=["a", "b"]).to_csv(Path(folder, "frame.csv"), index=False, float_format="%.6g")

    assert asked(saved, saved_by_library, make_frame)
    assert refused(saved, saved_short, make_frame).rule == "files"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A file of a user's that nobody is to touch."""
    path = tmp_path / "precious.txt"
    path.write_text("precious")
    return path


def test_what_is_written_outside_is_refused_or_cannot_be_judged(elsewhere: Path) -> None:
    def outside(rows: list[int], path: Path) -> int:
        elsewhere.with_name("log.txt").write_text("written")
        return joined(rows, path)

    assert refused(line_by_line, outside, make).rule == "files"
    told = unsound(outside, line_by_line, make)
    assert "log.txt" in told and "tempfile.mkdtemp()" in told
    assert asked(outside, outside, make, allow=["files: a log that nobody reads"])


def test_what_an_argument_names_is_no_place_to_write_in_by_that_alone(elsewhere: Path) -> None:
    """Nobody compares what is written there."""
    inputs = {"rows": [1, 2], "path": elsewhere.with_name("out.csv")}
    assert "out.csv" in unsound(line_by_line, joined, inputs)
    assert refused(nothing_written, joined, inputs).rule == "files"


def test_nothing_is_written_through_a_link_and_none_is_followed(elsewhere: Path) -> None:
    def linked(rows: list[int], path: Path) -> int:
        path.with_name("link").unlink(missing_ok=True)
        path.with_name("link").symlink_to(elsewhere)
        path.with_name("folder").unlink(missing_ok=True)
        path.with_name("folder").symlink_to(elsewhere.parent)
        return joined(rows, path)

    def through_it(rows: list[int], path: Path) -> int:
        linked(rows, path)
        with open(path.with_name("link"), "a"):
            return len(rows)

    assert asked(linked, linked, make)
    assert "precious.txt" in unsound(through_it, linked, make)
    assert refused(linked, through_it, make).rule == "files"
    assert elsewhere.read_text() == "precious" and [*elsewhere.parent.iterdir()] == [elsewhere]


@pytest.mark.parametrize("how", ["moved in", "linked in", "moved out"])
def test_both_names_of_a_move_count(elsewhere: Path, how: str) -> None:
    def moved(rows: list[int], path: Path) -> int:
        n = joined(rows, path)
        if how == "moved in":
            elsewhere.with_name("more").touch()
            os.replace(elsewhere.with_name("more"), path.with_name("more"))
            path.with_name("more").unlink()
        elif how == "moved out":
            path.with_name("more").touch()
            os.replace(path.with_name("more"), elsewhere.with_name("more"))
        else:
            path.with_name("more").touch()
            elsewhere.with_name("more").unlink(missing_ok=True)
            os.link(path.with_name("more"), elsewhere.with_name("more"))
            path.with_name("more").unlink()
        return n

    assert refused(line_by_line, moved, make).rule == "files"


def test_temporary_names_are_the_same_in_every_call() -> None:
    def named(rows: list[int]) -> list[str]:
        with tempfile.NamedTemporaryFile() as file, tempfile.TemporaryDirectory() as folder:
            return [os.path.basename(file.name), folder, *map(str, rows)]

    assert asked(named, named, lambda size, rng: {"rows": [*range(size)]})
    require_repeatable(Source(lambda size, seed: {"path": tempfile.mkdtemp()}, "mkdtemp"), 3)


def test_afterwards_temporary_files_are_where_they_were() -> None:
    before = tempfile.gettempdir(), tempfile._name_sequence  # type: ignore[attr-defined]
    asked(line_by_line, joined, make)
    assert (tempfile.gettempdir(), tempfile._name_sequence) == before  # type: ignore[attr-defined]


def test_what_libraries_keep_there_stays() -> None:
    with files.made_anew("1_2"):
        kept = Path(tempfile.gettempdir()) / "torchinductor_somebody"
        kept.mkdir(exist_ok=True)
    try:
        asked(line_by_line, joined, make)
        assert kept.is_dir()
    finally:
        kept.rmdir()


def test_a_file_that_is_large_goes_by_its_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "KEPT_BYTES", 8)
    assert asked(line_by_line, joined, make)
    assert "holds 90 bytes, where the reference writes 60 bytes" in str(
        refused(line_by_line, with_other_ends, make, sizes=(30,))
    )


def test_inputs_with_too_many_files_are_bad_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_BYTES", 3)
    assert "MiB of files. Expected at most" in unsound(line_by_line, joined, make)


def test_a_folder_without_room_is_bad_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(place: str, about: os.stat_result, kept_bytes: int) -> files.Entry:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_entry", full)
    with pytest.raises(BadInput, match="No space left on device"), files.noted():
        Path(files.folder(), "one").touch()
    monkeypatch.undo()
    with files.made_anew("1_2"):
        assert os.listdir(files.folder()) == []


def test_all_that_was_there_is_put_back() -> None:
    with files.made_anew("1_2"):
        top = Path(files.folder())
        (top / "deep/deeper").mkdir(parents=True)
        (top / "deep/deeper/file").write_text("x")
        (top / "deep/file").write_text("y")
        (top / "deep/file").chmod(0o640)
        (top / "link").symlink_to("deep/file")
        (top / "closed").mkdir(mode=0o500)
    before = files.entries()
    with files.noted() as left:
        shutil.rmtree(top / "deep/deeper")
        (top / "deep/deeper").write_text("a file for a folder")
        (top / "deep/file").unlink()
        (top / "deep/file").mkdir()
        (top / "deep/file/more").touch()
        (top / "link").unlink()
        (top / "link").symlink_to("elsewhere")
        (top / "closed").chmod(0o700)
    assert files.entries() == before
    assert {path for _, path in left} == {
        *("deep/deeper", "deep/deeper/file", "deep/file", "deep/file/more", "link", "closed")
    }
    assert stat.S_IMODE((top / "deep/file").stat().st_mode) == 0o640
    with files.made_anew("1_2"):
        pass


def test_a_counter_example_brings_its_files_along() -> None:
    pair = OwnPair(f"{__file__}:changed_in_place", f"{__file__}:changed_by_bytes", f"{__file__}:a_place")
    found = smallest(pair, Draw(pair.source, 5, 0))
    shown = subprocess.run([sys.executable, "-"], input=found.file, capture_output=True, text=True, check=True)
    assert shown.stdout.count("kept.txt (644): b'OLD\\n'") == 2, shown.stdout + found.file


def a_place(size: int, rng: random.Random) -> dict[str, Any]:
    """A path alone."""
    return {"path": make(size, rng)["path"]}


def test_no_folder_is_left_behind_by_a_process_of_ours(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text("def f(n: int):\n    return n\n")
    command = [sys.executable, "-m", "speedproof", "check", "f.py:f", "f.py:f"]
    (tmp_path / "temporary").mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert [*(tmp_path / "temporary").iterdir()] == []


@pytest.mark.parametrize("replaced", ["folder", "area"])
def test_a_link_in_the_folders_place_is_not_followed(elsewhere: Path, replaced: str) -> None:
    """What it leads to is a folder of a user's."""

    def linked(rows: list[int], path: Path) -> int:
        place = Path(tempfile.gettempdir()) if replaced == "folder" else Path(tempfile.gettempdir()).parent
        shutil.rmtree(place)
        place.symlink_to(elsewhere.parent)
        return len(rows)

    with pytest.raises((BadInput, NotEquivalent)):
        asked(line_by_line, linked, make)
    assert asked(line_by_line, joined, make)
    assert elsewhere.read_text() == "precious" and [*elsewhere.parent.iterdir()] == [elsewhere]


def test_a_file_with_another_name_is_no_input_and_no_fault_writes_into_one(elsewhere: Path) -> None:
    def make_linked(size: int, rng: random.Random) -> dict[str, Any]:
        made = make(size, rng)
        os.link(elsewhere, made["path"].with_name("same"))
        return made

    def linked(rows: list[int], path: Path) -> int:
        path.with_name("same").unlink(missing_ok=True)
        os.link(elsewhere, path.with_name("same"))
        path.with_name("same").unlink()
        path.with_name("same").write_text("new")
        return len(rows)

    assert "has another name too" in unsound(line_by_line, joined, make_linked)
    asked(linked, linked, make, faults=20)
    assert elsewhere.read_text() == "precious"


def test_an_addition_is_seen_also_where_the_folder_is_made_once_for_all() -> None:
    def of_all(size: int, rng: random.Random) -> dict[str, Any]:
        return {"path": a_folder(7) / "out.csv", "rows": [rng.randrange(9) for _ in range(size)]}

    for _ in range(2):
        assert asked(line_by_line, joined, of_all)
        assert refused(line_by_line, put_at_the_end, of_all).rule == "files"
    with files.made_anew("1_2") as bring_back:
        bring_back(lambda: [str(a_folder(7))])
        assert [one.name for one in a_folder(7).iterdir()] == ["kept.txt"]


def test_what_cannot_be_written_twice_is_not_asked_to_be() -> None:
    def once(rows: list[int], path: Path) -> int:
        with open(path, "x") as file:
            file.writelines(f"{row}\n" for row in rows)
        return len(rows)

    assert asked(once, once, make)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_is_compared_by_its_name() -> None:
    def piped(rows: list[int], path: Path) -> int:
        if not path.with_name("pipe").exists():
            os.mkfifo(path.with_name("pipe"))
        return joined(rows, path)

    assert asked(piped, piped, make)
    assert refused(piped, joined, make).rule == "files"


@pytest.mark.parametrize("kind", [os.fsencode, str, lambda path: f"file://{path}"])
def test_a_folder_that_is_made_once_is_found_by_whatever_names_it(kind: Callable[[Path], Any]) -> None:
    def named(size: int, rng: random.Random) -> dict[str, Any]:
        return {"rows": [rng.randrange(9) for _ in range(size)], "folder": kind(a_folder(8))}

    def read(rows: list[int], folder: Any) -> tuple[int, str]:
        place = os.fsdecode(folder).removeprefix("file://")
        return sum(rows), Path(place, "kept.txt").read_text()

    assert asked(read, read, named)


def test_a_strategys_folders_are_the_checks_own_and_shrink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def made(rows: list[int]) -> dict[str, Any]:
        folder = Path(tempfile.mkdtemp())
        (folder / "in").write_text("".join(f"{row}\n" for row in rows))
        return {"path": folder / "in"}

    def copied(path: Path) -> None:
        path.with_name("out").write_text(path.read_text())

    def sorted_lines(path: Path) -> None:
        path.with_name("out").write_text("".join(sorted(path.read_text().splitlines(keepends=True))))

    rows = strategies.lists(strategies.integers(0, 9), max_size=5).map(made)
    assert asked(copied, copied, rows)
    told = refused(copied, sorted_lines, rows)
    assert told.rule == "files" and "holds '0\\n1\\n', where the reference writes '1\\n0\\n'" in str(told)
    assert [*tmp_path.iterdir()] == []


def test_two_checks_at_a_time_wait_for_each_other() -> None:
    said: list[Any] = []
    threads = [threading.Thread(target=lambda: said.append(asked(line_by_line, joined, make))) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(said) == 3


def test_a_process_that_is_ended_leaves_no_folder(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text("def f(n: int):\n    return n\n\n\ndef g(n: int):\n    while True: pass\n")
    (tmp_path / "temporary").mkdir()
    command = [sys.executable, "-m", "speedproof", "check", "f.py:f", "f.py:g", "--budget-s", "1"]
    environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert ended.returncode == 2 and ended.stderr.count("checking f.py:g in place") <= 2, ended.stderr
    assert [*(tmp_path / "temporary").iterdir()] == []
