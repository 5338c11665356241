"""What make's targets run, without running it."""

import os
import subprocess

import pytest

from tests.walls import ROOT

GIVEN = ("JOB", "SUITE", "SUBJECT")
"""Variables of the Makefile that a caller may set."""


def would_run(*asked: str) -> str:
    """The commands of a target, as for a clone without an environment."""
    # A make that runs the tests hands down what it was asked for.
    handed_down = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", *GIVEN)
    fresh = {name: value for name, value in os.environ.items() if name not in handed_down}
    command = ["make", "--dry-run", "--always-make", *asked]
    return subprocess.run(command, cwd=ROOT, env=fresh, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("subject", ["smollm2-135m", "a folder:raw", "gpt2-small-res-jb/blocks.8.hook_resid_pre"])
def test_the_main_job_can_be_told_of_another_subject(subject: str) -> None:
    assert f"-m bench run --subject '{subject}'" in would_run("bench", f"SUBJECT={subject}")
    assert "--subject" not in would_run("bench")


def test_the_main_job_installs_what_measures_and_tests_install_all() -> None:
    for_tests = ("--group test", "--group docs", "--group studies")
    bench, test = would_run("bench"), would_run("test")
    assert "[lens,report,tensorboard]" in bench and not any(group in bench for group in for_tests)
    assert "[lens,report,tensorboard]" in test and all(group in test for group in for_tests)
