"""Continuous integration's own scripts: what the workflow and the action for other repositories run in a shell.

`make lint` holds both files against the published schemas, and the hook `actionlint` the workflow against its rules.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
ACTION = ROOT / ".github" / "actions" / "compare" / "action.yml"


def scripts(path: Path) -> Iterator[str]:
    """Every script of the file, in the order it runs them."""
    told: Mapping[str, Any] = yaml.safe_load(path.read_text())
    groups = [told["runs"]] if "runs" in told else list(told["jobs"].values())
    for group in groups:
        yield from (step["run"] for step in group["steps"] if "run" in step)


SCRIPTS = [
    pytest.param(text, id=f"{path.stem}-{n}") for path in (WORKFLOW, ACTION) for n, text in enumerate(scripts(path))
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_is_bash_and_names_no_input_in_its_text(script: str) -> None:
    """An input that stands in a script's text is run by the shell, whoever wrote it; inputs come as variables."""
    subprocess.run(["bash", "-n", "-c", script], check=True)
    assert "${{" not in script
    if shutil.which("shellcheck"):
        said = subprocess.run(["shellcheck", "-s", "bash", "-"], input=script, text=True, capture_output=True)
        assert said.returncode == 0, said.stdout


@pytest.fixture
def caller(tmp_path: Path) -> Path:
    """A repository that uses the action: it has a `bench` of its own, and this project where the action puts it."""
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "__init__.py").write_text("raise SystemExit('the bench of the caller')\n")
    ours = tmp_path / ".speedproof"
    (ours / ".venv" / "bin").mkdir(parents=True)
    for name in ("src", "bench", "impl_sequential", "impl_batched"):
        (ours / name).symlink_to(ROOT / name)
    python = ours / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return tmp_path


def compared(caller: Path, before: str, after: str, script: str) -> "subprocess.CompletedProcess[str]":
    given = {"BEFORE": before, "AFTER": after, "BUDGET_S": "0", "RUNNER_TEMP": str(caller), "GITHUB_OUTPUT": "output"}
    variables = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | given
    return subprocess.run(["bash", "-e", "-c", script], cwd=caller, env=variables, capture_output=True, text=True)


def test_the_action_runs_this_project_and_no_bench_of_the_callers(caller: Path) -> None:
    """Bad input ends it early: the environments and the comparison have tests of their own."""
    script = next(text for text in scripts(ACTION) if "bench compare" in text)
    answer = compared(caller, "no-such-commit", ".", script)
    assert answer.returncode == 2 and "BadInput: Side 'no-such-commit'" in answer.stderr
    assert f"junit={caller}/speedproof.xml" in (caller / "output").read_text()
    answer = compared(caller, "no-such-commit", ".", script.replace(" -P ", " "))
    assert "the bench of the caller" in answer.stderr


@pytest.mark.parametrize("there", [True, False])
def test_the_summary_is_shown_where_there_is_one(tmp_path: Path, there: bool) -> None:
    script = list(scripts(ACTION))[-1]
    if there:
        (tmp_path / "speedproof.md").write_text("### speedproof: passed\n")
    variables = {**os.environ, "RUNNER_TEMP": str(tmp_path), "GITHUB_STEP_SUMMARY": str(tmp_path / "shown")}
    subprocess.run(["bash", "-e", "-c", script], env=variables, check=True)
    assert (tmp_path / "shown").exists() == there
