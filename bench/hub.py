"""Made-up caches in the Hugging Face hub's layout: ordinary ones, and one with all that breaks careless look-ups."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from speedproof.digest import digest
from speedproof.folders import CACHE
from speedproof.pairs.workload import Workload

WEIGHTS, CFG = "sae_weights.safetensors", "cfg.json"
"""The files of an SAE as SAELens saves it."""
SAE_PATH = "blocks.8.hook_resid_pre"
PATTERN_PATH = "blocks.8.[hook]_resid_*?"
"""A folder's name that says something else where it is taken for a pattern."""
OTHER_PATH = "layer_0/width_16k"
REVISION = "0123456789abcdef0123456789abcdef01234567"
EARLIER = "00000000000000000000000000000000deadbeef"
"""A revision that comes first by name."""
SAES_PER_REPOSITORY = 12


def ordinary(workload: Workload) -> Path:
    """A folder with about `n_items` files in its hub; the wanted SAE, where there is one, comes last."""
    return _made(workload.digest, lambda root: _fill(root / "hub", workload))


def unusual(name: str, sae_path: str) -> Path:
    """A folder whose hub has the wanted SAE in one place only, which careless look-ups miss.

    The repository has no `refs/main`, and of its two revisions the later one has the SAE. Beside it lie links whose
    file is gone, a folder that the path matches as a pattern, files that are no repository, and other SAEs.
    """

    def fill(root: Path) -> None:
        hub = root / "hub"
        for number, path in enumerate((OTHER_PATH, "blocks.8.h_resid_pre", "layer_2/[16k]")):
            add_sae(hub / "models--org--sae-0000", path, number)
        wanted = hub / "models--org--without-main"
        add_sae(wanted, "layer_9/width_1k", 8, revision=EARLIER, main=False)
        folder = add_sae(wanted, sae_path, 9, main=False)
        (folder / "README.md").symlink_to("../../../blobs/gone")
        broken = add_sae(hub / "models--org--unfinished", "layer_3/width_16k", 3)
        (broken / WEIGHTS).resolve().unlink()
        (hub / "version.txt").write_text("1")
        (hub / ".locks" / wanted.name).mkdir(parents=True)

    return _made(digest([name, sae_path]), fill)


def saved(sae_path: str) -> Path:
    """A folder, outside any hub, to which the SAE was saved directly."""

    def fill(root: Path) -> None:
        (root / "sae_lens" / sae_path).mkdir(parents=True)
        for file in (WEIGHTS, CFG):
            (root / "sae_lens" / sae_path / file).write_text("{}")

    return _made(digest(["saved", sae_path]), fill) / "sae_lens"


def find(sae_path: str, sae_lens_cache: Path, hf_cache: Path) -> tuple[bool, Path | None]:
    """The right answer, by listing the hub's own layout; in these caches it is the only one."""
    direct = sae_lens_cache / sae_path
    if (direct / WEIGHTS).is_file():
        return True, direct
    repositories = [path for path in sorted(hf_cache.iterdir()) if path.name.startswith("models--")]
    revisions = [r for repository in repositories for r in sorted((repository / "snapshots").iterdir())]
    folders = [revision / sae_path for revision in revisions if (revision / sae_path / WEIGHTS).is_file()]
    return (True, folders[0]) if folders else (False, None)


def add_sae(repository: Path, sae_path: str, number: int, revision: str = REVISION, main: bool = True) -> Path:
    """Puts an SAE into a repository, as links into its blobs; gives its folder."""
    folder = repository / "snapshots" / revision / sae_path
    for path in (folder, repository / "blobs"):
        path.mkdir(parents=True, exist_ok=True)
    if main:
        (repository / "refs").mkdir(exist_ok=True)
        (repository / "refs" / "main").write_text(revision)
    for name in (WEIGHTS, CFG):
        blob = repository / "blobs" / f"{number:08x}-{name}"
        blob.write_text("{}")
        (folder / name).symlink_to(os.path.relpath(blob, folder))
    return folder


def _fill(hub: Path, workload: Workload) -> None:
    # Two blobs and two links each.
    n_saes = max(1, workload.n_items // 4)
    for i in range(n_saes):
        wanted = workload.form == "hit" and i == n_saes - 1
        repository = hub / f"models--org--sae-{i // SAES_PER_REPOSITORY:04d}"
        add_sae(repository, SAE_PATH if wanted else f"layer_{i}/width_16k", i)


def _made(name: str, fill: Callable[[Path], None]) -> Path:
    """The folder of that name; whole or not at all, also where two processes make it at once."""
    root = CACHE / "hub" / name
    if root.exists():
        return root
    building = root.with_name(f"{root.name}.{os.getpid()}")
    shutil.rmtree(building, ignore_errors=True)
    (building / "sae_lens").mkdir(parents=True)
    (building / "hub").mkdir()
    fill(building)
    try:
        building.rename(root)
    except OSError:
        shutil.rmtree(building)
        # Where another process was first, its folder is there.
        if not root.exists():
            raise
    return root
