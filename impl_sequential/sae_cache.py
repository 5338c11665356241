"""The whole hub cache is walked to find one file. Efficiency report, finding 5, as written there."""

from __future__ import annotations

import os
from pathlib import Path


def check_sae_cached(sae_path: str, sae_lens_cache: Path, hf_cache: Path) -> tuple[bool, Path | None]:
    """Whether an SAE's weights are on disk, and in which folder.

    Raises:
        ValueError: `sae_path` is empty.
    """
    if not sae_path:
        raise ValueError("sae_path: expected the SAE's folder inside its repository, got an empty string")
    direct_path = sae_lens_cache / sae_path
    if direct_path.exists() and (direct_path / "sae_weights.safetensors").exists():
        return True, direct_path
    for root, _dirs, files in os.walk(hf_cache):
        if sae_path in root and "sae_weights.safetensors" in files:
            return True, Path(root)
    return False, None
