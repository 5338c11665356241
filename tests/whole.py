"""All tests, once for each state of the files: `make test-whole` runs every one and leaves a record. Where it is of
these very files, `make test` runs of the slow ones a share; where it is not, it runs all.

Hooks for pytest, registered by conftest.py. pytest run by hand runs what it is asked for, and leaves nothing.
"""

import hashlib
import json
import os
import platform
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
RECORD = "results/suite.json"
ASKS = ("share", "whole")
"""What make asks for."""
SLOW_S = 2.0
"""Seconds above which a test is slow."""
ONE_OF = 5
"""Of so many slow tests one is run."""
TOLD = ("results/records/", "results/report/", "README.md", "CHANGELOG.md", "CONTRIBUTING.md")
"""What is measured or told. All other files are code."""
HOLD_WHAT_IS_TOLD = (
    *("tests/comment/", "tests/docs/", "tests/records/", "tests/report/", "tests/studies/", "tests/timing/"),
    *("tests/gate/test_seals.py",),
)
"""Where tests hold what is told against the code."""


@dataclass(frozen=True)
class State:
    """Of the files that tests are about."""

    code: str
    """Fingerprint of all that git knows or would take, but what is measured or told."""
    told: str
    """Fingerprint of that."""
    python: str

    @classmethod
    def of(cls, root: Path) -> "State | None":
        """None where git cannot be asked."""
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        try:
            asked = subprocess.run(listed, cwd=root, capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        names = sorted(set(os.fsdecode(asked.stdout).split("\0")) - {"", RECORD})
        is_told = {name: name.startswith(TOLD) for name in names}
        return cls(
            code=_fingerprint(root, [name for name in names if not is_told[name]]),
            told=_fingerprint(root, [name for name in names if is_told[name]]),
            python=".".join(platform.python_version_tuple()[:2]),
        )


def _fingerprint(root: Path, names: Iterable[str]) -> str:
    known = hashlib.sha256()
    for name in names:
        path = root / name
        held = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "gone"
        known.update(f"{name}\0{held}\n".encode())
    return known.hexdigest()[:16]


@dataclass(frozen=True)
class Record:
    """A run of all tests in which none failed."""

    state: State
    day: str
    machine: str
    passed: int
    skipped: int
    wall_s: int
    slow: Mapping[str, float]
    """Test that passed -> seconds that it took, setting up included."""

    @classmethod
    def read(cls, path: Path) -> "Record | None":
        """None where there is none that can be read: then all tests are run, which is never wrong."""
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            return cls(**(told | {"state": State(**told["state"])}))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, path: Path) -> None:
        """Whole or not at all."""
        part = path.with_suffix(".part")
        part.write_text(json.dumps(self, default=vars, indent=1) + "\n", encoding="utf-8")
        part.replace(path)

    def left_out(self, tests: Iterable[str], now: State) -> list[str]:
        """The slow tests that need not be run again. Which those are hangs on the code, so that each has its turn."""
        if (self.state.code, self.state.python) != (now.code, now.python):
            return []
        is_told_anew = self.state.told != now.told
        return [
            test
            for test in tests
            if test in self.slow
            and not (is_told_anew and test.startswith(HOLD_WHAT_IS_TOLD))
            and int(hashlib.sha256(f"{now.code} {test}".encode()).hexdigest(), 16) % ONE_OF
        ]


class Whole:
    """What pytest asks: which tests to leave out, and what became of those that ran."""

    def __init__(self, asked: str | None, root: Path = ROOT) -> None:
        self.root, self.asked, self.path = root, asked, root / RECORD
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.outcomes: dict[str, str] = {}
        self.told = ""

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """The state is that before the first test, which may change files."""
        from speedproof.clock import monotonic_s

        self.start_s = monotonic_s()
        self.state = State.of(self.root) if self.asked else None
        self.record = Record.read(self.path) if self.asked == "share" else None

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leaves out slow tests that a record knows. Every process of the tests leaves out the same."""
        if self.state is None or self.record is None:
            return
        left_out = set(self.record.left_out([item.nodeid for item in items], self.state))
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in left_out])
        items[:] = [item for item in items if item.nodeid not in left_out]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Adds up a test's seconds."""
        self.seconds[report.nodeid] += report.duration
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[report.nodeid] = report.outcome

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Leaves the record, where all tests ran and none failed."""
        from speedproof.clock import monotonic_s, now
        from speedproof.environment import current_environment

        is_worker = hasattr(session.config, "workerinput")
        if is_worker or self.asked != "whole" or exitstatus or self.state is None:
            return
        if self.state != State.of(self.root):
            self.told = "No record is left, since files changed while the tests ran. Again: make test-whole"
            return
        environment, n_of = current_environment(), Counter(self.outcomes.values())
        # What was skipped here may run elsewhere.
        passed = sorted(test for test, outcome in self.outcomes.items() if outcome == "passed")
        slow = {test: round(self.seconds[test], 1) for test in passed if self.seconds[test] > SLOW_S}
        Record(
            self.state,
            day=now()[:10],
            machine=f"{environment.processor}, {environment.n_cores} cores",
            passed=n_of["passed"],
            skipped=n_of["skipped"],
            wall_s=round(monotonic_s() - self.start_s),
            slow=slow,
        ).write(self.path)
        self.told = f"Recorded in {RECORD}: {n_of['passed']} passed, {len(slow)} of them slow."

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Says what was left out and why, or what was recorded."""
        if self.state is not None and self.record is not None:
            n_left_out = len(self.record.left_out(self.record.slow, self.state))
            self.told = (
                f"Left out: {n_left_out} of {len(self.record.slow)} slow tests. They passed on these very files on "
                f"{self.record.day} ({self.record.machine}). All of them: make test-whole"
                if n_left_out
                else f"Every test ran: {RECORD} is of other files."
            )
        if self.told:
            terminalreporter.write_line(self.told)
