"""What make's targets run, without running it."""

import subprocess

import pytest

from tests.walls import ROOT


def would_run(*asked: str) -> str:
    """The commands of a target, as for a clone without an environment."""
    done = subprocess.run(
        ["make", "--dry-run", "--always-make", *asked], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("subject", ["smollm2-135m", "a folder:raw", "gpt2-small-res-jb/blocks.8.hook_resid_pre"])
def test_the_main_job_can_be_told_of_another_subject(subject: str) -> None:
    assert f"-m bench run --subject '{subject}'" in would_run("bench", f"SUBJECT={subject}")
    assert "--subject" not in would_run("bench")


def test_the_main_job_installs_what_measures_and_tests_install_all() -> None:
    for_tests = ("--group test", "--group docs", "--group studies")
    bench, test = would_run("bench"), would_run("test")
    assert "[lens,report,tensorboard]" in bench and not any(group in bench for group in for_tests)
    assert "[lens,report,tensorboard]" in test and all(group in test for group in for_tests)
