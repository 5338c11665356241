"""The instrument is never taken from where the user is; a user's own module is, and shadows nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.findings import find
from speedproof import search_path
from speedproof.errors import BadInput
from speedproof.folders import ROOT, cache_folder, is_checkout, results_folder
from speedproof.pairs.candidate import load

SHADOWS = ("torch", "typing", "bench", "random", "pickle", "json", "numpy", "dataclasses", "transformers", "contextlib")
"""Modules that a user's file may share its name with."""
TRAP = "import os\nos.write(2, b'TRAPPED in ' + __file__.encode())\nos._exit(77)\n"
CANDIDATE = """
import json
import random

import torch

import bench
import helper
import impl_batched
import impl_batched.feature_links as batched

with open(helper.NOTES, "w") as notes:
    notes.write("\\n".join(m.__file__ for m in (bench, impl_batched, helper, json, random, torch)))

def feature_links(sae_name, feature_idxs):
    return batched.feature_links(sae_name, feature_idxs)
"""


def trapped(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in SHADOWS:
        (folder / f"{name}.py").write_text(TRAP)
    return folder


def a_checkout(folder: Path) -> Path:
    """A copy of the code, beside which lie files named as Python's and the libraries' modules are."""
    for name in ("src", *search_path.OWN[str(ROOT)]):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def environment(folder: Path) -> dict[str, str]:
    # Its own Python is the one that PATH gives; git's word for another repository must not matter.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    mine = {"PATH": path, "SPEEDPROOF_RESULTS": str(folder / "r"), "SPEEDPROOF_CACHE": str(folder / "c")}
    return {**os.environ, **mine, "GIT_DIR": "/nowhere"}


PAIR = find("feature_links").pairs[0]


START = (
    "import runpy, sys; sys.path.insert(0, sys.argv[1]); del sys.argv[1]; "
    "runpy.run_module('bench', run_name='__main__', alter_sys=True)"
)
"""Runs the code that lies in the folder given, from wherever one is."""


def test_a_link_a_colon_a_trapped_folder_and_a_candidate_with_a_helper_go_together(tmp_path: Path) -> None:
    code = a_checkout(tmp_path / "a b:c")
    for folder in (code, code / "src"):
        for name in ("torch", "numpy", "transformers"):
            (folder / f"{name}.py").write_text(TRAP)
    here = trapped(tmp_path / "user's: own")
    (here / "mine.py").write_text(CANDIDATE)
    (here / "helper.py").write_text(f"NOTES = {str(tmp_path / 'notes')!r}\n")
    (tmp_path / "first").symlink_to(code)
    (tmp_path / "second").symlink_to("first")
    command = [sys.executable, "-P", "-c", START, str(tmp_path / "second"), "check", "feature_links"]
    command += ["--candidate", f"mine.py:{PAIR.name}"]
    answer = subprocess.run(command, cwd=here, env=environment(tmp_path), capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr + answer.stdout
    assert "TRAPPED" not in answer.stderr
    bench, twins, helper, *libraries = (tmp_path / "notes").read_text().splitlines()
    assert [bench, twins, helper] == [
        str(code / "bench/__init__.py"),
        str(code / "impl_batched/__init__.py"),
        str(here / "helper.py"),
    ]
    assert not any(place.startswith(str(tmp_path)) for place in libraries)


def test_a_folder_that_is_gone_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    script = (
        f"cd {tmp_path}/gone && rmdir {tmp_path}/gone && exec {sys.executable} -P -c "
        f'"$START" {ROOT} check feature_links --workload smoke'
    )
    variables = {**environment(tmp_path), "START": START}
    answer = subprocess.run(["sh", "-c", script], env=variables, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr + answer.stdout


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The search path, put back afterwards."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "path_importer_cache", dict(sys.path_importer_cache))
    return sys.path


def found(name: str) -> str:
    from importlib.machinery import PathFinder

    spec = PathFinder.find_spec(name)
    return spec.origin or "" if spec else ""


def test_the_current_folder_is_taken_out_however_it_is_written(
    tmp_path: Path, path: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(trapped(tmp_path / "here"))
    (tmp_path / "link").symlink_to(tmp_path / "here")
    path[:0] = ["", ".", str(tmp_path / "here"), str(tmp_path / "link"), "relative"]
    search_path.own_code_alone()
    assert not [p for p in path if not os.path.isabs(p) or os.path.realpath(p) == str(tmp_path / "here")]
    assert not any(str(tmp_path) in found(name) for name in SHADOWS)
    assert found("bench") == str(ROOT / "bench/__init__.py")
    assert found("speedproof") == str(ROOT / "src/speedproof/__init__.py")


def test_pythons_own_folder_and_the_installed_libraries_stay_where_somebody_stands_in_them(
    path: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (os.path.dirname(os.__file__), os.path.dirname(os.path.dirname(pytest.__file__))):
        monkeypatch.chdir(folder)
        search_path.own_code_alone()
        assert folder in path


def test_our_packages_come_before_installed_ones_and_nothing_else_of_their_folder_does(
    tmp_path: Path, path: list[str]
) -> None:
    root = trapped(tmp_path / "root")
    installed = tmp_path / "lib" / "site-packages"
    for folder in (root, installed):
        (folder / "impl_batched").mkdir(parents=True)
        (folder / "impl_batched/__init__.py").touch()
    path.append(str(installed))
    search_path.own_code_alone({str(root): ("impl_batched",)})
    assert found("impl_batched") == str(root / "impl_batched/__init__.py")
    assert not any(str(root) in found(name) for name in SHADOWS)


def test_a_users_folder_comes_last(tmp_path: Path, path: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    own = trapped(tmp_path / "own")
    (own / "only_mine.py").touch()
    search_path.own_code_alone()
    search_path.add_users_folders(str(own))
    assert path[-2:] == [str(own), str(tmp_path / "here")]
    assert found("only_mine") == str(own / "only_mine.py") and not any(str(own) in found(name) for name in SHADOWS)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import sys; sys.exit()", "it called sys.exit"),
        ("raise MemoryError", "memory ran out"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("import helper_that_is_not", "No module named 'helper_that_is_not'"),
        ("x = = 1", "SyntaxError"),
        ("raise RuntimeError('two\\nlines')", "two lines at mine.py:1"),
    ],
)
def test_a_candidates_file_that_does_not_import_is_one_line(
    source: str, words: str, tmp_path: Path, path: list[str]
) -> None:
    (tmp_path / "mine.py").write_text(source)
    for _ in range(2):
        with pytest.raises(BadInput) as told:
            load(f"{tmp_path}/mine.py:f", PAIR)
        assert words in str(told.value) and "\n" not in str(told.value)


def test_a_candidate_may_have_a_sibling_and_a_name_that_a_library_has(tmp_path: Path, path: list[str]) -> None:
    (tmp_path / "sibling_of_torch.py").write_text("from impl_batched.feature_links import *\n")
    (tmp_path / "torch.py").write_text(
        f"from sibling_of_torch import {PAIR.name}\nimport torch\nassert torch.nn, 'this file is no torch'\n"
    )
    assert load(f"{tmp_path}/torch.py:{PAIR.name}", PAIR).__name__ == PAIR.name


def test_results_and_cache_go_to_the_checkout_or_to_the_user_and_never_beside_installed_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SPEEDPROOF_RESULTS", "SPEEDPROOF_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/ada")
    assert is_checkout(ROOT) and (results_folder(ROOT), cache_folder(ROOT)) == (ROOT / "results", ROOT / ".cache")
    for told in (None, "[project]\nname = 'other'\n", "project = 3\n", "= no TOML"):
        if told:
            (tmp_path / "pyproject.toml").write_text(told)
        assert not is_checkout(tmp_path)
        for folder in (results_folder(tmp_path), cache_folder(tmp_path)):
            assert not folder.is_absolute() or not folder.is_relative_to(tmp_path)
    if sys.platform == "linux":
        assert cache_folder(tmp_path) == Path("/home/ada/.cache/speedproof")
        monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
        assert cache_folder(tmp_path) == Path("/caches/speedproof")


def test_folders_that_variables_name_are_whole_and_an_empty_name_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPEEDPROOF_CACHE", "mine")
    assert cache_folder(ROOT) == tmp_path / "mine"
    monkeypatch.setenv("SPEEDPROOF_CACHE", "")
    assert cache_folder(ROOT) == ROOT / ".cache"


def test_where_the_current_folder_may_not_be_entered_another_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[str] = []

    def chdir(folder: str) -> None:
        if not entered:
            entered.append("refused")
            raise PermissionError
        entered.append(folder)

    monkeypatch.setattr(search_path, "os", SimpleNamespace(getcwd=lambda: "/closed", chdir=chdir))
    search_path.stay_somewhere()
    assert entered == ["refused", str(ROOT)]
