"""The matrix as asv knows it: a configuration with one environment a column.

asv multiplies the versions of a `matrix`, and asks for each requirement by itself, so that nothing holds torch to what
is tested. Here each column is one `include`, which names its side in an environment variable, and the install command
(`installing.py`) asks for all of it at once, as `python -m bench compare` does.
"""

import json
from collections.abc import Sequence

from speedproof.errors import BadInput
from speedproof.folders import ROOT

from .installing import VARIABLE
from .matrix import Column
from .side import parse_side

BASE = ROOT / "asv.conf.json"
FILE = ROOT / "asv.matrix.json"
"""Held in step with `matrix.toml` by a test."""
PYTHON = "3.11"
"""The oldest that the project takes, so the one that most releases of its libraries know."""


def configuration(columns: Sequence[Column]) -> str:
    """`asv.conf.json` with an environment for each column in place of its own.

    Raises:
        BadInput: a column names a commit or a folder; asv chooses what is measured by itself.
    """
    for column in columns:
        side = parse_side(column.side)
        if side.commit or side.libraries or side.tree != ROOT:
            raise BadInput(f"Column {column.name!r}: asv chooses the commits. Expected requirements alone.")
    told = json.loads(BASE.read_text(encoding="utf-8"))
    told["exclude"] = [{"python": ".*"}]
    told["include"] = [{"python": PYTHON, "env": {VARIABLE: column.side}} for column in columns]
    return json.dumps(told, indent=4) + "\n"
