"""Other ways in: pairs that an installed package brings, and figures of what a test has proven."""

import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import speedproof
from speedproof.own.doors.measuring import figure_of
from speedproof.timing import runner, warmup

from .test_command import MINE, asked

BROUGHT = """\
from speedproof import Pair

ONE = Pair("brought:slow", "brought:fast", inputs="brought:make", sizes=(0, 1, 5))
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with an installed package that brings a pair."""
    folder = tmp_path / "site"
    told = folder / "brought-1.0.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: brought\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text("[speedproof.pairs]\nbrought = brought_pairs:ONE\n")
    (folder / "brought.py").write_text(MINE, encoding="utf-8")
    (folder / "brought_pairs.py").write_text(BROUGHT, encoding="utf-8")
    return folder


def test_a_pair_of_an_installed_package_goes_by_its_name(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    where = {"PYTHONPATH": str(package), "SPEEDPROOF_CACHE": str(tmp_path / "cache")}
    listed = asked("list", "--json", **where)
    assert {"pair": "brought", "at": "brought_pairs:ONE"} in json.loads(listed.stdout), listed.stderr
    found = asked("check", "brought", "--faults", "0", **where)
    assert found.returncode == 0 and found.stdout.startswith("SAME ANSWER: fast gives what slow gives."), found.stderr
    # What the pair says itself cannot be said beside it, and a name that nobody brings is told.
    assert "--sizes beside brought" in asked("check", "brought", "--sizes", "0", **where).stderr
    assert asked("check", "brougt", **where).returncode == 2


def test_a_profile_tells_which_functions_take_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    inputs = ("--inputs", "mine.py:make", "--sizes", "50")
    found = asked("profile", "mine.py:slow", "mine.py:fast", *inputs, "--json")
    assert found.returncode == 0, found.stderr
    told = json.loads(found.stdout)["profiles"]
    assert [(one["arm"], one["function"]) for one in told] == [("reference", "slow"), ("candidate", "fast")]
    assert all(Path(one["file"]).stat().st_size for one in told) and any(
        "slow (mine.py:" in line for line in told[0]["lines"]
    )
    # The companion: what cannot be profiled is no profile.
    assert asked("profile", "mine.py:slow", "mine.py:other", *inputs).returncode == 2


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples are taken here: how a process begins is no part of these claims."""

    def here(usage: Any, work: Any, *arguments: Any) -> Iterator[Any]:
        done: Iterator[Any] = work(*arguments)
        return done

    monkeypatch.setattr(runner, "in_fresh_process", here)
    # Nor is how long one warms up or takes samples; collecting all that the tests hold takes longer than those.
    monkeypatch.setattr(warmup, "LONGEST_WARM_UP_S", 0.0)
    monkeypatch.setattr(runner, "SHORTEST_STRETCH_S", 0.0)
    monkeypatch.setattr(gc, "collect", lambda *_: 0)


@pytest.mark.usefixtures("in_this_process")
def test_what_a_test_has_proven_is_timed_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "timed.py").write_text(MINE, encoding="utf-8")
    checked = speedproof.check("timed.py:slow", "timed.py:fast", "timed.py:make", sizes=(0, 1, 30))
    told = figure_of(checked, 0.01)
    assert "x [" in told and "95% interval" in told and "the candidate against itself" in told


def test_what_no_other_process_could_find_is_told_and_not_timed() -> None:
    checked = speedproof.check(lambda items: sorted(items), lambda items: sorted(items), {"items": [2, 1]})
    assert "not timed, since another process could not find the functions by name" in figure_of(checked, 0.5)
