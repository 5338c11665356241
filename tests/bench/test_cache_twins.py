"""Finding 5's twins: the cache's own layout, and the inputs on which the definition is wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest

import impl_batched.sae_cache
import impl_sequential.sae_cache
from bench import hub
from bench.hub import REVISION, SAE_PATH, add_sae
from speedproof.counters.files import directory_scans
from speedproof.counters.tally import count


def put_sae(
    hub: Path, sae_path: str, *, repository: str = "models--o--r", revision: str = REVISION, cfg: bool = True
) -> Path:
    folder = hub / repository / "snapshots" / revision / sae_path
    folder.mkdir(parents=True)
    (folder / "sae_weights.safetensors").write_text("{}")
    if cfg:
        (folder / "cfg.json").write_text("{}")
    return folder


def dangling(hub: Path) -> None:
    (put_sae(hub, SAE_PATH) / "sae_weights.safetensors").unlink()
    folder = hub / "models--o--r/snapshots" / REVISION / SAE_PATH
    (folder / "sae_weights.safetensors").symlink_to(hub / "no such blob")


def no_exist(hub: Path) -> None:
    marker = hub / "models--o--r/.no_exist" / REVISION / SAE_PATH
    marker.mkdir(parents=True)
    (marker / "sae_weights.safetensors").write_text("")


DEFECTS: list[Callable[[Path], object]] = [
    lambda hub: put_sae(hub, SAE_PATH + "_768"),
    dangling,
    no_exist,
    lambda hub: put_sae(hub, SAE_PATH, cfg=False),
]


@pytest.mark.parametrize("number", range(4))
def test_baseline_defects_of_the_cache_walk(number: int, tmp_path: Path) -> None:
    DEFECTS[number](tmp_path / "hub")
    paths = (SAE_PATH, tmp_path / "sae_lens", tmp_path / "hub")
    assert impl_sequential.sae_cache.check_sae_cached(*paths)[0] is True, "the definition is wrong here"
    assert impl_batched.sae_cache.check_sae_cached(*paths) == (False, None)


def test_the_revision_that_main_names_wins(tmp_path: Path) -> None:
    old, new = (put_sae(tmp_path, SAE_PATH, revision=letter * 40) for letter in "af")
    (tmp_path / "models--o--r/refs").mkdir()
    for named in (old, new):
        (tmp_path / "models--o--r/refs/main").write_text(named.relative_to(tmp_path).parts[2])
        assert impl_batched.sae_cache.check_sae_cached(SAE_PATH, tmp_path / "none", tmp_path) == (True, named)


def test_names_with_pattern_characters_are_names(tmp_path: Path) -> None:
    put_sae(tmp_path, "layer_1")
    wanted = put_sae(tmp_path, "layer_[1]*")
    assert impl_batched.sae_cache.check_sae_cached("layer_[1]*", tmp_path / "none", tmp_path) == (True, wanted)
    assert impl_batched.sae_cache.check_sae_cached("layer_?", tmp_path / "none", tmp_path) == (False, None)


def test_no_cache_at_all_is_a_miss(tmp_path: Path) -> None:
    for twin in (impl_sequential.sae_cache, impl_batched.sae_cache):
        assert twin.check_sae_cached(SAE_PATH, tmp_path / "a", tmp_path / "b") == (False, None)


MOST_SCANS = 2
"""Directories that are listed a cached repository."""


@pytest.mark.parametrize("n_saes", [1, 10, 200])
def test_as_few_directories_are_listed_whatever_number_of_files_a_repository_holds(n_saes: int, tmp_path: Path) -> None:
    n_repositories = 3
    for i in range(n_repositories * n_saes):
        add_sae(tmp_path / "hub" / f"models--org--sae-{i % n_repositories}", f"layer_{i}/width_16k", i)
    inputs = {"sae_path": SAE_PATH, "sae_lens_cache": tmp_path / "none", "hf_cache": tmp_path / "hub"}
    scans, walks = (
        count([directory_scans], twin.check_sae_cached, inputs)["directory_scans"]
        for twin in (impl_batched.sae_cache, impl_sequential.sae_cache)
    )
    assert scans <= MOST_SCANS * n_repositories < walks


def test_a_cache_that_cannot_be_made_is_an_error_and_one_that_another_process_made_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "CACHE", tmp_path)

    def refused(building: Path, root: Path) -> None:
        raise OSError("no room")

    def by_another(building: Path, root: Path) -> None:
        root.mkdir()
        raise OSError("not empty")

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(OSError, match="no room"):
        hub.saved("first")
    monkeypatch.setattr(Path, "rename", by_another)
    assert hub.saved("second").parent.is_dir()
    assert [path for path in (tmp_path / "hub").iterdir() if "." in path.name] == []
