"""Verbs that need no model start without the libraries of models, and bring pandas along only to make tables with."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OF_MODELS = ("torch", "transformer_lens", "sae_lens", "transformers")

VERBS = {
    "list": ["list"],
    "records": ["records", "--kind", "sat"],
    "duplicates": ["duplicates", "src/speedproof/cli"],
    "report": ["report", "--json"],
    "--help": ["--help"],
    "help of a study": ["power", "--help"],
    "power --show": ["power", "--show"],
}
MAKE_TABLES = ("records", "power --show")

WATCHED = f"""
import json, sys
from speedproof.cli import main
from speedproof_studies.project import PROJECT
try:
    main(PROJECT)
finally:
    sys.stderr.write("\\n" + json.dumps(sorted(set(sys.modules) & set({(*OF_MODELS, "pandas")}))))
"""


def loaded(code: str, arguments: list[str], results: Path) -> list[str]:
    """Which of the libraries a process of its own has loaded at its end."""
    where = ["--results", str(results)] if arguments[0] in ("records", "report") or "--show" in arguments else []
    command = [sys.executable, "-c", code, *arguments, *where]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode in (0, 1), done.stderr
    told: list[str] = json.loads(done.stderr.splitlines()[-1])
    return told


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed records, of which a report may be written."""
    folder = tmp_path_factory.mktemp("results")
    (folder / "records").symlink_to(ROOT / "results/records")
    return folder


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_that_runs_no_model_loads_no_library_of_models(verb: str, results: Path) -> None:
    assert set(loaded(WATCHED, VERBS[verb], results)) <= ({"pandas"} if verb in MAKE_TABLES else set())


def test_a_library_that_the_command_line_imports_is_seen(results: Path) -> None:
    assert "torch" in loaded(f"import speedproof.tensors.rounding\n{WATCHED}", VERBS["list"], results)
