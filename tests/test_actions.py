"""Continuous integration's own scripts: what the workflows and the actions for other repositories run in a shell.

`make lint` holds the files against the published schemas, and the hook `actionlint` the workflows against its rules.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from speedproof.comment.told import read_told
from speedproof.timing.method import ALL_PAIRS_WANTED

from .comment.stand_in import HEAD, REPOSITORY, TOKEN, StandIn, event, standing_in
from .docs.pages import blocks

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
COMPARE, COMMENT = (ROOT / ".github" / "actions" / name / "action.yml" for name in ("compare", "comment"))
SIDES = COMPARE.with_name("sides.sh")
AUTHOR = {f"GIT_{who}_{what}": "a@b.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
SLOW = "def dedupe(items):\n    found = []\n    for item in items:\n        found += [] if item in found else [item]\n"
SLOW += "    return found\n"
FAST, WRONG = (f"def dedupe(items):\n    return list({of}(items))\n" for of in ("dict.fromkeys", "set"))
LONGER = "def dedupe(items):\n    for _ in items:\n        pass\n    return list(dict.fromkeys(items))\n"
DATA = 'def make(size, rng):\n    return {"items": [rng.randrange(size + 1) for _ in range(size)]}\n'


def steps(path: Path) -> Iterator[Mapping[str, Any]]:
    """Every step of the file, in the order it does them."""
    told: Mapping[str, Any] = yaml.safe_load(path.read_text())
    groups = [told["runs"]] if "runs" in told else list(told["jobs"].values())
    for group in groups:
        yield from group["steps"]


def scripts(path: Path) -> list[str]:
    return [step["run"] for step in steps(path) if "run" in step]


SCRIPTS = [
    pytest.param(text, id=f"{path.parent.name}-{path.stem}-{n}")
    for path in (*WORKFLOWS, COMPARE, COMMENT)
    for n, text in enumerate(scripts(path))
] + [pytest.param(SIDES.read_text(), id=SIDES.stem)]


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_is_bash_and_names_no_input_in_its_text(script: str) -> None:
    """An input that stands in a script's text is run by the shell, whoever wrote it; inputs come as variables."""
    subprocess.run(["bash", "-n", "-c", script], check=True)
    assert "${{" not in script
    if shutil.which("shellcheck"):
        said = subprocess.run(["shellcheck", "-s", "bash", "-"], input=script, text=True, capture_output=True)
        assert said.returncode == 0, said.stdout


def test_a_job_that_may_write_runs_no_code_of_a_pull_request() -> None:
    """The workflow with a token that writes starts after the other one, and checks out nothing but the default branch;
    the one that runs the pull request's code has a token that reads."""
    for path in WORKFLOWS:
        told = yaml.safe_load(path.read_text())
        started_by, may = told[True], told["permissions"]
        assert "pull_request_target" not in started_by
        if "write" in may.values():
            assert list(started_by) == ["workflow_run"] and "permissions" not in str(told["jobs"])
            assert not [step for step in steps(path) if "checkout" in step.get("uses", "") and "with" in step]
            assert not [step for step in steps(path) if "run" in step]
        else:
            assert may == {"contents": "read"} and "secrets." not in path.read_text()


def test_the_comment_is_made_by_what_is_installed_after_the_download() -> None:
    """Whatever the artifact holds, it lies in a folder of its own, and nothing of it is run."""
    known = list(steps(COMMENT))
    order = [step.get("uses", step.get("run", "")).split("@")[0] for step in known]
    assert order[0] == "actions/download-artifact" and "pip install" in order[2] and "-m speedproof comment" in order[3]
    assert known[0]["with"]["path"] == "${{ runner.temp }}/speedproof-data"


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), "-c", "init.defaultBranch=main", *words],
        env={**os.environ, **AUTHOR},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def committed(folder: Path, **files: str) -> str:
    """Writes files, NAME_py for NAME.py, and commits them. The commit."""
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "some change", "--allow-empty")
    return git(folder, "rev-parse", "HEAD")


