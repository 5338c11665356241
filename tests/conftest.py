"""Subjects that several tests share; loading one costs more than using it."""

import os
import shutil
import subprocess
from pathlib import Path

# Before anything imports a library that reads them.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
# A pytest that a test starts is no worker of ours.
os.environ.pop("PYTEST_XDIST_WORKER", None)
os.environ.pop("PYTEST_XDIST_WORKER_COUNT", None)
# Several test processes share the cores, so a thread that waits for others must not keep one busy.
os.environ["OMP_WAIT_POLICY"] = "passive"
os.environ["GOMP_SPINCOUNT"] = "0"

import pytest

from bench.certificate import Certificate
from bench.check import certify
from bench.findings import find
from bench.subject import Subject, find_subject

from .saved_runs import (
    pytest_benchmark_compare_machine_info,
    pytest_sessionfinish,
    pytest_sessionstart,
    pytest_terminal_summary,
)

__all__ = [
    "pytest_benchmark_compare_machine_info",
    "pytest_sessionfinish",
    "pytest_sessionstart",
    "pytest_terminal_summary",
]

ROOT = Path(__file__).parent.parent
PUBLISHED = ("README.md", "results/records", "results/report")


@pytest.fixture(scope="session")
def tiny() -> Subject:
    return find_subject("tiny")


@pytest.fixture(scope="session")
def solved() -> Subject:
    return find_subject("solved")


@pytest.fixture(scope="session")
def tiny_bridge() -> Subject:
    return find_subject("tiny:bridge")


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    finding = find("sae_cache")
    answer = certify(finding, finding.pairs[0], finding.pairs[0].workload("smoke"))
    assert isinstance(answer, Certificate)
    return answer


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The README and the results as committed or staged; without git, as they are.

    Whoever has run `make bench` has records of their own, and the README makes no claim about those.
    """
    folder = tmp_path_factory.mktemp("published")
    if (ROOT / ".git").exists() and shutil.which("git"):
        listed = subprocess.run(["git", "ls-files", "-z", *PUBLISHED], cwd=ROOT, check=True, capture_output=True)
        extract = ["git", "checkout-index", "-z", "--stdin", f"--prefix={folder}/"]
        subprocess.run(extract, cwd=ROOT, check=True, input=listed.stdout)
        return folder
    for name in PUBLISHED[1:]:
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / PUBLISHED[0], folder)
    return folder
