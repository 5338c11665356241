"""What tests of the hub share: a hub on this machine with a small model and SAEs, and a cache of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from .hub_stand_in import Hub, reach, serving


@pytest.fixture
def hub_cache(tmp_path: Path) -> Path:
    """The hub's cache on this machine."""
    return tmp_path / "cache"


@pytest.fixture
def hub(tmp_path: Path, hub_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that huggingface_hub asks here, and SAELens by it. Nothing is in it."""
    with serving(Hub(tmp_path / "hub", moved={"gpt2": "openai-community/gpt2"})) as hub:
        reach(hub.url, hub_cache, monkeypatch)
        yield hub


@pytest.fixture(scope="session")
def hub_contents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of what the hub holds."""
    from .hub_contents import fill

    root = tmp_path_factory.mktemp("hub")
    fill(root)
    return root


@pytest.fixture
def filled(hub: Hub, hub_contents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The hub with them."""
    from speedproof.lens import oracle
    from speedproof.lens.pretrained.hub import processing

    shutil.copytree(hub_contents, hub.root)
    monkeypatch.setattr(oracle, "CACHE", tmp_path / "oracle")
    processing.say.cache_clear()
    return hub