class Repository:
    """A repository at a forge: main has three commits, a pull request left it after the second."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "origin"
        self.folder.mkdir()
        git(self.folder, "init", "-q")
        # A forge hands out any commit by its number.
        git(self.folder, "config", "uploadpack.allowAnySHA1InWant", "true")
        self.first = committed(self.folder, slow_py=SLOW, text_py=FAST, data_py=DATA)
        self.left = committed(self.folder)
        self.base = committed(self.folder)
        git(self.folder, "checkout", "-qb", "faster", self.left)
        self.head = committed(self.folder, text_py=WRONG)
        git(self.folder, "checkout", "-q", "--detach", self.base)
        git(self.folder, "merge", "-q", "--no-ff", "-m", "merge", self.head)
        self.merge = git(self.folder, "rev-parse", "HEAD")
        git(self.folder, "update-ref", "refs/pull/7/merge", self.merge)
        git(self.folder, "checkout", "-q", "main")

    def checked_out(self, commit: str, folder: Path) -> Path:
        """One commit alone, as a workflow checks it out."""
        folder.mkdir()
        git(folder, "init", "-q")
        git(folder, "remote", "add", "origin", self.folder.as_uri())
        git(folder, "fetch", "-q", "--no-tags", "--depth=1", "origin", commit)
        git(folder, "checkout", "-q", "--detach", commit)
        return folder


@pytest.fixture
def forge(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def ran(script: str, folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """A step's script, as the runner calls it."""
    known = {k: v for k, v in os.environ.items() if k != "PYTHONPATH" and not k.startswith(("SPEEDPROOF_", "GITHUB_"))}
    given = {ALL_PAIRS_WANTED: "1", "RUNNER_TEMP": str(folder.parent), "GITHUB_OUTPUT": str(folder.parent / "output")}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(command, cwd=folder, env={**known, **given, **variables}, capture_output=True, text=True)


def sides(folder: Path, event: str, **given: str) -> "subprocess.CompletedProcess[str]":
    """The step that finds the sides."""
    names = ("INPUT_BEFORE", "INPUT_AFTER", "PAIRS", "PULL_BASE", "PULL_HEAD", "PUSHED_FROM")
    (script,) = [text for text in scripts(COMPARE) if "sides.sh" in text]
    variables = {"ACTION": str(COMPARE.parent), "EVENT": event, **dict.fromkeys(names, ""), **given}
    return ran(script, folder, **variables)


def outputs(folder: Path) -> dict[str, str]:
    lines = (folder.parent / "output").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


ANY_PAIR = "slow.py:dedupe text.py:dedupe --inputs data.py:make"


def test_of_a_pull_request_the_sides_are_the_merge_and_the_base_that_it_was_made_with(
    forge: Repository, tmp_path: Path
) -> None:
    """The event's own base may be an older one, or newer than the merge."""
    here = forge.checked_out(forge.merge, tmp_path / "here")
    done = sides(here, "pull_request", PAIRS=ANY_PAIR, PULL_BASE=forge.first, PULL_HEAD=forge.head)
    assert done.returncode == 0, done.stderr
    assert outputs(here)["before"] == forge.base and outputs(here)["mode"] == "pairs"


def test_where_the_head_is_checked_out_it_is_held_against_where_it_left(forge: Repository, tmp_path: Path) -> None:
    here = forge.checked_out(forge.head, tmp_path / "here")
    done = sides(here, "pull_request", PAIRS=ANY_PAIR, PULL_BASE=forge.base, PULL_HEAD=forge.head)
    assert done.returncode == 0, done.stderr
    assert outputs(here)["before"] == forge.left


def test_of_a_push_the_side_before_is_what_was_there(forge: Repository, tmp_path: Path) -> None:
    here = forge.checked_out(forge.base, tmp_path / "here")
    assert sides(here, "push", PAIRS=ANY_PAIR, PUSHED_FROM=forge.first).returncode == 0
    assert outputs(here)["before"] == forge.first


@pytest.mark.parametrize("gone", ["0" * 40, "f" * 40])
def test_of_a_new_branch_or_a_forced_push_it_is_the_commit_before(forge: Repository, tmp_path: Path, gone: str) -> None:
    here = forge.checked_out(forge.base, tmp_path / "here")
    assert sides(here, "push", PAIRS=ANY_PAIR, PUSHED_FROM=gone).returncode == 0
    assert outputs(here)["before"] == forge.left


def test_an_input_comes_before_the_event(forge: Repository, tmp_path: Path) -> None:
    here = forge.checked_out(forge.merge, tmp_path / "here")
    given = {"PULL_BASE": forge.base, "PULL_HEAD": forge.head}
    assert sides(here, "pull_request", PAIRS=ANY_PAIR, INPUT_BEFORE=forge.first, **given).returncode == 0
    assert outputs(here)["before"] == forge.first


