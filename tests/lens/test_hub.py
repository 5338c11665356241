"""SAEs of SAELens' registry by name: which model, how processed, what is fetched and what is not fetched again."""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from sae_lens.loading.pretrained_saes_directory import get_pretrained_saes_directory
from safetensors.torch import save_file
from transformer_lens import HookedTransformer

from bench.findings import find
from speedproof.errors import BadInput
from speedproof.gate.certificate import Certificate
from speedproof.gate.check import certify
from speedproof.lens.embedded.tokenizers import embedded_tokenizer
from speedproof.lens.pretrained.apis import APIS
from speedproof.lens.pretrained.hub import loading, names, processing
from speedproof.lens.pretrained.hub.loading import repository_of
from speedproof.lens.pretrained.hub.names import PRETRAINED, Released, nearest, released
from speedproof.lens.subject import find_subject
from speedproof.pairs.workload import Workload

from .hub_contents import (
    FIRST,
    MODEL,
    NAME,
    RELEASE,
    SAES,
    SECOND,
    load,
    made_as_gpt2,
    register,
    sae_of,
    trained_by_dictionary_learning,
)
from .hub_stand_in import NOBODY, Hub, reach
from .test_model_files import edited


def resid(model: Any, hook_name: str = FIRST) -> torch.Tensor:
    with torch.no_grad():
        value: torch.Tensor = model.run_with_cache("a text", names_filter=[hook_name], return_type=None)[1][hook_name]
    return value


def test_a_name_is_a_release_ids_and_an_api() -> None:
    assert released(NAME, APIS) == Released(RELEASE, (FIRST,))
    assert released(f"{RELEASE}/{SECOND},{FIRST},{SECOND}:raw", APIS) == Released(RELEASE, (SECOND, FIRST), "raw")
    assert released("models/mine", APIS) is None and released("/models/mine", APIS) is None
    subject = find_subject(f"{RELEASE}/{SECOND},{FIRST},{SECOND}:raw")
    assert subject.name == f"{RELEASE}/{SECOND},{FIRST}:raw" and find_subject(subject.name) == subject
    assert not subject.is_folder


def test_no_name_in_the_registry_holds_what_parts_names() -> None:
    """What the spelling of subjects stands on."""
    directory = get_pretrained_saes_directory()
    assert len(directory) >= 170 and not any("/" in release or ":" in release for release in directory)
    assert not any(mark in one for entry in directory.values() for one in entry.saes_map for mark in ",:")


def test_every_release_has_a_model_at_the_hub() -> None:
    assert all("/" in repository_of(release) or repository_of(release) == "gpt2" for release in names.registry())
    assert repository_of("gemma-scope-2b-pt-res") == "google/gemma-2-2b"


def test_a_short_name_is_sae_ids_of_the_registry() -> None:
    for name, (release, sae_ids) in PRETRAINED.items():
        assert set(sae_ids) <= set(get_pretrained_saes_directory()[release].saes_map)
        assert find_subject(name).released == Released(release, sae_ids)
        assert find_subject(f"{name}:raw").released == Released(release, sae_ids, "raw")


@pytest.mark.parametrize(
    ("name", "words"),
    {
        "gpt2-smal-res-jb/blocks.8.hook_resid_pre": r"nearest releases: gpt2-small-res-jb",
        f"{RELEASE}/blocks.8.hook_resid_per": r"Unknown SAE 'blocks\.8\.hook_resid_per' .*: blocks\.8\.hook_resid_pre",
        f"{RELEASE}/{FIRST},nothing like it": r"Unknown SAE 'nothing like it' .* one of its 13: blocks\.0\.",
        RELEASE: r"names no SAE of that release\. Expected gpt2-small-res-jb/ID",
        f"{RELEASE}/": r"names no SAE of that release",
        f"{RELEASE}:raw": r"names no SAE of that release",
    }.items(),
)
def test_an_unknown_name_is_told_with_the_nearest(name: str, words: str) -> None:
    with pytest.raises(BadInput, match=words) as raised:
        find_subject(name)
    assert "\n" not in str(raised.value) and raised.value.exit_status == 2


def test_what_is_like_nothing_has_no_nearest() -> None:
    """The companion."""
    assert nearest("0000", [RELEASE]) == []
    with pytest.raises(BadInput, match="RELEASE/ID of SAELens' registry, a folder"):
        find_subject("@@@@/@@@@")


