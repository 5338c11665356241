"""The wheel is built, holds the package and nothing else, and works where there is no checkout."""

import json
import shutil
import tarfile
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from .base_environment import ROOT
from .test_search_path import trapped
from .wheel import Built, Installed, build, differences, files_below, install

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TEMPLATE = "speedproof/report/page/templates/macros.html"
LOADED = "import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
LARGE = {"numpy", "scipy", "torch", "typer", "pydantic", "rich"}
OWN_PAIR = """
from itertools import accumulate


def slow(numbers):
    return [sum(numbers[: end + 1]) for end in range(len(numbers))]


def fast(numbers):
    return list(accumulate(numbers))


def one_short(numbers):
    return list(accumulate(numbers[:-1]))


def make(size, rng):
    return {"numbers": [int(rng.random() * 1000) for _ in range(size)]}
"""


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="session")
def environment(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return install(built.wheel, tmp_path_factory.mktemp("installed"))


@pytest.fixture
def installed(environment: Installed) -> Iterator[Installed]:
    """The environment, in which no test may leave anything."""
    before = files_below(environment.folder)
    yield environment
    assert files_below(environment.folder) == before


def test_the_wheel_holds_the_package_with_all_that_it_reads_and_nothing_else(built: Built) -> None:
    assert differences(built.wheel, built.sources) == []
    with ZipFile(built.wheel) as archive:
        assert {TEMPLATE, "speedproof/py.typed"} <= set(archive.namelist())
        assert {name.split("/")[0].split("-")[0] for name in archive.namelist()} == {"speedproof"}


@pytest.mark.parametrize(
    ("left_out", "put_in", "told"),
    [
        (TEMPLATE, "", f"lacks {TEMPLATE}"),
        ("speedproof/py.typed", "", "lacks speedproof/py.typed"),
        ("", "bench/hub.py", "holds bench/hub.py"),
    ],
)
def test_a_wheel_that_lacks_a_file_or_holds_a_strange_one_is_seen(
    built: Built, tmp_path: Path, left_out: str, put_in: str, told: str
) -> None:
    changed = tmp_path / built.wheel.name
    with ZipFile(built.wheel) as whole, ZipFile(changed, "w") as copy:
        for name in whole.namelist():
            if name != left_out:
                copy.writestr(name, whole.read(name))
        if put_in:
            copy.writestr(put_in, "")
    assert differences(changed, built.sources) == [told]


def test_the_source_distribution_holds_what_the_wheel_is_made_of_and_no_tests(built: Built) -> None:
    with tarfile.open(built.source_distribution) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", f"src/{TEMPLATE}"} <= held
    for stranger in ("tests", "bench", "impl_sequential", "impl_batched", "src/speedproof_studies"):
        assert (built.sources / stranger).is_dir() and stranger not in held


def test_the_metadata_says_what_the_project_says(environment: Installed) -> None:
    (folder,) = environment.packages.glob("speedproof-*.dist-info")
    told = Distribution.at(folder)
    extras = PROJECT["optional-dependencies"]
    assert {"torch", "lens", "report", "asv"} <= extras.keys() == set(told.metadata.get_all("Provides-Extra") or ())
    needed = [*PROJECT["dependencies"], *(f'{one}; extra == "{extra}"' for extra in extras for one in extras[extra])]
    assert {str(Requirement(one)) for one in told.requires or ()} == {str(Requirement(one)) for one in needed}
    assert not any(Requirement(one).name == "torch" for one in PROJECT["dependencies"])
    assert (told.metadata["License-Expression"], told.metadata["Requires-Python"]) == ("MIT", ">=3.11")
    assert told.metadata["Description-Content-Type"] == "text/markdown"
    assert told.read_text("METADATA").partition("\n\n")[2] == (ROOT / "README.md").read_text(encoding="utf-8")  # type: ignore[union-attr]
    assert told.read_text("licenses/LICENSE") == (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert {(one.name, one.group) for one in told.entry_points} == {
        ("speedproof", "console_scripts"),
        ("speedproof", "pytest11"),
    }


def test_the_environment_holds_the_installed_package_and_no_extra(installed: Installed, tmp_path: Path) -> None:
    code = (
        "import importlib.util as u, speedproof; "
        "print(speedproof.__file__); print([n for n in ('torch', 'jinja2', 'asv', 'bench') if u.find_spec(n)])"
    )
    done = installed.python("-c", code, cwd=tmp_path)
    assert done.stdout.split("\n")[:2] == [str(installed.packages / "speedproof/__init__.py"), "[]"], done.stderr


@pytest.mark.parametrize("start", [("command",), ("python", "-m", "speedproof")], ids=lambda start: start[0])
def test_both_ways_to_start_work_from_any_folder_and_import_nothing_that_lies_there(
    installed: Installed, tmp_path: Path, start: tuple[str, ...]
) -> None:
    trapped(tmp_path)
    # Python imports this one by itself for -m, before any code of ours.
    (tmp_path / "contextlib.py").unlink()
    program, *arguments = start
    run = getattr(installed, program)
    helped = run(*arguments, "--help", cwd=tmp_path)
    assert (helped.returncode, helped.stderr) == (0, "") and " check " in helped.stdout
    listed = run(*arguments, "list", "--json", cwd=tmp_path)
    assert (listed.returncode, listed.stderr, json.loads(listed.stdout)) == (0, "", [])
    # The companion: whoever does not look out falls into it.
    assert installed.python("-c", "import random", cwd=tmp_path).returncode == 77


def test_without_a_project_the_list_says_so_and_what_next(installed: Installed, tmp_path: Path) -> None:
    done = installed.command("list", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "No project" in done.stdout and "speedproof check" in done.stdout


@pytest.mark.parametrize("verb", ["check", "controls", "measure", "profile", "run"])
def test_a_verb_that_has_nothing_to_judge_says_so_and_does_not_pass(
    installed: Installed, tmp_path: Path, verb: str
) -> None:
    done = installed.command(verb, cwd=tmp_path)
    assert done.returncode == 2 and "fault of speedproof" not in done.stderr, done.stderr
    assert "Expected" in done.stderr.splitlines()[-1]


def test_the_doctor_looks_at_a_machine_without_torch_and_says_what_next(installed: Installed, tmp_path: Path) -> None:
    """What a card tells a user to ask where the machine was disturbed."""
    done = installed.command("doctor", cwd=tmp_path)
    assert done.returncode in (0, 1) and done.stderr == "", done.stderr
    signs = {line.split(":")[0] for line in done.stdout.splitlines() if ": " in line}
    assert {"cores", "load", "thread pools", "clock", "accelerator", "results folder"} <= signs
    assert "torch is not installed" in done.stdout and not {"hub", "versions", "torch", "memory"} & signs
    assert done.stdout.splitlines()[-1] == "Fit to measure." or done.stdout.rstrip().endswith("speedproof doctor")
    # The companion: a folder that cannot be written is seen here too.
    (tmp_path / "file").touch()
    assert installed.command("doctor", "--results", "file/x", cwd=tmp_path).returncode == 2


def test_to_import_the_package_loads_no_library(installed: Installed, tmp_path: Path) -> None:
    seen = []
    for module in ("speedproof", "speedproof.cli"):
        done = installed.python("-c", LOADED.format(module=module), cwd=tmp_path)
        seen.append(LARGE & set(json.loads(done.stdout)))
    assert not seen[0]
    # The companion: what the command line loads is seen.
    assert {"pydantic", "typer"} <= seen[1]


def test_records_go_where_the_user_is_and_what_is_written_beside_the_code_would_be_seen(
    installed: Installed, tmp_path: Path
) -> None:
    code = "from speedproof.folders import CACHE, RESULTS; print(CACHE); print(RESULTS.absolute())"
    done = installed.python("-c", code, cwd=tmp_path)
    assert [Path(line) for line in done.stdout.splitlines()] == [
        installed.home / (".cache/speedproof"),
        tmp_path / "speedproof-results",
    ]
    copy = tmp_path / "copy"
    shutil.copytree(installed.packages / "speedproof", copy)
    before = files_below(copy)
    (copy / "report" / "new.json").touch()
    assert files_below(copy) - before == {"report/new.json"}


# The pair outside the repository: the installed command, a file of the user's, and nothing else.


@pytest.mark.parametrize(("candidate", "status"), [("fast", 0), ("one_short", 1), ("missing", 2)])
def test_a_pair_outside_the_repository_is_judged(
    installed: Installed, tmp_path: Path, candidate: str, status: int
) -> None:
    (tmp_path / "pair.py").write_text(OWN_PAIR)
    done = installed.command("check", "pair.py:slow", f"pair.py:{candidate}", "--inputs", "pair.py:make", cwd=tmp_path)
    assert done.returncode == status, done.stdout + done.stderr
    # Python itself says 1 of a program that broke, and the parser 2 of an option that it does not know.
    assert "Traceback" not in done.stderr and candidate in (done.stdout if status < 2 else done.stderr)
