"""What several tests share: subjects, since loading one costs more than using it, and processes, likewise."""

import gc
import multiprocessing
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

# Before anything imports a library that reads them.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
# A pytest that a test starts is no worker of ours.
os.environ.pop("PYTEST_XDIST_WORKER", None)
os.environ.pop("PYTEST_XDIST_WORKER_COUNT", None)
# Several test processes share the cores, so a thread that waits for others must not keep one busy.
os.environ["OMP_WAIT_POLICY"] = "passive"
os.environ["GOMP_SPINCOUNT"] = "0"
# They disturb each other, so that hardly a pair would count.
os.environ["SPEEDPROOF_ALL_PAIRS"] = "1"
# A look at all objects of torch and its like takes a third of a second, and hardly ever finds one to drop.
gc.set_threshold(20_000, 10, 10)

import pytest

from . import warm
from .jobs import JOBS, job_of
from .saved_runs import (
    pytest_benchmark_compare_machine_info,
    pytest_sessionfinish,
    pytest_sessionstart,
    pytest_terminal_summary,
)
from .whole import ASKS, Whole

# The process that hands out the tests reads this file too, and imports nothing large for it.
if TYPE_CHECKING:
    from speedproof.gate.certificate import Certificate
    from speedproof.lens.subject import Subject

__all__ = [
    "pytest_benchmark_compare_machine_info",
    "pytest_sessionfinish",
    "pytest_sessionstart",
    "pytest_terminal_summary",
]

ROOT = Path(__file__).parent.parent
PUBLISHED = ("README.md", "results/records", "results/report")


def pytest_addoption(parser: pytest.Parser) -> None:
    """What make asks for; a pytest that a test starts is not asked."""
    parser.addoption("--suite", choices=ASKS, help="run a share of the slow tests, or all and leave a record")


def pytest_configure(config: pytest.Config) -> None:
    """Makes each job a marker, and lets make ask for all tests or a share."""
    for job, needs in JOBS.items():
        config.addinivalue_line("markers", f"{job}: {needs}")
    config.pluginmanager.register(Whole(config.getoption("suite")))


def pytest_itemcollected(item: pytest.Item) -> None:
    """Marks each test with its file's job."""
    item.add_marker(job_of(item.path.stem))


@pytest.fixture(autouse=True)
def modules_of_its_own_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Those that a test imported from files that it wrote are forgotten, or the next test's file of that name would be
    taken for its."""
    before, path, written = set(sys.modules), list(sys.path), str(tmp_path_factory.getbasetemp())
    yield
    sys.path[:] = path
    for name in sys.modules.keys() - before:
        if str(getattr(sys.modules[name], "__dict__", {}).get("__file__")).startswith(written):
            del sys.modules[name]


@pytest.fixture(scope="session")
def tiny() -> "Subject":
    from speedproof.lens.subject import find_subject

    return find_subject("tiny")


@pytest.fixture(scope="session")
def solved() -> "Subject":
    from speedproof.lens.subject import find_subject

    return find_subject("solved")


@pytest.fixture(scope="session")
def tiny_bridge() -> "Subject":
    from speedproof.lens.subject import find_subject

    return find_subject("tiny:bridge")


@pytest.fixture(scope="session")
def certificate() -> "Certificate":
    from bench.findings import find
    from speedproof.gate.certificate import Certificate
    from speedproof.gate.check import certify

    finding = find("sae_cache")
    answer = certify(finding, finding.pairs[0], finding.pairs[0].workload("smoke"))
    assert isinstance(answer, Certificate)
    return answer


@pytest.fixture(autouse=True)
def nothing_frozen() -> Iterator[None]:
    """What a test has frozen is not counted through in every check that comes after it."""
    yield
    gc.unfreeze()


@pytest.fixture(scope="module")
def known_definitions() -> Iterator[None]:
    """A definition is asked once about the same workload, for tests that ask many candidates."""
    from . import definitions

    with definitions.known_definitions():
        yield


@pytest.fixture
def warm_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process calls a fresh process has its libraries imported already."""
    monkeypatch.setattr(multiprocessing, "get_context", warm.served)


@pytest.fixture
def timed_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples are taken in this process, and for as short as can be, where a test asks what becomes of them."""
    from speedproof.timing import runner, warmup

    monkeypatch.setattr(runner, "in_fresh_process", lambda usage, work, *given: work(*given))
    monkeypatch.setattr(runner, "SHORTEST_STRETCH_S", 0.0)
    monkeypatch.setattr(warmup, "LONGEST_WARM_UP_S", 0.0)


@pytest.fixture
def warm_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers of two sides have their libraries imported already."""
    from speedproof.sides import remote

    def started(command: list[str], stdout: Any, stderr: Any, **how: Any) -> warm.Python:
        (pipe,) = how["pass_fds"]
        return warm.Python(command[1:-1], stdout.fileno(), stderr.fileno(), how["cwd"], how["env"], pipe)

    monkeypatch.setattr(remote, "subprocess", SimpleNamespace(**{**vars(subprocess), "Popen": started}))


@pytest.fixture(scope="session")
def asv_environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where asv keeps its environment, which is made once for all repositories."""
    return tmp_path_factory.mktemp("asv")


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
