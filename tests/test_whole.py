"""Slow tests are left out only where a record says that all passed on these very files, and each has its turn."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from .test_make import would_run
from .whole import HOLD_WHAT_IS_TOLD, ONE_OF, RECORD, Record, State
from .whole import TOLD as TOLD_FILES

HERE = Path(__file__).parent
SLOW = [f"tests/gate/test_{n}.py::test_it[{n}]" for n in range(50)]
TOLD = [f"{place}test_it.py::test_it[{n}]" for place in HOLD_WHAT_IS_TOLD for n in range(20)]
QUICK = [f"tests/gate/test_quick.py::test_it[{n}]" for n in range(50)]
NOW = State("c0de", "told", "3.11")
THEN = Record(NOW, "2026-01-02", "a machine, 2 cores", 120, 0, 60, dict.fromkeys([*SLOW, *TOLD], 3.0))


def run(tests: list[str], record: Record, now: State) -> set[str]:
    return set(tests) - set(record.left_out(tests, now))


def test_of_the_slow_tests_that_passed_on_these_files_a_share_is_run_and_all_others_are() -> None:
    ran = run([*SLOW, *TOLD, *QUICK, "tests/gate/test_new.py::test_it"], THEN, NOW)
    assert ran >= {*QUICK, "tests/gate/test_new.py::test_it"}
    assert 0 < len(ran & {*SLOW}) < 2 * len(SLOW) / ONE_OF and ran & {*TOLD} < {*TOLD}


def test_each_slow_test_has_its_turn_and_the_same_ones_are_run_again_on_the_same_files() -> None:
    states = [replace(NOW, code=f"{n}") for n in range(60)]
    turns = [run(SLOW, replace(THEN, state=state), state) for state in states]
    assert set.union(*turns) == {*SLOW}
    assert turns == [run(SLOW, replace(THEN, state=state), state) for state in states]


@pytest.mark.parametrize("now", [replace(NOW, code="other"), replace(NOW, python="3.12")])
def test_on_other_code_or_another_python_all_are_run(now: State) -> None:
    assert run([*SLOW, *TOLD, *QUICK], THEN, now) == {*SLOW, *TOLD, *QUICK}


def test_where_what_is_told_is_new_all_are_run_that_hold_it() -> None:
    ran = run([*SLOW, *TOLD], THEN, replace(NOW, told="anew"))
    assert ran >= {*TOLD} and ran & {*SLOW} < {*SLOW}


def test_all_that_is_named_is_there() -> None:
    assert all((HERE.parent / name).exists() for name in (*TOLD_FILES, *HOLD_WHAT_IS_TOLD))


def test_whatever_file_changes_the_state_is_another_but_for_the_record_itself(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    for name in (
        "code.py",
        "docs/page.md",
        "data.json",
        "README.md",
        "results/records/one.jsonl",
        RECORD,
        ".gitignore",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("ignored\n")
    before = State.of(tmp_path)
    assert before
    for name in ("code.py", "docs/page.md", "data.json", "new.py", "results/counts.json"):
        (tmp_path / name).write_text("changed")
        after = State.of(tmp_path)
        assert after and after.code != before.code and after.told == before.told
        before = after
    for name in ("README.md", "results/records/one.jsonl", "results/records/new.jsonl"):
        (tmp_path / name).write_text("changed")
        after = State.of(tmp_path)
        assert after and after.told != before.told and after.code == before.code
        before = after
    for name in (RECORD, "ignored"):
        (tmp_path / name).write_text("changed")
        assert State.of(tmp_path) == before
    (tmp_path / "code.py").unlink()
    assert State.of(tmp_path) != before


def test_where_git_knows_nothing_there_is_no_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert State.of(tmp_path) is None
    monkeypatch.setenv("PATH", "")
    assert State.of(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"state": {}}', '{"state": {"code": "c", "more": 1}}'])
def test_a_record_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "suite.json"
    assert Record.read(path) is None
    path.write_text(text)
    assert Record.read(path) is None
    THEN.write(path)
    assert Record.read(path) == THEN


class Suite:
    """A suite of two quick tests and a slow one, with this one's hooks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("tests", "results"):
            (folder / name).mkdir()
        shutil.copy(HERE / "whole.py", folder / "tests")
        (folder / "tests/__init__.py").touch()
        (folder / "tests/conftest.py").write_text(
            "from .whole import Whole\n"
            "def pytest_addoption(parser):\n    parser.addoption('--suite')\n"
            "def pytest_configure(config):\n"
            "    config.pluginmanager.register(Whole(config.getoption('suite')))\n"
        )
        (folder / "pytest.ini").write_text("[pytest]\ntestpaths = tests\n")
        (folder / ".gitignore").write_text("__pycache__\n.pytest_cache\n")
        self.write_tests("pass")
        subprocess.run(["git", "init", "-q"], cwd=folder, check=True)

    def write_tests(self, body: str) -> None:
        (self.folder / "tests/test_it.py").write_text(
            "import pytest, time\n"
            "def test_quick(): pass\n"
            f"def test_other(): {body}\n"
            "@pytest.mark.parametrize('n', range(8))\ndef test_slow(n): time.sleep(0.06)\n"
        )
        whole = (HERE / "whole.py").read_text()
        (self.folder / "tests/whole.py").write_text(whole.replace("SLOW_S = 2.0", "SLOW_S = 0.05"))

    def run(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n2", *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        return done.stdout + done.stderr

    @property
    def record(self) -> Record | None:
        return Record.read(self.folder / RECORD)


def test_a_whole_suite_that_passed_is_recorded_and_its_slow_tests_are_left_out_until_a_file_changes(
    tmp_path: Path,
) -> None:
    suite = Suite(tmp_path)
    assert "10 passed" in suite.run("--suite", "share") and suite.record is None
    told = suite.run("--suite", "whole")
    assert suite.record and suite.record.passed == 10 and len(suite.record.slow) == 8 and "10 passed" in told
    state = State.of(tmp_path)
    assert state == suite.record.state
    n_left_out = len(suite.record.left_out(suite.record.slow, suite.record.state))
    told = suite.run("--suite", "share")
    assert f"{10 - n_left_out} passed" in told and f"Left out: {n_left_out} of 8 slow tests" in told
    assert "10 passed" in suite.run()
    suite.write_tests("1 + 1")
    told = suite.run("--suite", "share")
    assert "10 passed" in told and "Every test ran" in told


def test_a_slow_test_that_was_skipped_is_not_left_out_where_it_could_run(tmp_path: Path) -> None:
    suite = Suite(tmp_path)
    suite.write_tests("time.sleep(0.06); pytest.skip('not here')")
    assert "9 passed, 1 skipped" in suite.run("--suite", "whole")
    assert suite.record and suite.record.skipped == 1 and len(suite.record.slow) == 8
    assert not any("test_other" in test for test in suite.record.slow)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("assert False", "1 failed"),
        ("open('tests/new.py', 'w')", "files changed while the tests ran"),
    ],
)
def test_a_suite_that_fails_or_changes_its_files_leaves_no_record(tmp_path: Path, body: str, told: str) -> None:
    suite = Suite(tmp_path)
    suite.write_tests(body)
    assert told in suite.run("--suite", "whole") and suite.record is None


def test_make_asks_for_a_share_or_for_all_whatever_the_job() -> None:
    assert "--suite share" in would_run("test") and "-m pure" in would_run("test", "JOB=pure")
    whole = would_run("test-whole", "JOB=pure")
    assert "--suite whole" in whole and "-m pure" not in whole


def test_the_record_of_this_suite_can_be_read() -> None:
    """It may be of other files: then all tests run, this one too."""
    path = HERE.parent / RECORD
    assert not path.exists() or Record.read(path)
