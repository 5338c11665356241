"""Verbs that need no model start without the libraries of models, and without heavy ones that they have no use for."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OF_MODELS = ("torch", "transformer_lens", "sae_lens", "transformers")
HEAVY = ("numpy", "scipy.special", "scipy.stats", "statsmodels", "pandas")
"""Half a second each to import, or not much less."""

VERBS = {
    "list": ["list"],
    "records": ["records", "--kind", "sat"],
    "duplicates": ["duplicates", "src/speedproof/cli"],
    "report": ["report", "--json"],
    "--help": ["--help"],
    "help of a study": ["power", "--help"],
    "power --show": ["power", "--show"],
}
NEEDED = {
    "records": {"numpy", "pandas"},
    "report": {"numpy", "scipy.special"},
    "power --show": {"numpy", "scipy.special", "pandas"},
}
"""Verb -> what it may load, for a table or for a figure's interval; the others none of it."""

WATCHED = f"""
import json, sys
from speedproof.cli import main
from speedproof_studies.project import PROJECT
try:
    main(PROJECT)
finally:
    sys.stderr.write("\\n" + json.dumps(sorted(set(sys.modules) & set({(*OF_MODELS, *HEAVY)}))))
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
def test_a_verb_that_runs_no_model_loads_no_library_of_models_and_no_heavy_one_in_vain(
    verb: str, results: Path
) -> None:
    assert set(loaded(WATCHED, VERBS[verb], results)) <= NEEDED.get(verb, set())


def test_a_library_that_the_command_line_imports_is_seen(results: Path) -> None:
    assert "torch" in loaded(f"import speedproof.tensors.rounding\n{WATCHED}", VERBS["list"], results)
