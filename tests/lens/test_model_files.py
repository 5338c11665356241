"""A model's folder: what is damaged or does not fit is one line that names it; memory and digests are of content."""

import json
import math
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from sae_lens import StandardSAE, StandardSAEConfig
from sae_lens.saes.sae import SAEMetadata
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from speedproof.errors import BadInput
from speedproof.lens import oracle
from speedproof.lens.embedded.identity import DRAWN, embedded_digest
from speedproof.lens.embedded.tokenizers import embedded_tokenizer
from speedproof.lens.oracle import Oracle
from speedproof.lens.pretrained import model_files
from speedproof.lens.subject import Subject, find_subject
from speedproof.lens.weights import tensors_of
from speedproof.pairs.subjects import Subjects
from tests import warm

RESID = "blocks.1.hook_resid_pre"
TEXTS = ["a text", "another one"]


def gpt2(seed: int, vocab_size: int = 1024) -> Any:
    torch.manual_seed(seed)
    sizes = {"vocab_size": vocab_size, "n_positions": 64, "n_embd": 16, "n_layer": 2, "n_head": 2}
    return GPT2LMHeadModel(GPT2Config(**sizes, bos_token_id=0, eos_token_id=0))


def llama() -> Any:
    torch.manual_seed(0)
    sizes = {"vocab_size": 1024, "hidden_size": 16, "intermediate_size": 40, "num_hidden_layers": 2}
    return LlamaForCausalLM(
        LlamaConfig(**sizes, num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=64)
    )


def write(folder: Path, model: Any, hook_name: str = RESID, d_in: int = 16) -> Path:
    model.save_pretrained(folder)
    embedded_tokenizer().save_pretrained(folder)
    sae = StandardSAE(StandardSAEConfig(d_in=d_in, d_sae=24, metadata=SAEMetadata(hook_name=hook_name)))
    sae.save_model(folder / "saes/first")
    return folder


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("sound"), gpt2(0))


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "model"))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def edited(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def pickled(folder: Path) -> None:
    torch.save({"weight": torch.ones(2)}, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def doubled(folder: Path) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "part.safetensors"}}))
    shutil.copy(folder / "model.safetensors", folder / "part.safetensors")


def nested(folder: Path) -> None:
    for name in ("first", "second"):
        shutil.copytree(folder / "saes/first", folder / name)
        shutil.copy(folder / "config.json", folder / name)
    (folder / "config.json").unlink()


def pickled_sae(folder: Path) -> None:
    (folder / SAE_WEIGHTS).unlink()
    torch.save({}, folder / "saes/first/sae_weights.pt")


