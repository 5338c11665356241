"""With the base dependencies alone every general module is imported, and what needs an extra says which."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .base_environment import ROOT, base_environment

SCRIPT = """
import importlib, json, pkgutil, sys
sys.path.insert(0, sys.argv.pop(1))
import speedproof
refused = {}
for module in pkgutil.walk_packages(speedproof.__path__, "speedproof.", onerror=lambda name: None):
    if module.name.startswith("speedproof.tensors.") or "__main__" in module.name or ".tokenizer." in module.name:
        continue
    try:
        importlib.import_module(module.name)
    except ImportError as error:
        refused[module.name] = str(error)
print(json.dumps(refused))
"""
VERB = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from speedproof.__main__ import main
main()
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return base_environment(tmp_path_factory.mktemp("base"))


def python(code: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A Python that finds nothing but its own library and what it is given."""
    return subprocess.run([sys.executable, "-I", "-S", "-c", code, *arguments], capture_output=True, text=True)


def test_every_general_module_is_imported_with_the_base_dependencies_alone(base: Path) -> None:
    refused = json.loads(python(SCRIPT, str(base)).stdout)
    of_models = {name for name in refused if name.startswith("speedproof.lens.")}
    # pytest alone imports its plugin.
    assert set(refused) == {*of_models, "speedproof.own.doors.pytest_plugin"}
    # The companion: what runs models needs torch, and is seen to.
    assert refused["speedproof.lens.oracle"] == "No module named 'torch'"


@pytest.mark.parametrize("verb", [["--help"], ["list"], ["duplicates", str(ROOT / "bench/hub.py")]])
def test_verbs_that_run_no_model_need_no_extra(base: Path, verb: list[str]) -> None:
    done = python(VERB, str(base), *verb)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


def test_an_extra_that_is_not_installed_is_one_line_that_says_what_to_install(base: Path, tmp_path: Path) -> None:
    for verb, missing, extra in (
        (["report", "--results", str(tmp_path)], "jinja2", "report"),
        (["check", "grad_mode", "--workload", "smoke", "--results", str(tmp_path)], "torch", "torch"),
    ):
        done = python(VERB, str(base), *verb)
        assert done.returncode == 2 and "Traceback" not in done.stderr
        told = done.stderr.splitlines()[-1]
        assert f"{missing} is not installed" in told and f"pip install 'speedproof[{extra}]'" in told, done.stderr
