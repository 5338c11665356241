"""pytest-benchmark's own history: saved where we say, held against what was saved, drawn. No time is asserted.

It is tried with this project's settings on a tiny benchmark in a scratch folder.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.saved_runs import NUMBERS

ROOT = Path(__file__).parents[2]
SAVED = Path("results") / "pytest-benchmark"
TINY = """
def test_tiny(benchmark):
    benchmark.group = "tiny"
    benchmark.pedantic(sum, args=([1, 2],), rounds=3)
"""
SLOW = TINY.replace("sum, args=([1, 2],)", "__import__('time').sleep, args=(0.05,)")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A scratch project with our settings of pytest, our hooks around saved runs, and one benchmark."""
    return project(tmp_path)


def project(folder: Path) -> Path:
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "saved_runs.py", folder / "tests" / "conftest.py")
    (folder / "tests" / "test_tiny.py").write_text(TINY)
    return folder


def benchmarked(folder: Path, *arguments: str, status: int = 0) -> str:
    """What a session of its own said. Of the plugins that are installed it loads pytest-benchmark's alone, the others
    taking as long to import as all else."""
    command = [sys.executable, "-m", "pytest", "-p", "pytest_benchmark.plugin", "--benchmark-only", *arguments]
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    answer = subprocess.run(command, cwd=folder, env=alone, capture_output=True, text=True)
    assert answer.returncode == status, f"{answer.stdout[-3000:]}\n{answer.stderr[-3000:]}"
    assert "Traceback" not in answer.stdout + answer.stderr
    return answer.stdout + answer.stderr


def test_what_is_saved_lies_in_the_results_and_is_held_against_and_drawn(folder: Path) -> None:
    benchmarked(folder, "--benchmark-save=before")
    (saved,) = folder.glob(f"{SAVED}/*/0001_before.json")
    assert [one["name"] for one in json.loads(saved.read_text())["benchmarks"]] == ["test_tiny"]
    histogram = SAVED / "histogram"
    said = benchmarked(folder, "--benchmark-compare=0001", f"--benchmark-histogram={histogram}")
    assert "test_tiny (0001_before)" in said and "test_tiny (NOW)" in said
    assert "</svg>" in (folder / f"{histogram}-tiny.svg").read_text()


def test_a_benchmark_that_got_many_times_slower_fails_and_one_that_did_not_passes(folder: Path) -> None:
    benchmarked(folder, "--benchmark-save=before")
    limits = ("--benchmark-compare", "--benchmark-compare-fail=min:100000%")
    benchmarked(folder, *limits)
    (folder / "tests" / "test_tiny.py").write_text(SLOW)
    said = benchmarked(folder, *limits, status=1)
    assert "Performance has regressed" in said and "1 passed" in said


def test_what_another_machine_saved_is_shown_with_a_warning(folder: Path) -> None:
    """Warnings are errors here, and this one ended pytest before it began."""
    benchmarked(folder, "--benchmark-save=before")
    (saved,) = folder.glob(f"{SAVED}/*/0001_before.json")
    told = json.loads(saved.read_text())
    told["machine_info"]["python_version"] = "3.11.0"
    saved.write_text(json.dumps(told))
    said = benchmarked(folder, "--benchmark-compare=0001")
    assert "machine_info is different" in said and "test_tiny (0001_before)" in said


USAGE_ERROR = int(pytest.ExitCode.USAGE_ERROR)
HISTOGRAM = f"--benchmark-histogram={SAVED / 'histogram'}"
FAIL = "--benchmark-compare-fail=min:100000%"


@pytest.mark.parametrize("arguments", [("--benchmark-compare",), ("--benchmark-compare=0001", HISTOGRAM)])
def test_with_nothing_saved_the_figures_are_shown_alone_and_a_line_says_why(
    folder: Path, arguments: tuple[str, ...]
) -> None:
    said = benchmarked(folder, *arguments)
    assert said.count("Can't compare. No benchmark files") == 1 and "test_tiny" in said


@pytest.mark.parametrize("arguments", [("--benchmark-compare", FAIL), (FAIL,)])
def test_to_fail_against_nothing_is_refused_before_anything_is_timed(folder: Path, arguments: tuple[str, ...]) -> None:
    said = benchmarked(folder, *arguments, status=USAGE_ERROR)
    assert "has nothing to hold against" in said and "Save one first" in said and "1 passed" not in said