def test_a_library_gets_a_folder_for_its_commit_and_keeps_what_can_be_installed(
    forge: Repository, tmp_path: Path
) -> None:
    here = forge.checked_out(forge.merge, tmp_path / "here")
    assert sides(here, "pull_request", PULL_BASE=forge.base, PULL_HEAD=forge.head).returncode == 0
    told = outputs(here)
    assert told["mode"] == "libraries" and told["after"] == "."
    assert git(Path(told["before"]), "rev-parse", "HEAD") == forge.base
    assert sides(here, "schedule", INPUT_BEFORE="some-library==1.0", INPUT_AFTER="text.py").returncode == 0
    assert (outputs(here)["before"], outputs(here)["after"]) == ("some-library==1.0", "text.py")


def test_in_this_repository_commits_are_held_against_each_other(forge: Repository, tmp_path: Path) -> None:
    """The action then lies in what is checked out, and not where the runner puts a stranger's."""
    action = forge.checked_out(forge.merge, tmp_path / "here") / ".github" / "actions" / "compare"
    action.mkdir(parents=True)
    (action / "sides.sh").write_text(SIDES.read_text())
    here = tmp_path / "here"
    assert sides(here, "pull_request", ACTION=str(action), PULL_BASE=forge.base, PULL_HEAD=forge.head).returncode == 0
    told = outputs(here)
    assert (told["mode"], told["before"], told["root"]) == ("commits", forge.base, str(here))


@pytest.mark.parametrize(
    ("event", "given", "words"),
    [
        ("pull_request", {"PULL_BASE": "f" * 40}, "cannot be fetched"),
        ("pull_request", {"PULL_BASE": ""}, "cannot be fetched"),
        ("pull_request_target", {}, "not safe"),
        ("schedule", {}, "has no sides"),
        ("push", {"INPUT_BEFORE": "no-such-commit"}, "is no commit"),
        ("push", {"INPUT_AFTER": "some-library==1.0"}, "is for a library"),
    ],
)
def test_sides_that_cannot_be_had_are_one_line_and_status_two(
    forge: Repository, tmp_path: Path, event: str, given: dict[str, str], words: str
) -> None:
    here = forge.checked_out(forge.head, tmp_path / "here")
    done = sides(here, event, **{"PAIRS": ANY_PAIR, "PULL_HEAD": forge.head, "PUSHED_FROM": forge.left, **given})
    assert done.returncode == 2
    assert "::error::speedproof: " in done.stderr and words in done.stderr
    assert "Expected" in done.stderr and not (tmp_path / "output").exists()


def test_a_first_commit_and_a_base_that_has_nothing_in_common_are_told(forge: Repository, tmp_path: Path) -> None:
    here = forge.checked_out(forge.first, tmp_path / "here")
    assert "the first commit has none before it" in sides(here, "push", PAIRS=ANY_PAIR).stderr
    git(forge.folder, "checkout", "-q", "--orphan", "other")
    other = committed(forge.folder, text_py=LONGER)
    there = forge.checked_out(forge.head, tmp_path / "there")
    done = sides(there, "pull_request", PAIRS=ANY_PAIR, PULL_BASE=other, PULL_HEAD=forge.head)
    assert done.returncode == 2 and "no commit in common" in done.stderr


def step_that(of: Path, words: str) -> str:
    (script,) = [text for text in scripts(of) if words in text]
    return script


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A folder with the `python` that a workflow has set up."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (folder / "python").chmod(0o755)
    return folder


Measured = Callable[..., tuple["subprocess.CompletedProcess[str]", dict[str, str]]]


@pytest.fixture
def measured(forge: Repository, tmp_path: Path, commands: Path) -> Measured:
    """The measuring job over pairs: its steps' scripts, in the order of the action."""

    def job(pairs: str, after: str = forge.merge, **given: str) -> Any:
        here = forge.checked_out(after, tmp_path / "here")
        given = {"INPUT_BEFORE": forge.base, **given}
        assert (
            sides(here, "pull_request", PAIRS=pairs, PULL_BASE=forge.base, PULL_HEAD=forge.head, **given).returncode
            == 0
        )
        told = {name.upper(): value for name, value in outputs(here).items()}
        told |= {
            "PATH": os.pathsep.join((str(commands), os.environ["PATH"])),
            "SPEEDPROOF_CACHE": str(tmp_path / "cache"),
        }
        asked = {"PAIRS": pairs, "BUDGET_S": "0", "ACCEPTED": "accepted.toml", **given}
        done = ran(step_that(COMPARE, "bench guard"), here, **told, **asked)
        summary = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
        assert ran(step_that(COMPARE, "--show"), here, **told, **summary).returncode == 0
        return done, told

    return job


