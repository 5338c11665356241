"""What tests of the hub share: a hub on this machine with a small model and SAEs, and a cache of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .hub_stand_in import Hub, serving

MODEL, SAES = "openai-community/gpt2", "jbloom/GPT2-Small-SAEs-Reformatted"
"""The repositories of release `gpt2-small-res-jb` and of its model."""
NOBODY = "http://127.0.0.1:9"
"""An address at which nobody listens."""


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """The hub's cache on this machine."""
    return tmp_path / "cache"


@pytest.fixture
def hub(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that huggingface_hub asks here, and SAELens and Transformers by it."""
    from huggingface_hub import constants

    with serving(Hub(tmp_path / "hub", moved={"gpt2": MODEL})) as hub:
        reach(hub.url, cache, monkeypatch)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield hub


def reach(url: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What HF_ENDPOINT and HF_HUB_CACHE say, which are read once in a process."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(cache / "token"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
