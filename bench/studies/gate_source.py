"""The gate's source: the modules that decide whether a function passes, and a fingerprint of them."""

from ..digest import file_digest
from ..folders import ROOT

GATE = (
    *("alterations", "baseline", "built", "callables", "check", "contract", "diagnosis", "exact", "features", "gate"),
    *("hostile", "kit", "lens_pair", "lens_trials", "lens_variations", "oracle", "outputs", "patches", "pinned"),
    *("plain_data", "ranks", "refusals", "rounding", "rows", "rules", "state", "tensor_kit", "trial", "trials"),
    "variations",
)
"""The modules that decide whether a function passes."""


def gate_digest() -> str:
    """Fingerprint of the gate and of the rewrites: trials of another gate say nothing about this one's rate."""
    ruler = ROOT / "bench"
    folders = [sorted((ruler / name).glob("*.py")) for name in ("aspects", "rewrites")]
    return file_digest(*(ruler / f"{name}.py" for name in GATE), *(path for paths in folders for path in paths))
