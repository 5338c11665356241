"""Stand-ins for finding 5: the report's own fix, which is right on sane caches and walks them all the same."""

from pathlib import Path

from ..findings.sae_cache import FINDING
from .control import Control


def report_fix_glob(sae_path: str, sae_lens_cache: Path, hf_cache: Path) -> tuple[bool, Path | None]:
    """The report's fix: a recursive pattern in place of os.walk."""
    direct_path = sae_lens_cache / sae_path
    if direct_path.exists() and (direct_path / "sae_weights.safetensors").exists():
        return True, direct_path
    matches = list(hf_cache.glob(f"**/{sae_path}/sae_weights.safetensors"))
    if matches:
        return True, matches[0].parent
    return False, None


CONTROLS = (
    Control(
        FINDING,
        report_fix_glob,
        why="gives the right answer, but '**' lists every directory of the cache, and goes on after the first match",
        expect="",
        kind="no faster",
    ),
)
