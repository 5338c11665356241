"""Sides and places: what a side's words stand for, and how its environment is made and kept."""

import subprocess
from pathlib import Path

import pytest

from speedproof.errors import BadInput
from speedproof.sides.installing import environment_key, wanted
from speedproof.sides.side import Side, parse_side, tree_digest


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits of twins, and before them one without."""
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "nothing")
    for number in (1, 2):
        for name in ("impl_sequential", "impl_batched"):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / "one.py").write_text(f"NUMBER = {number}\n")
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "-q", "-m", str(number))
    return tmp_path


def test_a_commit_is_known_by_its_hash(repository: Path) -> None:
    side = parse_side("HEAD~1", repository)
    assert len(side.commit) == 40 and not side.own_environment
    assert tree_digest(side, repository) != tree_digest(parse_side("HEAD", repository), repository)


def test_the_working_tree_and_a_commit_with_the_same_files_are_two_digests_of_one_kind_each(repository: Path) -> None:
    here = Side(".", tree=repository)
    before = tree_digest(here, repository)
    (repository / "impl_batched" / "one.py").write_text("NUMBER = 3\n")
    assert tree_digest(here, repository) != before


def test_requirements_are_joined_by_a_plus_and_a_local_label_is_none() -> None:
    side = parse_side("numpy<2+transformer-lens==3.5.1+torch==2.13.0+cpu")
    assert side.requirements == ("numpy<2", "torch==2.13.0+cpu", "transformer-lens==3.5.1")
    assert side.names == {"numpy", "torch", "transformer-lens"}
    assert side.own_environment and not side.commit


def test_a_commit_and_requirements_go_together(repository: Path) -> None:
    side = parse_side("HEAD+transformer-lens==3.5.1", repository)
    assert side.commit and side.requirements == ("transformer-lens==3.5.1",)


def test_a_folder_with_both_twins_is_a_tree_and_a_project_is_a_library(repository: Path, tmp_path: Path) -> None:
    assert parse_side(str(repository)).tree == repository
    library = tmp_path / "library"
    library.mkdir()
    (library / "pyproject.toml").touch()
    assert parse_side(str(library)).libraries == (library,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no-such-branch", "'no-such-branch' is no commit"),
        ("HEAD~2", "has no impl_sequential/"),
        ("HEAD+HEAD~1", "more than once"),
        ("", "'' is no commit"),
        ("HEAD+", "'' is no commit"),
        ("--help", "'--help' is no commit"),
    ],
)
def test_words_that_stand_for_nothing_are_bad_input(repository: Path, text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        parse_side(text, repository)


def test_a_folder_that_is_neither_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="can neither be installed"):
        parse_side(str(tmp_path))


def test_what_a_side_names_is_asked_for_in_its_words_alone() -> None:
    asked, constraints = wanted(parse_side("transformer_lens==2.18.0+numpy<2"))
    assert [text for text in asked if "lens" in text and "transformer" in text] == ["transformer_lens==2.18.0"]
    assert not [line for line in constraints if line.startswith(("transformer-lens", "numpy=="))]
    assert [line for line in constraints if line.startswith("torch==")]


def test_sides_that_ask_for_the_same_share_an_environment() -> None:
    one = parse_side("numpy<2+transformer-lens==2.18.0")
    other = parse_side("transformer-lens==2.18.0+numpy<2")
    assert environment_key(one) == environment_key(other)
    assert environment_key(one) != environment_key(parse_side("transformer-lens==2.18.0+numpy<1"))


def test_a_library_that_changes_gets_another_environment(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    side = parse_side(str(tmp_path))
    before = environment_key(side)
    (tmp_path / "code.py").write_text("x = 1\n")
    assert environment_key(side) != before


@pytest.mark.parametrize(
    "text", ["transformer-lens==4.3.0", "transformer_lens>=4,<5", "transformer-lens~=4.1", "transformer-lens==4.*"]
)
def test_a_side_of_a_lens_that_no_saelens_takes_goes_without_it(text: str) -> None:
    asked, constraints = wanted(parse_side(text))
    assert not [line for line in (*asked, *constraints) if line.startswith("sae-lens")]


@pytest.mark.parametrize(
    "text",
    ["transformer-lens==3.9.0", "transformer-lens<4", "transformer-lens>=2.16", "transformer-lens==4.3.0+sae-lens==7"],
)
def test_any_other_side_is_asked_with_saelens(text: str) -> None:
    asked, _ = wanted(parse_side(text))
    assert len([line for line in asked if line.startswith("sae-lens")]) == 1
