"""What pytest-benchmark saved, before it is held against: who has nothing, or something damaged, is told in a line.

Hooks that conftest.py hands to pytest. pytest-benchmark itself ends in a traceback where a saved run lacks a part,
where there is none to fail against, and where a benchmark got slower.
"""

import math
from collections.abc import Generator, Mapping
from typing import Any

import pytest
from pytest_benchmark.session import PerformanceRegression

NUMBERS = ("min", "max", "mean", "stddev", "median", "iqr", "ops", "rounds", "iterations")
DRAWN = ("q1", "q3", "ld15iqr", "hd15iqr")
"""What a histogram draws beyond the table's columns."""
SAVE_ONE = "Save one first: python -m pytest tests/bench/test_benchmarks.py --benchmark-only --benchmark-save=before"
REGRESSED = pytest.StashKey[bool]()


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_compare_machine_info(benchmarksession: Any, compared_benchmark: Any) -> None:
    """Raises UsageError for a saved run that is JSON and yet lacks something; the first place that it is handed out."""
    lacking = _lacking(compared_benchmark)
    if lacking:
        asked = () if benchmarksession.compare is True else (benchmarksession.compare,)
        name = next(path for path, run in benchmarksession.storage.load(*asked) if run is compared_benchmark)
        raise pytest.UsageError(
            f"{benchmarksession.storage}/{name} is damaged: no {lacking}. Expected a run that pytest-benchmark saved. "
            f"Delete it, or name another with --benchmark-compare=NUMBER. {SAVE_ONE}"
        )


def _lacking(run: Mapping[str, Any]) -> str:
    if not isinstance(run.get("machine_info"), dict):
        return "'machine_info'"
    for number, benchmark in enumerate(run["benchmarks"], start=1):
        if not isinstance(benchmark.get("fullname"), str):
            return f"'fullname' of benchmark {number}"
        stats = benchmark["stats"]
        for name in (*NUMBERS, *DRAWN):
            if not isinstance(stats.get(name), int | float) or not math.isfinite(stats[name]):
                return f"number for {name!r} of {benchmark['fullname']}"
    return ""


def pytest_sessionstart(session: pytest.Session) -> None:
    """Raises UsageError where a run shall fail by what there is not, or be saved where nothing can be."""
    saved = getattr(session.config, "_benchmarksession", None)
    if saved is None:
        return
    if saved.compare_fail and not saved.compared_mapping:
        raise pytest.UsageError(
            f"--benchmark-compare-fail has nothing to hold against: no run that can be read in {saved.storage} "
            f"{'was asked for with --benchmark-compare' if not saved.compare else 'fits'}. {SAVE_ONE}"
        )
    if (saved.save or saved.autosave) and not saved.storage.path.is_dir():
        raise pytest.UsageError(f"Nothing can be saved: {saved.storage} is no folder. Move it away.")


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(config: pytest.Config) -> Generator[None, Any, Any]:
    """A benchmark that got slower is an outcome, which pytest-benchmark has told by now, and no fault in pytest."""
    try:
        return (yield)
    except PerformanceRegression:
        config.stash[REGRESSED] = True
        return None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, Any, Any]:
    """Gives the run the status of a failed test where a benchmark got slower."""
    outcome = yield
    if session.config.stash.get(REGRESSED, False):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    return outcome
