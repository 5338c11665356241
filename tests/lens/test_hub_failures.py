"""What goes wrong at the hub or in its cache is one line of status 2 that says what next; and nothing is unpickled."""

import errno
import inspect
import io
import json
import pickle
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub import constants, file_download
from sae_lens.loading import pretrained_sae_loaders

from speedproof.errors import BadInput
from speedproof.lens.pretrained.hub.failures import HIDDEN, of_hub, without_token
from speedproof.lens.subject import find_subject

from .hub_contents import FIRST, MODEL, NAME, SAES, load, register, sae_of, trained_by_dictionary_learning
from .hub_stand_in import NOBODY, Hub, reach
from .test_model_files import cut, edited

TOKEN = "hf_" + "a" * 30
WEIGHTS = f"{FIRST}/sae_weights.safetensors"


def refused(name: str = NAME) -> str:
    """The one line."""
    with pytest.raises(BadInput) as raised:
        load(name)
    line = str(raised.value)
    assert "\n" not in line and "Expected" in line and raised.value.exit_status == 2
    shown = "".join(traceback.format_exception(raised.value))
    assert TOKEN not in line and TOKEN not in shown
    return line


FAILURES: Mapping[str, tuple[Callable[[Hub], Any], str, str]] = {
    "model gated": (
        lambda hub: hub.gated.add(MODEL),
        "The model of subject",
        "gated, and no token is set. Expected a token with access. Ask for access",
    ),
    "SAEs gated": (lambda hub: hub.gated.add(SAES), "SAE 'blocks.1.hook_resid_pre' of gpt2-small-res-jb", "gated"),
    "model gone": (
        lambda hub: hub.moved.update(gpt2="org/none"),
        "The model of subject",
        "is not at http://127.0.0.1:",
    ),
    "SAEs gone": (lambda hub: (hub.root / SAES).rename(hub.root / "gone"), "SAE", "or is private"),
    "SAE's file gone": (lambda hub: (hub.root / SAES / WEIGHTS).unlink(), "SAE", f"{WEIGHTS} is not in its repository"),
    "too many requests": (lambda hub: hub.status.update({"cfg.json": 429}), "SAE", "fewer requests (429)"),
    "too many for a model": (lambda hub: hub.status.update({"revision/main": 429}), "The model", "(429)"),
    "too many in a download": (lambda hub: hub.status.update({"model.safetensors": 429}), "The model", "(429)"),
    "out of order": (lambda hub: hub.status.update({"cfg.json": 503}), "SAE", "out of order (503)"),
    "model out of order": (lambda hub: hub.status.update({"revision/main": 503}), "The model", "out of order (503)"),
    "disabled": (lambda hub: hub.status.update({"cfg.json": 403}), "SAE", "the hub refuses it (403)"),
    "cut each time": (lambda hub: hub.cuts.update({"model.safetensors": 99}), "The model", "the download was cut"),
    "pickles alone": (
        lambda hub: (hub.root / MODEL / "model.safetensors").unlink(),
        "Model gpt2 at the hub",
        "has no weights in safetensors. Expected some, since pickles are not read",
    ),
    "wrong shape": (
        lambda hub: edited(hub.root / SAES / FIRST / "cfg.json", d_sae=25),
        "SAE",
        "size mismatch for W_enc",
    ),
    "wrong width": (
        lambda hub: sae_of(FIRST, d_in=8).save_model(hub.root / SAES / FIRST),
        "SAE",
        "has d_in 8. Expected 16, the width of blocks.1.hook_resid_pre",
    ),
    "unknown hook": (
        lambda hub: sae_of("blocks.7.hook_resid_pre").save_model(hub.root / SAES / FIRST),
        "SAE",
        "reads 'blocks.7.hook_resid_pre', which the model lacks",
    ),
    "cut at the hub": (lambda hub: cut(hub.root / SAES / WEIGHTS), "SAE", "SafetensorError"),
    "configuration is no JSON": (lambda hub: cut(hub.root / MODEL / "config.json"), "", "config.json is no JSON"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_what_the_hub_answers_is_one_line(failure: str, filled: Hub) -> None:
    do, whose, words = FAILURES[failure]
    do(filled)
    line = refused()
    assert line.startswith(whose) and words in line, line


def test_without_failures_it_loads(filled: Hub) -> None:
    """The companion of all that is refused."""
    load(NAME).require_double()


def test_nobody_answers(filled: Hub, hub_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reach(NOBODY, hub_cache, monkeypatch)
    assert f"not whole in the hub's cache, and no hub answers at {NOBODY}" in refused()


def test_what_is_no_hub_answers(filled: Hub, monkeypatch: pytest.MonkeyPatch, hub_cache: Path) -> None:
    """As a page to log in at does, that some networks answer everything with."""
    filled.status["cfg.json"] = 200
    assert "no hub answers at" in refused()


def test_nothing_is_cached_and_nobody_may_be_asked(filled: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE forbids to ask the hub" in refused() and not filled.asked


def test_the_sae_is_cached_and_the_model_is_not(filled: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    filled.status["revision/main"] = 503
    assert refused().startswith("The model")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    line = refused()
    assert line.startswith("The model") and "HF_HUB_OFFLINE" in line


def test_a_failed_download_is_taken_up_where_files_are_whole(filled: Hub) -> None:
    filled.cuts["model.safetensors"] = 99
    assert "what is whole is not fetched again" in refused()
    filled.cuts.clear()
    before = filled.downloads()
    load(NAME)
    again = filled.downloads()[len(before) :]
    assert again.count("model.safetensors") == 1 and "tokenizer.json" not in again and "cfg.json" not in again


def test_a_disk_that_fills_is_told(filled: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated, since no test fills a disk."""

    def full(*args: Any, **how: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(file_download, "http_get", full)
    assert "the disk is full. Expected room" in (line := refused()) and "HF_HOME" in line


def test_a_token_from_the_environment_opens_what_is_gated(filled: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    filled.gated.update({MODEL, SAES})
    filled.access = TOKEN
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    load(NAME)
    shown = {one.token for one in filled.asked if "/resolve/" in one.path or "/models/" in one.path}
    assert shown == {TOKEN} and {one.token for one in filled.asked if one.path.startswith("/stored/")} == {""}


def test_a_token_without_access_or_that_is_wrong_is_told_and_not_shown(
    filled: Hub, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    filled.gated.add(SAES)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert "gated, and the account of the token has no access" in refused()
    filled.refuses.add(TOKEN)
    assert "the hub refuses it (401). Expected a token that it accepts" in refused()
    assert TOKEN not in "".join(capfd.readouterr()) + caplog.text


@pytest.mark.parametrize("end", ["\x0bb", "…"])
def test_a_token_that_cannot_be_sent_is_told_and_not_shown(
    end: str, filled: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library that sends it repeats it in its message, which a traceback would show."""
    monkeypatch.setenv("HF_TOKEN", f"{TOKEN}{end}")
    assert "the token cannot be sent" in refused()


def test_a_token_in_words_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", f"{TOKEN}\x07")
    assert without_token(f"Bearer {TOKEN}\x07, or {TOKEN + chr(7)!r}") == f"Bearer {HIDDEN}, or '{HIDDEN}'"
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", "/nowhere")
    assert without_token(f"Bearer {TOKEN}") == f"Bearer {TOKEN}"


class Runs:
    """Makes a folder when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> Any:
        return Path.mkdir, (self.place,)


@pytest.mark.parametrize("environment", [None, "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"])
def test_a_pickle_is_refused_and_not_run(
    environment: str | None, filled: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights: dict[str, Any] = dict(trained_by_dictionary_learning(filled, monkeypatch))
    file, place = filled.put("org/saes/one") / "ae.pt", tmp_path / "run"
    torch.save({**weights, "more": Runs(place)}, file)
    if environment:
        monkeypatch.setenv(environment, "1")
    assert "a pickle that would run code as it is read. Expected tensors alone" in refused("dictionary/one")
    assert not place.exists()
    # The companion: whoever unpickles it runs it.
    torch.load(file, weights_only=False)
    assert place.exists()


def test_a_pickle_in_place_of_arrays_is_refused_and_not_run(
    filled: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"d_in": 16, "d_sae": 24, "hook_name": FIRST}
    register(monkeypatch, "scope", "gemma_2", "layer_0/width_16k", "org/gemma-scope-2b-pt-res", **said)
    file, place = filled.put("org/gemma-scope-2b-pt-res/layer_0/width_16k") / "params.npz", tmp_path / "run"
    np.savez(file, w_enc=np.array([Runs(place)], dtype=object))
    assert "is a pickle" in refused("scope/one") and not place.exists()


def test_no_loader_of_saelens_unpickles_in_another_way() -> None:
    """What is made safe is `torch.load`; a new release of SAELens might read otherwise."""
    source = inspect.getsource(pretrained_sae_loaders)
    assert "torch.load(" in source and "np.load(" in source
    assert not any(
        word in source for word in ("pickle", "weights_only", "yaml.load(", "joblib", "trust_remote_code=True")
    )


def test_what_another_exception_says_is_not_taken_for_the_hubs() -> None:
    assert of_hub(ValueError("size mismatch")) is None and of_hub(KeyError("W_enc")) is None
    assert of_hub(pickle.UnpicklingError("odd")) is not None


def changed(path: Path) -> None:
    """The same size, and one byte another."""
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.resolve().write_bytes(content)


def cut_in_cache(path: Path) -> None:
    path.resolve().write_bytes(path.read_bytes()[:100])


@pytest.mark.parametrize("damage", [changed, cut_in_cache])
@pytest.mark.parametrize(
    ("repository", "name"), [(SAES, WEIGHTS), ("gpt2", "model.safetensors"), (SAES, f"{FIRST}/cfg.json")]
)
def test_a_file_that_was_damaged_in_the_cache_is_refused_by_name(
    repository: str, name: str, damage: Callable[[Path], None], filled: Hub, hub_cache: Path
) -> None:
    load(NAME)
    (path,) = (hub_cache / f"models--{repository.replace('/', '--')}" / "snapshots").glob(f"*/{name}")
    damage(path)
    line = refused()
    assert f"{path} is damaged" in line and f"Delete {path.resolve()} and load it again" in line
    # What the line says helps.
    path.resolve().unlink()
    load(NAME)


def test_a_wrong_line_of_the_configuration_is_told(filled: Hub) -> None:
    (filled.root / SAES / FIRST / "cfg.json").write_text(json.dumps({"architecture": "odd", "d_in": 16}))
    assert refused().startswith("SAE")


def test_progress_is_shown(filled: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr("sys.stderr", shown)
    find_subject(NAME).model  # noqa: B018
    assert "model" in shown.getvalue() or "%" in shown.getvalue()