def in_gguf(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model.gguf")


WEIGHTS, SAE_CFG, SAE_WEIGHTS = "model.safetensors", "saes/first/cfg.json", "saes/first/sae_weights.safetensors"
DAMAGE: Mapping[str, tuple[Callable[[Path], Any], str]] = {
    "weights cut": (lambda f: cut(f / WEIGHTS), r"model\.safetensors is cut or no safetensors file"),
    "weights empty": (lambda f: (f / WEIGHTS).write_bytes(b""), r"model\.safetensors is cut .* 0 bytes"),
    "weights missing": (lambda f: (f / WEIGHTS).unlink(), r"has no weights\. Expected model\.safetensors"),
    "a pickle beside": (pickled, r"has no weights but pytorch_model\.bin, a pickle"),
    "a pickle in place": (lambda f: torch.save({}, f / WEIGHTS), r"model\.safetensors is cut or no safetensors file"),
    "two models": (doubled, r"holds two models: model\.safetensors, and the parts"),
    "two models without an index": (
        lambda f: shutil.copy(f / WEIGHTS, f / "other.safetensors"),
        r"holds 2 models: model\.safetensors, other\.safetensors, and no index of them",
    ),
    "two models in folders": (nested, r"has no config\.json, but first, second with one each"),
    "weights in another format": (in_gguf, r"has no weights but model\.gguf, which is not read here"),
    "SAE in a pickle": (pickled_sae, r"has no sae_weights\.safetensors but sae_weights\.pt, a pickle"),
    "wrong shapes": (lambda f: edited(f / "config.json", n_embd=32), "is missing or of another shape"),
    "weights of a layer missing": (lambda f: edited(f / "config.json", n_layer=3), r"transformer\.h\.2\S+ is missing"),
    "unknown kind of model": (lambda f: edited(f / "config.json", model_type="odd"), "could not be loaded: ValueError"),
    "configuration missing": (lambda f: (f / "config.json").unlink(), r"has no config\.json"),
    "configuration broken": (lambda f: cut(f / "config.json"), r"config\.json is no JSON"),
    "configuration of another kind": (lambda f: (f / "config.json").write_text("[]"), r"config\.json holds a list"),
    "tokenizer missing": (lambda f: (f / "tokenizer.json").unlink(), "has no tokenizer"),
    "tokenizer broken": (lambda f: cut(f / "tokenizer.json"), r"tokenizer\.json is no JSON"),
    "tokenizer's settings broken": (lambda f: cut(f / "tokenizer_config.json"), r"tokenizer_config\.json is no JSON"),
    "SAE cut": (lambda f: cut(f / SAE_WEIGHTS), r"sae_weights\.safetensors is cut or no"),
    "SAE missing": (lambda f: (f / SAE_WEIGHTS).unlink(), r"sae_weights\.safetensors cannot be read"),
    "SAE's configuration broken": (lambda f: cut(f / SAE_CFG), r"cfg\.json is no JSON"),
    "SAE's configuration missing": (lambda f: (f / SAE_CFG).unlink(), r"cfg\.json cannot be read"),
    "SAE without hook": (lambda f: edited(f / SAE_CFG, metadata={}), r"cfg\.json names no hook"),
    "SAE with a number for a hook": (
        lambda f: edited(f / SAE_CFG, metadata={"hook_name": 7}),
        r"cfg\.json has 7 for a hook's name\. Expected metadata\.hook_name",
    ),
    "SAE with a list of metadata": (lambda f: edited(f / SAE_CFG, metadata=[1]), r"cfg\.json has a list as metadata"),
    "SAE without a width": (lambda f: edited(f / SAE_CFG, d_in="x"), r"cfg\.json has 'x' for d_in\. Expected a whole"),
    "index of another kind": (
        lambda f: (f / "model.safetensors.index.json").write_text('{"weight_map": [1]}'),
        r"index\.json has a weight_map that is none",
    ),
    "configuration of a number": (lambda f: (f / "config.json").write_text("3"), r"config\.json holds an int"),
    "SAE of an unknown kind": (lambda f: edited(f / SAE_CFG, architecture="odd"), "architecture 'odd'. Expected one"),
    "SAE of another size": (
        lambda f: edited(f / SAE_CFG, d_sae=25),
        r"W_enc of shape \[16, 24\]\. Expected \[16, 25\]",
    ),
    "vocabulary smaller than the tokenizer's": (
        lambda f: gpt2(0, vocab_size=20).save_pretrained(f),
        r"has a vocabulary of 20 and a tokenizer of 800 tokens\. Expected no more",
    ),
    "no SAEs": (lambda f: shutil.rmtree(f / "saes"), "No SAE found in"),
}


def load(folder: Path) -> Subject:
    subject = find_subject(str(folder))
    assert subject.saes and subject.model
    return subject


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_damaged_is_one_line_of_status_2_that_names_it(damage: str, folder: Path) -> None:
    do, words = DAMAGE[damage]
    do(folder)
    with pytest.raises(BadInput, match=words) as raised:
        load(folder)
    assert "\n" not in str(raised.value) and "Expected" in str(raised.value) and raised.value.exit_status == 2


AT_THE_COMMAND_LINE = (
    "vocabulary smaller than the tokenizer's",
    "SAE with a list of metadata",
    "index of another kind",
    "wrong shapes",
)


@pytest.mark.parametrize("damage", AT_THE_COMMAND_LINE)
def test_a_check_of_what_is_damaged_is_told_in_a_line(damage: str, folder: Path, tmp_path: Path) -> None:
    do, words = DAMAGE[damage]
    do(folder)
    subject = ["--subject", f"{folder}:hooked", "--results", str(tmp_path / "results")]
    answer = warm.bench("check", "text_batching", "--workload", "smoke", *subject)
    told = [line for line in answer.stderr.splitlines() if not line.startswith("checking ")]
    assert answer.returncode == 2 and not answer.stdout and len(told) == 1, answer.stderr
    assert re.search(words, told[0]) and "Expected" in told[0]


def test_a_folder_that_may_not_be_read_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated, since who administers a machine may read everything."""

    def denied(self: Path) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", denied)
    with pytest.raises(BadInput, match=r"cannot be read \(Permission denied\)"):
        _ = find_subject(str(folder)).model


def test_a_sound_folder_loads(folder: Path) -> None:
    """The companion of all that is refused."""
    load(folder).require_double()


ANGLES: dict[str, tuple[dict[str, Any], bool]] = {
    "as the fifth saves them": ({}, False),
    "told by both names": ({"rope_theta": 50_000.0}, True),
    "stretched": ({"rope_theta": 1e4, "rope_parameters": {"rope_type": "linear", "factor": 2.0}}, False),
    "stretched, told by both names": (
        {"rope_theta": 1e4, "rope_parameters": {"rope_type": "linear"}, "rope_scaling": {"rope_type": "linear"}},
        True,
    ),
    "by kind of attention": ({"rope_parameters": {"full_attention": {"rope_type": "default"}}}, False),
}


NUMBERS: dict[str, tuple[dict[str, Any], str]] = {
    "layers without end": ({"num_hidden_layers": 10**12}, "has 1000000000000 for num_hidden_layers"),
    "no layers": ({"num_hidden_layers": 0}, "has 0 for num_hidden_layers"),
    "fewer than none": ({"num_hidden_layers": -1}, "has -1 for num_hidden_layers"),
    "layers as text": ({"num_hidden_layers": "2"}, "has '2' for num_hidden_layers"),
    "layers by a truth": ({"num_hidden_layers": True}, "has True for num_hidden_layers"),
    "layers of a part": ({"text_config": {"num_layers": 10**12}}, "has 1000000000000 for num_layers"),
    "angles in a list": ({"rope_parameters": [1]}, "has a list as rope_parameters. Expected a JSON object"),
    "a base as text": ({"rope_theta": "10000"}, "has '10000' for a base of rotary angles"),
    "a base of none": ({"rope_parameters": {"rope_theta": 0.0}}, "has 0.0 for a base"),
    "a base that is no number": ({"rope_parameters": {"rope_theta": math.nan}}, "has nan for a base"),
    "a base by kind of attention": (
        {"rope_parameters": {"full_attention": {"rope_theta": []}}},
        r"has \[\] for a base",
    ),
}


@pytest.mark.parametrize("what", NUMBERS)
def test_numbers_that_no_model_is_built_by_are_refused_before_one_is(what: str, tmp_path: Path) -> None:
    folder = write(tmp_path, llama())
    model_files.require_readable(folder)
    changes, words = NUMBERS[what]
    edited(folder / "config.json", **changes)
    with pytest.raises(BadInput, match=rf"config\.json {words}"):
        model_files.require_readable(folder)


@pytest.mark.parametrize("what", ANGLES)
def test_angles_that_an_earlier_transformers_would_leave_out_are_refused(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    added, is_right = ANGLES[what]
    edited(write(tmp_path, llama()) / "config.json", **added)
    model_files.require_readable(tmp_path)
    monkeypatch.setattr(model_files, "version", lambda name: "4.57.6")
    if is_right:
        model_files.require_readable(tmp_path)
    else:
        with pytest.raises(BadInput, match=r"config\.json tells rotary angles .* Transformers 4\.57\.6 leaves out"):
            model_files.require_readable(tmp_path)


def test_weights_that_are_no_numbers_are_told(tmp_path: Path) -> None:
    model = gpt2(0)
    model.transformer.h[0].mlp.c_fc.bias.data.fill_(float("nan"))
    with pytest.raises(BadInput, match="no finite numbers"):
        load(write(tmp_path, model))


def test_tensors_outside_the_parameters_are_cast_for_the_oracle(tmp_path: Path) -> None:
    subject = load(write(tmp_path, llama()))
    subject.require_double()
    double = subject.in_float64.model
    assert {t.dtype for _, t in tensors_of(double) if t.is_floating_point()} == {torch.float64}


def test_a_model_that_cannot_be_made_float64_is_told_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oracle, "CACHE", folder.parent)
    subject = load(folder)
    mlp = subject.in_float64.model.blocks[0].mlp
    mlp.register_forward_pre_hook(lambda module, args: (args[0].float(),))
    with pytest.raises(BadInput, match=r"run in float64 on 'a', failed: RuntimeError"):
        Oracle(subject)


def test_an_saes_width_is_held_against_its_hooks_own(tmp_path: Path) -> None:
    assert load(write(tmp_path / "right", gpt2(0), "blocks.1.mlp.hook_post", 64)).sae.cfg.d_in == 64
    with pytest.raises(BadInput, match=r"has d_in 16\. Expected 64, the width of blocks\.1\.mlp\.hook_post"):
        load(write(tmp_path / "wrong", gpt2(0), "blocks.1.mlp.hook_post", 16))
    with pytest.raises(BadInput, match=r"has d_in 8\. Expected 16 \(2 x 8\), the width of blocks\.1\.attn\.hook_z"):
        load(write(tmp_path / "head", gpt2(0), "blocks.1.attn.hook_z", 8))


def test_the_oracle_remembers_by_content(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oracle, "CACHE", tmp_path / "cache")
    before = Oracle(load(folder)).activations(RESID, TEXTS)
    gpt2(7).save_pretrained(folder)
    after = Oracle(load(folder)).activations(RESID, TEXTS)
    assert not torch.equal(before, after)
    gpt2(0).save_pretrained(folder)
    assert torch.equal(Oracle(load(folder)).activations(RESID, TEXTS), before)


def test_a_folder_that_changed_is_another_subject(folder: Path) -> None:
    subjects = Subjects()
    one = find_subject(str(folder))
    assert subjects.kept(one) is one and subjects.kept(find_subject(str(folder))) is one
    assert one.digest == find_subject(str(folder)).digest
    edited(folder / "config.json", n_head=1)
    other = find_subject(str(folder))
    assert subjects.kept(other) is other and one.digest != other.digest


def test_an_embedded_name_wins_over_a_folder(sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_subject("tiny").shape and find_subject("./tiny").name == str(tmp_path / "tiny")
    with pytest.raises(BadInput, match="Unknown subject ''"):
        find_subject("")


def test_embedded_subjects_have_digests_of_their_own() -> None:
    names = ["tiny", "solved", "gpt2-small-shape", "tiny:bridge", "tiny:bridge:topk", "tiny:hook_z"]
    assert len({embedded_digest(name) for name in names}) == len(names)
    assert find_subject("tiny:topk:bridge").digest == embedded_digest("tiny:bridge:topk")


DRAWN_2 = {
    "tiny": 39_964,
    "tiny:bridge": 35_007,
    "tiny:jumprelu": 40_002,
    "tiny:topk": 39_905,
    "tiny:gated:hook_z": 43_453,
}
"""Sum of all weights' sizes where `identity.DRAWN` is 2. Who draws them otherwise counts it up and adds sums."""


@pytest.mark.parametrize("name", DRAWN_2)
def test_the_digest_changes_with_how_weights_are_drawn(name: str) -> None:
    subject = find_subject(name)
    held = [t for module in (subject.model, *subject.saes.values()) for _, t in tensors_of(module)]
    size = sum(t.double().abs().sum().item() for t in held if t.is_floating_point() and t.isfinite().all())
    assert DRAWN == 2 and abs(size - DRAWN_2[name]) < 2
