"""The three jobs of continuous integration have every test between them, each in one."""

from collections import Counter
from pathlib import Path

import pytest
import yaml

from .jobs import JOBS, OF_FILES, job_of

HERE = Path(__file__).parent


def strangers(named: list[str]) -> list[str]:
    """Names that no file of tests has, or that stand twice."""
    files = {path.stem for path in HERE.rglob("test_*.py")}
    return [name for name, times in Counter(named).items() if times > 1 or name not in files]


def test_each_file_that_a_job_names_is_there_and_in_no_other() -> None:
    assert OF_FILES.keys() < JOBS.keys()
    assert strangers([name for names in OF_FILES.values() for name in names]) == []


def test_a_file_that_is_gone_or_named_twice_would_be_seen() -> None:
    assert strangers(["test_cli", "test_gone", "test_asv", "test_asv"]) == ["test_gone", "test_asv"]


def test_the_workflow_runs_each_job() -> None:
    told = yaml.safe_load((HERE.parent / ".github" / "workflows" / "ci.yml").read_text())
    assert told["jobs"]["test"]["strategy"]["matrix"]["job"] == list(JOBS)


@pytest.mark.parametrize(("file", "job"), [("test_cli", "processes"), ("test_asv", "tools"), ("test_any", "pure")])
def test_a_file_belongs_to_the_job_that_names_it_and_else_to_the_pure_one(file: str, job: str) -> None:
    assert job_of(file) == job


def test_a_test_is_marked_with_its_job_and_no_other(request: pytest.FixtureRequest) -> None:
    assert [mark.name for mark in request.node.iter_markers() if mark.name in JOBS] == [job_of(Path(__file__).stem)]
