"""A process that begins takes the hub, its cache and the token from the environment, and shows no token."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

from .hub_contents import MODEL, NAME
from .hub_stand_in import Hub

TOKEN = "hf_" + "a" * 30
LOADS = """
import sys
from speedproof.errors import BadInput
from speedproof.lens.subject import find_subject
subject = find_subject(sys.argv[1])
try:
    subject.model
except BadInput as error:
    print(error)
    raise
"""


def test_the_environment_names_the_hub_and_the_token_which_is_shown_nowhere(filled: Hub, tmp_path: Path) -> None:
    """The error is raised through as well, since a traceback is what shows most."""
    filled.gated.add(MODEL)
    around = {**os.environ, "HF_ENDPOINT": filled.url, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path / "hf")}
    around |= {"HF_TOKEN": TOKEN, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", LOADS, NAME]
    found = subprocess.run(command, cwd=tmp_path, env=around, capture_output=True, text=True, timeout=300)
    assert found.returncode == 1 and "gated, and the account of the token has no access to it" in found.stdout
    assert "Traceback" in found.stderr and TOKEN not in found.stdout + found.stderr
    asked = [one for one in filled.asked if one.path.endswith("/cfg.json")]
    assert asked and {one.token for one in asked} == {TOKEN}
    assert list((tmp_path / "hf/hub").glob("models--*/snapshots/*/*/cfg.json"))
