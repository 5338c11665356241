"""The matrix: a table of dependency sets. The resolver is stood in for; the workers are real."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from asv.config import Config
from asv.environment import get_environments

from bench.findings import find
from speedproof.errors import BadInput
from speedproof.folders import ROOT
from speedproof.pairs.finding import TWINS
from speedproof.pairs.question import questions
from speedproof.sides.asv import FILE, configuration
from speedproof.sides.installing import VARIABLE, Run, Unsupported
from speedproof.sides.matrix import Column, matrix, read_columns

COLUMNS = [Column(name, f"numpy{pin}") for name, pin in (("first", "<3"), ("unmet", "<1"), ("last", "<4"))]
CONFLICT = "The conflict is caused by:\n    a 1 depends on numpy<2\n    b 2 depends on numpy>=2\n\nTo fix"


def silent(what: str, left: int) -> None:
    pass


def installs_all_but(unmet: str) -> Run:
    """An installer that makes interpreters with this one's libraries, and cannot meet one requirement."""

    def run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        if "venv" in command:
            python = Path(command[-1]) / "bin" / "python"
            python.parent.mkdir(parents=True)
            python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
            python.chmod(0o755)
        return subprocess.CompletedProcess(list(command), int(unmet in command), CONFLICT, "")

    return run


@pytest.mark.usefixtures("warm_workers")
def test_a_column_that_cannot_be_resolved_says_why_and_the_others_go_on(tmp_path: Path) -> None:
    asked = questions([find("feature_links")], "smoke")
    found = list(matrix(COLUMNS, asked, 0, 1, tmp_path, silent, installs_all_but("numpy<1")))
    assert [(one.after.text, one.twin) for one in found] == [(c.side, t) for c in COLUMNS[1:] for t in TWINS]
    for one in found[: len(TWINS)]:
        assert "a 1 depends on numpy<2 b 2 depends on numpy>=2" in one.failure and one.answers is None
    for one in found[len(TWINS) :]:
        assert not one.failure and one.answers and one.answers.status == "same"


def test_without_the_first_column_there_is_nothing_to_hold_the_others_against(tmp_path: Path) -> None:
    asked = questions([find("feature_links")], "smoke")
    with pytest.raises(Unsupported, match="No environment for 'numpy<3'"):
        list(matrix(COLUMNS, asked, 0, 1, tmp_path, silent, installs_all_but("numpy<3")))


@pytest.mark.parametrize(
    "text",
    ["", "[[column]]\nname = 'a'", "column = 3", "[[column]]\nname = 'a'\nside = '.'", "[[column]]\nmistake = 1"],
)
def test_a_damaged_table_is_bad_input(tmp_path: Path, text: str) -> None:
    (tmp_path / "matrix.toml").write_text(text)
    with pytest.raises(BadInput, match="Expected"):
        read_columns(tmp_path / "matrix.toml")


def test_asvs_matrix_is_in_step_with_ours() -> None:
    """Made by: python -m bench matrix --asv > asv.matrix.json"""
    assert FILE.read_text() == configuration(read_columns())


def test_a_changed_column_would_put_it_out_of_step() -> None:
    first, *others = read_columns()
    assert FILE.read_text() != configuration([replace(first, side="transformer-lens==3.9.0"), *others])


def test_asv_reads_one_environment_a_column_and_no_product(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = list(get_environments(Config.load(FILE.name), []))
    assert [one.build_env_vars for one in found] == [{VARIABLE: column.side} for column in read_columns()]
    assert len({one.dir_name for one in found}) == len(found)
    (own,) = get_environments(Config.load("asv.conf.json"), [])
    assert not own.build_env_vars


def test_what_asv_runs_in_an_empty_environment_imports_nothing_that_is_not_there() -> None:
    program = "import sys, speedproof.sides.installing; print({'torch', 'pydantic', 'numpy'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT / "src", capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"


@pytest.mark.parametrize("side", ["HEAD+numpy<2", "HEAD"])
def test_a_column_of_a_commit_is_none_for_asv_which_chooses_its_own(side: str) -> None:
    with pytest.raises(BadInput, match="asv chooses the commits"):
        configuration([Column("mine", side)])