def test_a_wrong_function_ends_in_a_comment_on_its_pull_request(
    forge: Repository, measured: Measured, tmp_path: Path
) -> None:
    """From end to end: the measuring job's steps, its file, and the commenting job's step against the stand-in."""
    same = "slow.py:dedupe slow.py:dedupe --inputs data.py:make"
    pairs = f"\nBASE:text.py:dedupe text.py:dedupe --inputs data.py:make\n\n  {same}"
    done, _ = measured(pairs)
    assert done.returncode == 1, done.stderr
    told = read_told(tmp_path / "speedproof.json")
    assert [one.answers for one in told.rows] == ["different", "same"]
    assert told.rows[0].again[:2] == (f"{forge.base}:text.py:dedupe", "text.py:dedupe")
    assert "stop. Other answers in 1 of 2" in (tmp_path / "summary.md").read_text()

    (tmp_path / "speedproof-data").mkdir()
    (tmp_path / "speedproof.json").rename(tmp_path / "speedproof-data" / "speedproof.json")
    (tmp_path / "speedproof-venv").symlink_to(Path(sys.prefix))
    (tmp_path / "event.json").write_text(json.dumps(event()))
    empty = tmp_path / "empty"
    empty.mkdir()
    with standing_in(StandIn()) as stand_in:
        variables = {"GITHUB_API_URL": stand_in.address, "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_TOKEN": TOKEN}
        variables |= {"GITHUB_EVENT_PATH": str(tmp_path / "event.json"), "NO_PROXY": "*", "no_proxy": "*"}
        posted = ran(step_that(COMMENT, "speedproof comment"), empty, **variables)
        assert posted.returncode == 0, posted.stderr
        (one,) = stand_in.comments
        again = f"speedproof check {forge.base}:text.py:dedupe text.py:dedupe --inputs data.py:make"
        assert again in one["body"] and HEAD[:10] in one["body"]
        # Where the job left nothing, the comment says that.
        (tmp_path / "speedproof-data" / "speedproof.json").unlink()
        assert ran(step_that(COMMENT, "speedproof comment"), empty, **variables).returncode == 2
        assert "not judged" in one["body"]


def test_more_work_than_the_commit_before_stops_until_it_is_accepted(
    forge: Repository, measured: Measured, tmp_path: Path
) -> None:
    git(forge.folder, "checkout", "-q", "--detach", forge.base)
    after = committed(forge.folder, text_py=LONGER)
    pairs = "BASE:text.py:dedupe text.py:dedupe --inputs data.py:make"
    done, told = measured(pairs, after)
    assert done.returncode == 1 and "SAME ANSWER" in done.stdout
    assert "stop. Other work in 1 of 1" in (tmp_path / "summary.md").read_text()
    here = tmp_path / "here"
    accept = 'python -P -m speedproof accept --pull-request "$RUNNER_TEMP/speedproof.json" --accepted accepted.toml '
    assert ran(f"{accept} --who ada --why 'a warm-up'", here, **told).returncode == 0
    asked = {"PAIRS": pairs, "BUDGET_S": "0", "ACCEPTED": "accepted.toml"}
    again = ran(step_that(COMPARE, "bench guard"), here, **told, **asked)
    assert again.returncode == 0, again.stderr


def test_what_cannot_be_judged_is_told_to_the_comment_too(measured: Measured, tmp_path: Path) -> None:
    done, _ = measured("text.py:no_such text.py:dedupe --inputs data.py:make")
    assert done.returncode == 2
    assert "no_such" in read_told(tmp_path / "speedproof.json").failure
    assert "not judged" in (tmp_path / "summary.md").read_text()


@pytest.fixture
def caller(tmp_path: Path) -> Path:
    """A repository that uses the action: it has a `bench` of its own, and this project where the runner puts it."""
    here, ours = tmp_path / "here", tmp_path / "ours"
    (here / "bench").mkdir(parents=True)
    (here / "bench" / "__init__.py").write_text("raise SystemExit('the bench of the caller')\n")
    (ours / ".venv" / "bin").mkdir(parents=True)
    for name in ("src", "bench", "impl_sequential", "impl_batched"):
        (ours / name).symlink_to(ROOT / name)
    python = ours / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return here


