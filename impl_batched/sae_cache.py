"""Each cached repository is asked for the one folder, in the hub's own layout: models--*/snapshots/*/<sae_path>."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def check_sae_cached(sae_path: str, sae_lens_cache: Path, hf_cache: Path) -> tuple[bool, Path | None]:
    """Whether an SAE's weights are on disk, and in which folder; the revision that refs/main names comes first.

    Raises:
        ValueError: `sae_path` is empty.
    """
    if not sae_path:
        raise ValueError("sae_path: expected the SAE's folder inside its repository, got an empty string")
    direct_path = os.path.join(sae_lens_cache, sae_path)
    if _is_usable(direct_path):
        return True, Path(direct_path)
    for folder in _candidates(sae_path, hf_cache):
        if _is_usable(folder):
            return True, Path(folder)
    return False, None


def _is_usable(folder: str) -> bool:
    """What SAELens needs to load an SAE is there, and no dangling link.

    Asked first whether anything is there, since to be told no by an exception takes longer than the question.
    """
    weights = f"{folder}/sae_weights.safetensors"
    return os.access(weights, os.F_OK) and os.path.isfile(weights) and os.path.isfile(f"{folder}/cfg.json")


def _candidates(sae_path: str, hf_cache: Path) -> Iterator[str]:
    """The folder in every cached revision. Names are never treated as patterns, so brackets and stars are safe.

    One folder is listed for the hub and one for each repository, whatever number of files these hold.
    """
    hub = os.fspath(hf_cache)
    for repository in _listed(hub):
        if repository.startswith("models--"):
            snapshots = f"{hub}/{repository}/snapshots"
            revisions = _listed(snapshots)
            if len(revisions) > 1:
                current = _current_revision(f"{hub}/{repository}/refs/main")
                revisions.sort(key=lambda revision: revision != current)
            for revision in revisions:
                yield f"{snapshots}/{revision}/{sae_path}"


def _listed(folder: str) -> list[str]:
    """Names in a folder, sorted; none where it is missing or is no folder."""
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _current_revision(reference: str) -> str:
    try:
        with open(reference) as file:
            return file.read().strip()
    except OSError:
        return ""
