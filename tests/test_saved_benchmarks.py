"""pytest-benchmark's own history: saved where we say, held against what was saved, drawn. No time is asserted.

It is tried with this project's settings on a tiny benchmark in a scratch folder.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SAVED = Path("results") / "pytest-benchmark"
TINY = """
def test_tiny(benchmark):
    benchmark.group = "tiny"
    benchmark.pedantic(sum, args=([1, 2],), rounds=3)
"""
SLOW = TINY.replace("sum, args=([1, 2],)", "__import__('time').sleep, args=(0.05,)")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A scratch project with our settings of pytest, and one benchmark."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_tiny.py").write_text(TINY)
    return tmp_path


def benchmarked(folder: Path, *arguments: str, status: int = 0) -> str:
    command = [sys.executable, "-m", "pytest", "--benchmark-only", *arguments]
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert answer.returncode == status, f"{answer.stdout[-3000:]}\n{answer.stderr[-3000:]}"
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
    assert "Performance has regressed" in benchmarked(folder, *limits, status=1)


def test_what_another_machine_saved_is_shown_with_a_warning(folder: Path) -> None:
    """Warnings are errors here, and this one ended pytest before it began."""
    benchmarked(folder, "--benchmark-save=before")
    (saved,) = folder.glob(f"{SAVED}/*/0001_before.json")
    told = json.loads(saved.read_text())
    told["machine_info"]["python_version"] = "3.11.0"
    saved.write_text(json.dumps(told))
    said = benchmarked(folder, "--benchmark-compare=0001")
    assert "machine_info is different" in said and "test_tiny (0001_before)" in said
