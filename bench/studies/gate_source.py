"""The gate's source: the modules that decide whether a function passes, and a fingerprint of them."""

from ..digest import file_digest
from ..folders import ROOT

GATE = (
    *("alterations", "baseline", "built", "callables", "check", "diagnosis", "equivalence", "features", "gate"),
    *("hostile", "oracle", "outputs", "patches", "pinned", "plain", "ranks", "refusals", "rules", "state", "trials"),
    "variations",
)
"""The modules that decide whether a function passes."""


def gate_digest() -> str:
    """Fingerprint of the gate and of the rewrites: trials of another gate say nothing about this one's rate."""
    ruler = ROOT / "bench"
    folders = [sorted((ruler / name).glob("*.py")) for name in ("aspects", "rewrites")]
    return file_digest(*(ruler / f"{name}.py" for name in GATE), *(path for paths in folders for path in paths))
