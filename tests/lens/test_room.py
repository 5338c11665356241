"""How much memory a model that is not ours takes is told before it is taken, and one that does not fit is refused."""

import logging
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from speedproof.errors import BadInput
from speedproof.lens.pretrained import loading
from speedproof.lens.pretrained.apis import Named
from speedproof.lens.pretrained.hub import processing
from speedproof.lens.pretrained.model_files import n_weights
from speedproof.lens.subject import find_subject

from .test_model_files import llama, write


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("llama"), llama())


def has_free(n_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=n_bytes))


def test_weights_are_counted_by_their_files_headers(folder: Path) -> None:
    assert n_weights(folder) == sum(parameter.numel() for parameter in llama().parameters())


def test_a_model_that_does_not_fit_is_refused_before_it_is_loaded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loads(found: Named, *others: object) -> None:
        raise AssertionError(f"{found} was loaded")

    has_free(4 * n_weights(folder) - 1, monkeypatch)
    monkeypatch.setattr(loading, "load", loads)
    with pytest.raises(BadInput, match=r"does not fit: it has [\d,]+ weights, .* Expected room for it in float32"):
        _ = find_subject(str(folder)).model


def test_one_that_fits_in_float32_alone_is_refused_in_float64(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    has_free(4 * n_weights(folder), monkeypatch)
    assert find_subject(str(folder)).model is not None
    with pytest.raises(BadInput, match="Expected room for it in float64"):
        _ = find_subject(str(folder)).in_float64.model


@pytest.mark.parametrize("free", [2 * 10**9, 3 * 10**9])
def test_one_that_takes_half_of_the_memory_is_told_and_a_small_one_is_not(
    free: int, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    processing.say.cache_clear()
    has_free(free, monkeypatch)
    monkeypatch.setattr(loading, "n_weights", lambda folder: 10**8)
    with caplog.at_level(logging.WARNING, "speedproof"):
        _ = find_subject(str(folder)).model
    told = [line for line in caplog.messages if "weights, 0.4 GiB in float32 and 0.7 GiB in float64" in line]
    assert len(told) == (free == 2 * 10**9)