UNREADABLE: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda whole: whole[: len(whole) // 2],
    "empty": lambda whole: b"",
    "binary": lambda whole: bytes(range(256)),
    "utf-16": lambda whole: whole.decode().encode("utf-16"),
    "a list": lambda whole: b"[]",
    "no benchmarks": lambda whole: b"{}",
}
LACKING: dict[str, Callable[[dict[str, Any]], Any]] = {
    "machine_info": lambda run: run.pop("machine_info"),
    "fullname": lambda run: run["benchmarks"][0].pop("fullname"),
    "median": lambda run: run["benchmarks"][0]["stats"].pop("median"),
    "hd15iqr": lambda run: run["benchmarks"][0]["stats"].update(hd15iqr=None),
    "stddev": lambda run: run["benchmarks"][0]["stats"].update(stddev=float("nan")),
    "min": lambda run: run["benchmarks"][0]["stats"].update(min="fast"),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes]:
    """The folder of a system's saved runs, within the results, and what a run of TINY saves there."""
    folder = project(tmp_path_factory.mktemp("whole"))
    benchmarked(folder, "--benchmark-save=before")
    (path,) = folder.glob(f"{SAVED}/*/0001_before.json")
    return path.parent.name, path.read_bytes()


def store(folder: Path, name: str, system: str, content: bytes) -> Path:
    path = folder / SAVED / system / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("damage", UNREADABLE.values(), ids=UNREADABLE)
def test_a_saved_run_that_cannot_be_read_is_named_and_an_older_one_serves(
    folder: Path, whole: tuple[str, bytes], damage: Callable[[bytes], bytes]
) -> None:
    system, content = whole
    store(folder, "0001_before.json", system, content)
    newer = store(folder, "0002_newer.json", system, damage(content))
    said = benchmarked(folder, "--benchmark-compare", FAIL, HISTOGRAM)
    assert f"Failed to load {newer}" in said and "test_tiny (0001_before)" in said


def test_where_no_saved_run_can_be_read_one_can_still_be_saved_and_none_be_failed_against(
    folder: Path, whole: tuple[str, bytes]
) -> None:
    damaged = store(folder, "0001_before.json", whole[0], b"{")
    said = benchmarked(folder, "--benchmark-compare=0001", "--benchmark-save=after")
    assert f"Failed to load {damaged}" in said and damaged.with_name("0002_after.json").exists()
    assert "has nothing to hold" in benchmarked(folder, "--benchmark-compare=0001", FAIL, status=USAGE_ERROR)


@pytest.mark.parametrize("name", LACKING)
def test_a_saved_run_that_lacks_something_is_named_with_what_it_lacks(
    folder: Path, whole: tuple[str, bytes], name: str
) -> None:
    run = json.loads(whole[1])
    LACKING[name](run)
    path = store(folder, "0001_before.json", whole[0], json.dumps(run).encode())
    asked = "--benchmark-compare" if name in NUMBERS else "--benchmark-compare=0001"
    said = benchmarked(folder, asked, HISTOGRAM, status=USAGE_ERROR)
    assert f"{path} is damaged" in said and f"'{name}'" in said and "Delete it" in said


def test_a_file_in_the_place_of_the_folder_is_told_before_anything_is_timed(folder: Path) -> None:
    (folder / "results").mkdir()
    (folder / SAVED).write_text("")
    assert "is no folder" in benchmarked(folder, "--benchmark-save=before", status=USAGE_ERROR)


def test_the_table_of_saved_runs_names_what_it_cannot_read(folder: Path, whole: tuple[str, bytes]) -> None:
    """pytest-benchmark's own command: with nothing saved, with damaged runs, and with a whole one beside them."""
    command = [sys.executable, "-m", "pytest_benchmark", f"--storage=file://{SAVED}", "compare", "--columns=min,median"]

    def told() -> str:
        answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        assert "Traceback" not in answer.stderr
        return answer.stdout + answer.stderr

    assert "test_tiny" not in told()
    for number, damage in enumerate(UNREADABLE.values(), start=1):
        store(folder, f"{number:04}_damaged.json", whole[0], damage(whole[1]))
    assert told().count("Failed to load") == len(UNREADABLE)
    store(folder, "9999_whole.json", *whole)
    assert "test_tiny" in told()