def test_a_folder_comes_before_a_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / NAME).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert find_subject(NAME).is_folder and find_subject(NAME).name == str(tmp_path / NAME)


def test_twins_are_certified_on_a_release(filled: Hub) -> None:
    finding = find("text_batching")
    subject = load(f"{RELEASE}/{SECOND},{FIRST}")
    assert list(subject.saes) == [SECOND, FIRST] and subject.hook_name == FIRST
    answer = certify(finding, finding.pairs[0], Workload("given", subject.name, 12), subject=subject)
    assert isinstance(answer, Certificate), str(answer)


def test_nothing_is_fetched_that_is_not_loaded(filled: Hub) -> None:
    load(NAME)
    asked = filled.downloads()
    assert "model.safetensors" in asked and "sae_weights.safetensors" in asked
    assert not {"decoder.safetensors", "pytorch_model.bin"} & set(asked)
    assert all(SECOND not in one.path for one in filled.asked)


def test_what_is_cached_is_not_fetched_again(filled: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(NAME)
    fetched = filled.downloads()
    assert load(NAME).digest == first.digest and filled.downloads() == fetched
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    filled.asked.clear()
    assert load(NAME).digest == first.digest and not filled.asked


def test_what_is_cached_does_without_answers(filled: Hub, hub_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(NAME)
    reach(NOBODY, hub_cache, monkeypatch)
    assert load(NAME).digest == first.digest


def test_another_sae_is_another_subject(filled: Hub) -> None:
    assert load(NAME).digest != load(f"{RELEASE}/{SECOND}").digest


def test_a_download_that_was_cut_is_taken_up_where_it_broke(filled: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 100)
    filled.cuts["sae_weights.safetensors"] = 1
    load(NAME)
    half = (filled.root / SAES / FIRST / "sae_weights.safetensors").stat().st_size // 2
    ranges = [one.range for one in filled.asked if one.path.startswith("/stored/") and "sae_weights" in one.path]
    assert ranges == ["", f"bytes={half - half % 100}-"]


def test_a_model_is_processed_as_its_saes_ask(filled: Hub, caplog: pytest.LogCaptureFixture) -> None:
    """`gpt2-small-res-jb` asks for centred writing weights, and for nothing else."""
    found = resid(load(NAME).model)
    theirs = HookedTransformer.from_pretrained_no_processing(
        "gpt2-small", hf_model=made_as_gpt2(), tokenizer=embedded_tokenizer(), center_writing_weights=True, device="cpu"
    )
    assert (found - resid(theirs)).abs().max() < 1e-5 * found.abs().max()
    assert found.mean(dim=-1).abs().max() < 1e-6 * found.abs().max() and not caplog.records


def test_a_model_that_is_not_processed_so_is_told_in_one_line(filled: Hub, caplog: pytest.LogCaptureFixture) -> None:
    """The companion: the same weights as they are."""
    subject = load(f"{NAME}:raw")
    _ = subject.in_float64.model
    found = resid(subject.model)
    assert found.mean(dim=-1).abs().max() > 1e-3 * found.abs().max()
    (line,) = [record.getMessage() for record in caplog.records if record.name == "speedproof"]
    assert "on a model with center_writing_weights=True, and this one has center_writing_weights=False" in line
    assert line.endswith("Without ':raw' they match.")
    assert "\n" not in line and caplog.records[0].levelno == logging.WARNING


def test_a_folders_model_is_held_to_its_saes_too(filled: Hub, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "model"
    shutil.copytree(filled.root / MODEL, folder)
    sae_of(FIRST).save_model(folder / "saes/first")
    load(f"{folder}:raw")
    assert not caplog.records, "an SAE that says nothing asks for nothing"
    cfg = json.loads((folder / "saes/first/cfg.json").read_text())
    cfg["metadata"]["model_from_pretrained_kwargs"] = {"center_writing_weights": True}
    (folder / "saes/first/cfg.json").write_text(json.dumps(cfg))
    load(str(folder))
    assert not caplog.records
    load(f"{folder}:raw")
    assert "center_writing_weights=True, and this one has center_writing_weights=False" in caplog.text


def test_a_process_loads_one_commit(filled: Hub) -> None:
    """Else the model and its twin in float64 might be of two."""
    before = resid(load(NAME).model)
    edited(filled.root / MODEL / "config.json", layer_norm_epsilon=1.0)
    filled.asked.clear()
    assert torch.equal(resid(load(NAME).model), before)
    assert not [one for one in filled.asked if "gpt2" in one.path]
    # The companion: a process that begins now loads the new one.
    loading._commits.clear()
    assert not torch.equal(resid(load(NAME).model), before)


@pytest.mark.parametrize("api", ["hooked", "cut"])
def test_other_apis_load_the_same_model(api: str, filled: Hub, caplog: pytest.LogCaptureFixture) -> None:
    found, right = resid(load(f"{NAME}:{api}").model), resid(load(NAME).model)
    off = found - found.mean(dim=-1, keepdim=True) - right
    assert off.abs().max() < 1e-5 * right.abs().max()
    assert len(caplog.records) == (api == "cut")


def test_an_sae_that_asks_for_weights_as_they_are_gets_them(
    filled: Hub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    register(monkeypatch, "plain", None, "one")
    sae_of(FIRST).save_model(filled.put("org/saes") / "one")
    assert torch.equal(resid(load("plain/one").model), resid(load("plain/one:raw").model)) and not caplog.records
    load("plain/one:hooked")
    assert "center_writing_weights=False, and this one has center_writing_weights=True" in caplog.text


def test_saes_that_ask_for_other_weights_than_each_other_are_refused() -> None:
    cfgs = {"a": {"metadata": {"model_from_pretrained_kwargs": {"fold_ln": False}}}, "b": {}}
    with pytest.raises(BadInput, match="fold_ln=False, and none"):
        processing.asked_by_all("subject", cfgs)
    assert processing.asked_by_all("subject", {"a": cfgs["a"], "c": cfgs["a"]}) == {"fold_ln": False}


def test_centring_matters_only_before_a_norm_that_takes_the_mean_away() -> None:
    asked = {processing.CENTERED: True}
    assert processing.mismatch(asked, processing.AS_THEY_ARE, "LN")
    assert processing.mismatch(asked, processing.AS_THEY_ARE, "RMS") is None
    assert processing.mismatch(asked, processing.PROCESSED, "LN") is None


def test_gemma_scopes_format_is_read(filled: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"d_in": 16, "d_sae": 24, "hook_name": FIRST}
    register(monkeypatch, "scope", "gemma_2", "layer_0/width_16k", "org/gemma-scope-2b-pt-res", **said)
    rng, folder = np.random.default_rng(0), filled.put("org/gemma-scope-2b-pt-res/layer_0/width_16k")
    shapes = {"w_enc": (16, 24), "w_dec": (24, 16), "b_enc": (24,), "b_dec": (16,), "threshold": (24,)}
    arrays = {key: rng.standard_normal(shape).astype(np.float32) for key, shape in shapes.items()}
    np.savez(folder / "params.npz", **arrays)  # type: ignore[arg-type]
    subject = load("scope/one")
    assert subject.sae.cfg.architecture() == "jumprelu"
    assert np.array_equal(subject.sae.W_enc.detach().numpy(), arrays["w_enc"])


def test_gemma_scope_2s_format_is_read_without_a_hub_too(filled: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """SAELens asks the hub for its shapes each time, which is no question where the file is at hand."""
    register(monkeypatch, "scope2", "gemma_3", "resid_post/layer_0_width_16k", "google/gemma-scope-2-270m-pt")
    folder = filled.put("google/gemma-scope-2-270m-pt/resid_post/layer_0_width_16k")
    (folder / "config.json").write_text('{"architecture": "jump_relu", "model_name": "gemma-v3-270m-pt"}')
    shapes = {"w_enc": (16, 24), "w_dec": (24, 16), "b_enc": (24,), "b_dec": (16,), "threshold": (24,)}
    save_file({key: torch.randn(shape) for key, shape in shapes.items()}, folder / "params.safetensors")
    first = load("scope2/one")
    assert first.hook_name == "blocks.0.hook_resid_post" and first.d_sae == 24
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    filled.asked.clear()
    assert load("scope2/one").digest == first.digest and not filled.asked


def test_torchs_format_is_read_as_tensors(filled: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = trained_by_dictionary_learning(filled, monkeypatch)
    torch.save(weights, filled.put("org/saes/one") / "ae.pt")
    assert torch.equal(load("dictionary/one").sae.W_enc, weights["encoder.weight"].T)
