"""Git: asked about the folder itself, and its reasons told in a line."""

import os
import subprocess
from pathlib import Path

import pytest

from bench.findings import FINDINGS
from speedproof import environment, repository
from speedproof.digest import file_digest
from speedproof.errors import BadInput
from speedproof.folders import ROOT
from speedproof.sides import places
from speedproof.sides.installing import Unsupported
from speedproof.sides.places import place_of
from speedproof.sides.side import IMPLEMENTATIONS, Side, parse_side, tree_digest, uncommitted

from .sides.test_side import git
from .sides.test_side import repository as two_commits

__all__ = ["two_commits"]


def test_variables_that_mean_another_repository_are_not_heeded(
    two_commits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = parse_side("HEAD", two_commits), tree_digest(parse_side("HEAD", two_commits), two_commits)
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(two_commits))
    assert (parse_side("HEAD", two_commits), tree_digest(parse_side("HEAD", two_commits), two_commits)) == before
    assert not uncommitted(two_commits) and not repository.why_unusable(two_commits)


def test_a_hook_that_gives_another_index_does_not_hide_what_is_not_committed(
    two_commits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (two_commits / "impl_batched" / "one.py").write_text("NUMBER = 3\n")
    (two_commits / "impl_batched" / "with ümlaut and blank.py").touch()
    monkeypatch.setenv("GIT_INDEX_FILE", str(two_commits / "no index"))
    assert sorted(uncommitted(two_commits)) == ["impl_batched/one.py", "impl_batched/with ümlaut and blank.py"]


def reason(folder: Path) -> str:
    with pytest.raises(BadInput) as told:
        parse_side("no-such-commit", folder)
    assert "\n" not in str(told.value) and "Expected a commit" in str(told.value)
    return str(told.value)


def test_each_reason_of_gits_is_told_with_the_way_out(
    two_commits: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path_factory.mktemp("other")
    assert reason(two_commits).startswith("Side 'no-such-commit': 'no-such-commit' is no commit of this repository. ")
    assert "is not a git repository" in reason(other)
    git(other, "clone", "-q", "--bare", str(two_commits), "bare")
    assert "bare repository" in reason(other / "bare")
    git(other, "clone", "-q", "--depth", "1", f"file://{two_commits}", "shallow")
    assert "git fetch --unshallow" in reason(other / "shallow")
    assert parse_side("HEAD", other / "shallow").commit
    # Git's own switch to have its tests see another owner.
    repository.why_unusable.cache_clear()
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert f"config --global --add safe.directory '{two_commits}'" in reason(two_commits)
    monkeypatch.delenv("GIT_TEST_ASSUME_DIFFERENT_OWNER")
    repository.why_unusable.cache_clear()
    monkeypatch.setenv("PATH", str(other))
    assert "git is not installed" in reason(two_commits)
    repository.why_unusable.cache_clear()


def test_a_project_within_a_larger_repository_and_one_that_is_a_submodule_are_found(
    two_commits: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outer = tmp_path_factory.mktemp("outer")
    git(outer, "init", "-q")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(two_commits), "part")
    assert parse_side("HEAD~1", outer / "part").commit
    inner = outer / "folder"
    for name in IMPLEMENTATIONS:
        (inner / name).mkdir(parents=True)
        (inner / name / "one.py").write_text("NUMBER = 9\n")
    git(outer, "add", ".")
    git(outer, "commit", "-q", "-m", "all")
    side = parse_side("HEAD", inner)
    (inner / "impl_batched" / "one.py").write_text("NUMBER = 8\n")
    assert side.commit and tree_digest(side, inner) and [Path(path).name for path in uncommitted(inner)] == ["one.py"]


def test_a_commit_is_handed_out_as_it_was_committed_whatever_line_ends_are_asked_for(
    two_commits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(two_commits, "config", "core.autocrlf", "true")
    monkeypatch.setattr(places, "ROOT", two_commits)
    monkeypatch.setattr(places, "tree_digest", lambda side: "a tree")
    place = place_of(parse_side("HEAD", two_commits), tmp_path / "cache")
    assert (place.tree / "impl_batched" / "one.py").read_bytes() == b"NUMBER = 2\n"
    gone = Side("gone", commit="0" * 40)
    monkeypatch.setattr(places, "tree_digest", lambda side: "no tree")
    with pytest.raises(Unsupported, match=r"No place for 'gone': .*not a tree object"):
        place_of(gone, tmp_path / "cache")


def test_a_clone_that_converts_line_ends_has_the_same_fingerprints(tmp_path: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone, so there is none to be made of it")
    command = ["git", "clone", "-q", "--no-checkout", "-c", "core.autocrlf=true", str(ROOT), str(tmp_path / "clone")]
    subprocess.run(command, check=True)
    git(
        tmp_path / "clone",
        "checkout",
        "HEAD",
        "--",
        ".gitattributes",
        *IMPLEMENTATIONS,
        "src/speedproof/lens/embedded/tokenizer",
        ".ci",
    )
    for finding in FINDINGS:
        file = f"impl_sequential/{finding.name}.py"
        assert file_digest(tmp_path / "clone" / file) == finding.definition_digest
    for path in ("src/speedproof/lens/embedded/tokenizer/tokenizer.json", ".ci/run"):
        assert b"\r\n" not in (tmp_path / "clone" / path).read_bytes()


def test_every_kind_of_file_that_is_committed_has_its_line_ends_decided() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone, so nothing is committed")
    told = subprocess.run(
        ["git", "ls-files", "--eol", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    entries = [entry.partition("\t") for entry in told.split("\0") if entry]
    assert entries and not [path for seen, _, path in entries if "i/crlf" in seen or "i/mixed" in seen]
    assert all("eol=lf" in seen or "attr/-text" in seen for seen, _, _ in entries)


def test_where_git_tells_nothing_a_record_says_unknown_and_the_reason_is_at_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in (environment.current_environment, environment.why_no_commit, repository.why_unusable):
        one.cache_clear()
    try:
        monkeypatch.setenv("PATH", str(tmp_path))
        assert environment.current_environment().commit == "unknown"
        assert environment.why_no_commit() == "git is not installed, or not on the PATH"
    finally:
        for one in (environment.current_environment, environment.why_no_commit, repository.why_unusable):
            one.cache_clear()
    monkeypatch.undo()
    assert len(environment.current_environment().commit) == 40 or not (ROOT / ".git").exists()


def test_git_that_hangs_or_cannot_be_run_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "git"
    fake.write_text("#!/bin/sh\nexec sleep 60\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(repository, "LIMIT_S", 0.3)
    assert repository.ask(tmp_path, "status").why_not == "git gave no answer within 0 s"
    fake.write_text("#!/bin/sh\nexit 3\n")
    assert repository.ask(tmp_path, "status").why_not == "git failed and said nothing"
    assert repository.ask(tmp_path, "status").text == ""