def of_library(caller: Path, script: str, **given: str) -> "subprocess.CompletedProcess[str]":
    ours = caller.parent / "ours"
    known = {"MODE": "libraries", "ROOT": str(ours), "PYTHON": str(ours / ".venv" / "bin" / "python")}
    asked = {"BEFORE": "no-such-commit", "AFTER": ".", "PAIRS": "", "BUDGET_S": "0", "ACCEPTED": "accepted.toml"}
    return ran(script, caller, **{**known, **asked, **given})


def test_the_action_runs_this_project_and_no_bench_of_the_callers(caller: Path) -> None:
    """Bad input ends it early: the environments and the comparison have tests of their own."""
    script = step_that(COMPARE, "bench compare")
    answer = of_library(caller, script)
    assert answer.returncode == 2 and "BadInput: Side 'no-such-commit'" in answer.stderr
    assert outputs(caller)["junit"] == f"{caller.parent}/speedproof.xml"
    assert "no-such-commit" in read_told(caller.parent / "speedproof.json").failure
    answer = of_library(caller, script.replace(" -P ", " "))
    assert "the bench of the caller" in answer.stderr


@pytest.mark.parametrize(
    ("mode", "asked"),
    [
        ("libraries", "-P -m bench compare old new --budget-s 9"),
        ("commits", "-m bench guard --against old --budget-s 9"),
    ],
)
def test_each_kind_of_repository_is_asked_by_its_verb_and_ends_with_its_status(
    caller: Path, mode: str, asked: str
) -> None:
    python = caller.parent / "ours" / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\necho "$@"\nexit 1\n')
    (caller / "accepted.toml").touch()
    script = step_that(COMPARE, "bench compare")
    done = of_library(caller, script, MODE=mode, BEFORE="old", AFTER="new", BUDGET_S="9")
    assert done.returncode == 1
    told = f"--pull-request {caller.parent}/speedproof.json --accepted accepted.toml"
    assert done.stdout.startswith(f"{asked} {told} --markdown {caller.parent}/speedproof.md")


def test_without_a_file_there_is_no_summary(tmp_path: Path) -> None:
    script = step_that(COMPARE, "--show")
    here = tmp_path / "here"
    here.mkdir()
    assert ran(script, here, PYTHON="false", GITHUB_STEP_SUMMARY=str(tmp_path / "shown")).returncode == 0
    assert not (tmp_path / "shown").exists()


PAGE = ROOT / "docs" / "pull-requests.md"
YAML = [block.body for block in blocks(PAGE.read_text(encoding="utf-8")) if block.language == "yaml"]


def test_the_documentations_workflows_are_short_and_name_what_there_is(tmp_path: Path) -> None:
    assert len(YAML) == 4
    for n, text in enumerate(YAML):
        (tmp_path / f"{n}.yml").write_text(text)
        told = yaml.safe_load(text)
        (job,) = told["jobs"].values()
        ours = [step for step in job["steps"] if "/.github/actions/" in step["uses"]]
        (step,) = ours
        action = ROOT / ".github" / "actions" / step["uses"].partition("@")[0].rpartition("/")[2] / "action.yml"
        assert set(step.get("with", {})) <= set(yaml.safe_load(action.read_text())["inputs"])
        # Two pairs are two lines more.
        assert len(text.splitlines()) <= 10 + 3 * ("pairs:" in text)
        assert ("write" in str(told["permissions"])) == ("workflow_run" in str(told[True]))
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    done = subprocess.run([*command, *map(str, tmp_path.glob("*.yml"))], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    (tmp_path / "0.yml").write_text(YAML[0].replace("runs-on", "runs_on"))
    assert subprocess.run([*command, str(tmp_path / "0.yml")], capture_output=True).returncode == 1


def test_the_project_uses_its_own_actions() -> None:
    """The commenting workflow waits for the measuring one by its name, as the documentation says."""
    measuring, commenting = (
        yaml.safe_load((WORKFLOWS[0].parent / f"{n}.yml").read_text()) for n in ("speedproof", "comment")
    )
    assert commenting[True]["workflow_run"]["workflows"] == [measuring["name"]]
    assert commenting["jobs"]["comment"]["if"] == yaml.safe_load(YAML[-1])["jobs"]["comment"]["if"]
