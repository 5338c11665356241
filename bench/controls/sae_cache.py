"""Stand-ins for finding 5: the report's own fix, which takes names for patterns; mended, and no faster; short cuts."""

from glob import escape
from pathlib import Path
from typing import Any

import impl_batched.sae_cache as batched
from bench.findings.sae_cache import FINDING
from speedproof.gate.control import Control

Answer = tuple[bool, Path | None]


def report_fix_glob(sae_path: str, sae_lens_cache: Path, hf_cache: Path) -> Answer:
    """The report's fix: a recursive pattern in place of os.walk."""
    return _by_pattern(sae_path, sae_path, sae_lens_cache, hf_cache)


def report_fix_glob_escaped(sae_path: str, sae_lens_cache: Path, hf_cache: Path) -> Answer:
    """The report's fix, with what is special in a pattern escaped."""
    return _by_pattern(escape(sae_path), sae_path, sae_lens_cache, hf_cache)


def _by_pattern(pattern: str, sae_path: str, sae_lens_cache: Path, hf_cache: Path) -> Answer:
    _require_path(sae_path)
    direct_path = sae_lens_cache / sae_path
    if direct_path.exists() and (direct_path / "sae_weights.safetensors").exists():
        return True, direct_path
    matches = list(hf_cache.glob(f"**/{pattern}/sae_weights.safetensors"))
    if matches:
        return True, matches[0].parent
    return False, None


def direct_path_only(sae_path: str, sae_lens_cache: Path, hf_cache: Path) -> Answer:
    """Drops the search, since the walk was slow."""
    folder = sae_lens_cache / sae_path
    return (True, folder) if folder.is_dir() else (False, None)


def path_of_the_file(sae_path: str, sae_lens_cache: Path, hf_cache: Path) -> Answer:
    """Returns the weights' path, as the hub's own look-up does."""
    found, folder = batched.check_sae_cached(sae_path, sae_lens_cache, hf_cache)
    return found, folder and folder / "sae_weights.safetensors"


def path_without_links(sae_path: str, sae_lens_cache: Path, hf_cache: Path) -> Answer:
    """Follows the links to where the hub keeps the bytes."""
    found, folder = batched.check_sae_cached(sae_path, sae_lens_cache, hf_cache)
    return found, folder and (folder / "sae_weights.safetensors").resolve().parent


def path_as_text(sae_path: str, sae_lens_cache: Path, hf_cache: Path) -> Any:
    """Returns the folder as a string."""
    found, folder = batched.check_sae_cached(sae_path, sae_lens_cache, hf_cache)
    return found, str(folder)


def path_instead_of_true(sae_path: str, sae_lens_cache: Path, hf_cache: Path) -> Any:
    """Returns whatever is true enough."""
    _, folder = batched.check_sae_cached(sae_path, sae_lens_cache, hf_cache)
    return folder, folder


def blobs_searched(sae_path: str, sae_lens_cache: Path, hf_cache: Path) -> Answer:
    """Looks for the folder beside the blobs, where the hub keeps no names."""
    folders = [repository / "blobs" / sae_path for repository in sorted(hf_cache.iterdir())]
    return next(((True, folder) for folder in folders if folder.is_dir()), (False, None))


def first_repository_only(sae_path: str, sae_lens_cache: Path, hf_cache: Path) -> Answer:
    """Takes the cache to hold one repository."""
    snapshots = next(iter(sorted(hf_cache.iterdir()))) / "snapshots"
    folders = [revision / sae_path for revision in snapshots.iterdir()]
    return next(((True, folder) for folder in folders if folder.is_dir()), (False, None))


_remembered: dict[str, Answer] = {}


def remembered_miss(sae_path: str, sae_lens_cache: Path, hf_cache: Path) -> Answer:
    """Caches the answer by name; here it was asked before the download."""
    return _remembered.setdefault(sae_path, (False, None))


def hub_only(sae_path: str, sae_lens_cache: Path, hf_cache: Path) -> Answer:
    """Looks where SAELens downloads to nowadays, and no longer where it once saved."""
    return batched.check_sae_cached(sae_path, sae_lens_cache / "nowhere", hf_cache)


def folder_is_enough(sae_path: str, sae_lens_cache: Path, hf_cache: Path) -> Answer:
    """Takes an SAE's own folder for a saved SAE."""
    _require_path(sae_path)
    folder = sae_lens_cache / sae_path
    return (True, folder) if folder.is_dir() else batched.check_sae_cached(sae_path, sae_lens_cache, hf_cache)


_not_saved: set[tuple[str, Path]] = set()


def own_folder_looked_at_once(sae_path: str, sae_lens_cache: Path, hf_cache: Path) -> Answer:
    """Remembers which SAEs were not saved by hand, since that is seldom done."""
    _require_path(sae_path)
    folder, key = sae_lens_cache / sae_path, (sae_path, sae_lens_cache)
    if key not in _not_saved and (folder / "sae_weights.safetensors").is_file():
        return True, folder
    _not_saved.add(key)
    return batched.check_sae_cached(sae_path, sae_lens_cache / "nowhere", hf_cache)


def _require_path(sae_path: str) -> None:
    if not sae_path:
        raise ValueError("sae_path is empty")


def _control(function: Any, why: str, expect: str, only: str = "") -> Control:
    return Control(FINDING, function, why, expect, only=only)


CONTROLS = (
    Control(FINDING, report_fix_glob, "brackets and stars in a name are no pattern", "[1]:", "hostile"),
    Control(
        FINDING,
        report_fix_glob_escaped,
        why="'**' lists every directory of the cache, and goes on after the first match",
        expect="",
        kind="no faster",
    ),
    _control(direct_path_only, "what the hub has cached is no longer found", "[0]: False (bool), expected True"),
    _control(path_of_the_file, "the caller loads a folder", "[1]:", "exact"),
    _control(path_without_links, "among the blobs there is no cfg.json", "[1]:", "exact"),
    _control(path_as_text, "the definition returns a path", "(str), expected", "type"),
    _control(path_instead_of_true, "`is True` and arithmetic on hits no longer work", "[0]:", "type"),
    _control(blobs_searched, "blobs are named by their hash", "[0]: False (bool), expected True"),
    _control(first_repository_only, "a cache holds many repositories", "[0]: False (bool), expected True"),
    _control(
        remembered_miss, "a file may be downloaded after one has asked for it", "[0]: False (bool), expected True"
    ),
    _control(hub_only, "an SAE saved by hand is not in the hub's cache", "Trial: other sae_lens_cache"),
    _control(own_folder_looked_at_once, "an SAE may be saved later on", "Trial: saved directly", "saved directly"),
    _control(folder_is_enough, "saving may have been cut short", "Trial: half saved", "half saved"),
)
