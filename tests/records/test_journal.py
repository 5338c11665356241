"""Records under kills, several writers, a full disk and a folder that cannot be written."""

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from speedproof.records.journal import append, lines
from tests.killing import line_of

ROOT = Path(__file__).parents[2]
N_KILLS = 200


def killed(path: Path, n_kills: int, writer: str) -> list[int]:
    """The lines that writers, each killed at a random moment, had been told are safe."""
    command = [sys.executable, "-m", "tests.killing", str(path), str(n_kills), "1", writer]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    return list(json.loads(answer.stdout))


def found(path: Path) -> tuple[list[int], list[int]]:
    """Numbers of the lines that are whole, byte for byte, and places of those that are not JSON, so are reported.

    Raises AssertionError where a line reads as JSON but is not what was written.
    """
    whole, damaged = [], []
    for place, line in lines(path):
        try:
            number = json.loads(line)["number"]
        except ValueError:
            damaged.append(place)
        else:
            assert line + b"\n" == line_of(number)
            whole.append(number)
    return whole, damaged


@pytest.mark.parametrize("writer", ["journal", "piecemeal"])
def test_writers_killed_200_times_lose_no_line_that_was_written_and_leave_each_whole_or_reported(
    writer: str, tmp_path: Path
) -> None:
    path = tmp_path / "lines.jsonl"
    safe = killed(path, N_KILLS, writer)
    whole, damaged = found(path)
    assert len(safe) > N_KILLS / 2
    assert set(safe) <= set(whole) and whole == sorted(set(whole))
    # A writer dies in at most one line, which is then there, or damaged, or never begun.
    assert len(whole) - len(safe) + len(damaged) <= N_KILLS
    # Kills do come in the middle of lines where there is a middle.
    assert damaged or writer == "journal"


def test_a_careless_writer_is_seen_to_lose_lines(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    safe = killed(path, 80, "careless")
    whole, damaged = found(path)
    assert set(safe) - set(whole) and damaged


def _append_many(path: Path, letter: str) -> None:
    for _ in range(100):
        append(path, letter.encode() * 20_000 + b"\n")


@pytest.mark.parametrize("n_writers", [2, 4])
def test_writers_at_once_do_not_interleave(n_writers: int, tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append_many, args=(path, letter)) for letter in "abcd"[:n_writers]]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    written = [line for _, line in lines(path)]
    assert len(written) == 100 * n_writers
    assert {len(set(line)) for line in written} == {1} and {len(line) for line in written} == {20_000}


def in_child(code: str, *arguments: str) -> str:
    """Standard output of a fresh interpreter that runs `code` after importing the journal."""
    command = [
        sys.executable,
        "-c",
        f"import os, resource, sys; from pathlib import Path; {IMPORT}\n{code}",
        *arguments,
    ]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout


IMPORT = "from speedproof.records.journal import append"
TRY = "try:\n    append(Path(sys.argv[1]), b'x' * 50_000 + b'\\n')\nexcept OSError as error:\n    print(error.strerror)"


def test_a_disk_that_fills_up_in_the_middle_of_a_line_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    append(path, b"earlier\n")
    # The system writes what fits below the limit, and refuses the rest.
    told = in_child(f"resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n{TRY}", str(path))
    assert told == "File too large\n" and path.read_bytes() == b"earlier\n"
    # The companion: the same without the limit is written.
    assert in_child(TRY, str(path)) == "" and path.stat().st_size == 50_009


def test_a_line_that_the_system_takes_in_pieces_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    piecemeal = "from tests.killing import append_piecemeal as append\n"
    assert in_child(piecemeal + TRY, str(path)) == ""
    assert path.read_bytes() == b"x" * 50_000 + b"\n"


def test_a_folder_that_may_not_be_written_is_an_error_and_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "records" / "lines.jsonl"
    append(path, b"earlier\n")
    path.chmod(0o444)
    path.parent.chmod(0o555)
    # Root may write anywhere, and another user may not look into pytest's folder: the file is opened before.
    become = "os.chdir(os.path.dirname(sys.argv[1]))\nif os.geteuid() == 0: os.setuid(65534)\n"
    name = "sys.argv[1] = os.path.basename(sys.argv[1])\n"
    assert in_child(become + name + TRY, str(path)) == "Permission denied\n"
    assert in_child(become + "sys.argv[1] = 'other.jsonl'\n" + TRY, str(path)) == "Permission denied\n"
    assert path.read_bytes() == b"earlier\n" and os.listdir(path.parent) == ["lines.jsonl"]


def test_what_is_not_one_line_is_refused(tmp_path: Path) -> None:
    for text in (b"no newline", b"two\nlines\n", b""):
        with pytest.raises(ValueError, match="Expected one line"):
            append(tmp_path / "lines.jsonl", text)
    assert not (tmp_path / "lines.jsonl").exists()


def test_the_journal_imports_nothing_heavy() -> None:
    loaded = in_child("print(' '.join(sys.modules))").split()
    assert not {"torch", "numpy", "pydantic"} & set(loaded)
