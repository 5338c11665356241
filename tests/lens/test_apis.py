"""A folder's model by other APIs: what a name asks for, and that all of them are the same model."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, GPTNeoXConfig, GPTNeoXForCausalLM

from bench.findings import find
from speedproof.errors import BadInput
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.gate.check import certify
from speedproof.lens import oracle
from speedproof.lens.doubles import kept_double
from speedproof.lens.hooks import blocks_through
from speedproof.lens.oracle import Oracle
from speedproof.lens.pretrained.apis import APIS, MADE, Named, named
from speedproof.lens.subject import find_subject
from speedproof.pairs import texts
from speedproof.pairs.workload import Workload

from .test_model_files import gpt2, llama, write

RESID = "blocks.1.hook_resid_pre"
GIVEN = texts.own(7)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("llama"), llama())


@pytest.fixture(autouse=True)
def no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oracle, "CACHE", tmp_path / "cache")


def test_a_name_asks_for_a_folder_and_an_api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert named("a/b") == Named(Path("a/b")) and named("a/b:raw") == Named(Path("a/b"), "raw")
    assert named("a/b:other") == Named(Path("a/b:other"))
    Path("odd:raw").mkdir()
    assert named("odd:raw") == Named(Path("odd:raw")) and named("odd:raw:raw") == Named(Path("odd:raw"), "raw")
    assert find_subject("odd:raw").name == str(tmp_path / "odd:raw")


def test_the_saes_of_a_folder_come_in_layer_order(tmp_path: Path) -> None:
    folder = write(tmp_path, llama(), "blocks.1.hook_resid_pre")
    (folder / "saes/first").rename(folder / "saes/layer-10")
    write(folder, llama(), "blocks.0.hook_resid_pre")
    (folder / "saes/first").rename(folder / "saes/layer-9")
    subject = find_subject(str(folder))
    assert list(subject.saes) == ["layer-9", "layer-10"] and subject.hook_name == "blocks.1.hook_resid_pre"


@pytest.mark.parametrize(
    ("hook_name", "n_blocks"),
    [
        ("blocks.3.hook_resid_pre", 3),
        ("blocks.3.hook_resid_post", 4),
        ("hook_embed", 0),
        ("blocks.x.y", 0),
        ("None", 0),
    ],
)
def test_a_hook_stands_behind_so_many_blocks(hook_name: str, n_blocks: int) -> None:
    assert blocks_through(hook_name) == n_blocks


def test_an_api_is_part_of_the_subject(folder: Path) -> None:
    subjects = [find_subject(f"{folder}:{api}" if api else str(folder)) for api in APIS]
    assert len({one.digest for one in subjects}) == len({one.name for one in subjects}) == len(APIS)


def test_what_was_not_fetched_says_how_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("speedproof.lens.pretrained.apis.CACHE", tmp_path)
    for name, command in MADE.items():
        with pytest.raises(BadInput, match=f"not in the cache yet.*Run: {command}"):
            find_subject(f"{name}:raw")
        assert named(name).folder == tmp_path / "real" / name


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("base", [10_000.0, 50_000.0])
def test_hooked_transformer_says_where_it_turns_by_another_base(
    base: float, api: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sizes = {"vocab_size": 1024, "hidden_size": 16, "intermediate_size": 40, "num_hidden_layers": 2}
    angles = {"rope_type": "default", "rope_theta": base, "partial_rotary_factor": 0.5}
    config = GPTNeoXConfig(**sizes, num_attention_heads=2, max_position_embeddings=64, rope_parameters=angles)
    folder = write(tmp_path / "neox", GPTNeoXForCausalLM(config))
    find_subject(f"{folder}:{api}" if api else str(folder)).model.requires_grad_(False)
    told = "turns positions by angles of base 10,000, and its config.json asks for 50,000"
    assert (told in caplog.text) == (api == "hooked" and base == 50_000)
    assert ("leave ':hooked' out" in caplog.text) == (told in caplog.text)


def test_where_there_is_no_bridge_none_is_advised(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speedproof.lens.embedded.models.has_bridge", lambda: False)
    monkeypatch.setattr("speedproof.lens.pretrained.loading.has_bridge", lambda: False)
    sizes = {"vocab_size": 1024, "hidden_size": 16, "intermediate_size": 40, "num_hidden_layers": 2}
    angles = {"rope_type": "default", "rope_theta": 50_000.0}
    config = GPTNeoXConfig(**sizes, num_attention_heads=2, max_position_embeddings=64, rope_parameters=angles)
    folder = write(tmp_path / "neox", GPTNeoXForCausalLM(config))
    assert type(find_subject(str(folder)).model).__name__ == "HookedTransformer"
    assert "take a release of TransformerLens that has it" in caplog.text


def test_hooked_transformer_reads_the_base_of_a_llama_and_says_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = llama()
    model.config.rope_parameters = {"rope_type": "default", "rope_theta": 50_000.0}
    folder = write(tmp_path / "llama", model)
    assert find_subject(f"{folder}:hooked").model.cfg.rotary_base == 50_000 and "turns positions" not in caplog.text


def test_a_gpt2_that_transformers_saved_is_loaded_by_all(tmp_path: Path) -> None:
    """The fifth writes no `n_ctx`, which HookedTransformer asks for."""
    folder = write(tmp_path / "odd name: 1", gpt2(0))
    found = [find_subject(f"{folder}:{api}" if api else str(folder)).model for api in APIS]
    caught = [model.run_with_cache("a text")[1][RESID].detach() for model in found]
    whole = [one - one.mean(-1, keepdim=True) for one in caught]
    assert len(whole) == len(APIS) and all(torch.allclose(one, whole[0], atol=1e-5) for one in whole)


@pytest.mark.parametrize("api", ["", ":raw"])
def test_what_is_no_folder_is_told(api: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name, what in (("file", "a file"), ("loop", "a link that leads nowhere")):
        with pytest.raises(BadInput, match=f"is {what}. Expected a folder"):
            find_subject(f"{tmp_path}/{name}{api}")


@pytest.mark.parametrize("api", APIS)
def test_the_oracle_is_transformers_own_forward_pass_in_float64(api: str, folder: Path) -> None:
    subject = find_subject(f"{folder}:{api}" if api else str(folder))
    theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64)
    with torch.no_grad(), kept_double(theirs):
        tokens = [subject.model.to_tokens(text) for text in GIVEN]
        right = [theirs(input_ids=t, output_hidden_states=True).hidden_states[1][0, -1] for t in tokens]
    found = Oracle(subject).activations(RESID, GIVEN)
    # HookedTransformer's table of positions is another one.
    assert (found - torch.stack(right)).abs().max() < (1e-9 if api == "hooked" else 1e-13) * found.abs().max()


def test_without_care_transformers_rounds_its_float64_to_float32(folder: Path) -> None:
    """The companion: what `kept_double` is for."""
    theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64)
    tokens = torch.arange(12)[None]
    with torch.no_grad():
        rounded = theirs(input_ids=tokens).logits
        with kept_double(theirs):
            kept = theirs(input_ids=tokens).logits
        assert torch.equal(theirs(input_ids=tokens).logits, rounded)
    assert 1e-10 < (rounded - kept).abs().max() < 1e-5


@pytest.mark.parametrize("api", ["raw", "hooked", "cut"])
def test_twins_are_proven_on_each_and_a_wrong_one_is_refused(api: str, folder: Path) -> None:
    subject = find_subject(f"{folder}:{api}")
    finding, given = find("text_batching"), Workload("given", subject.name, 7, n_threads=1)
    right = certify(finding, finding.pairs[0], given, subject=subject)
    assert isinstance(right, Certificate), str(right)

    def one_off(model, sae, hook_name, texts):  # type: ignore[no-untyped-def]
        return finding.pairs[0].batched(model, sae, hook_name, texts).roll(1, dims=0)

    assert isinstance(certify(finding, finding.pairs[0], given, one_off, subject=subject), Refusal)


def test_a_cut_model_computes_nothing_above_its_deepest_sae(folder: Path) -> None:
    model = find_subject(f"{folder}:cut").model
    assert [*model.hook_dict] == ["blocks.0.hook_resid_pre", RESID] and len(model.inner.layers) == 1
    value, cache = model.run_with_cache("a text")
    assert torch.equal(value, cache[RESID])


def test_a_model_is_cut_at_residual_streams_alone(tmp_path: Path) -> None:
    write(tmp_path, llama(), "blocks.0.hook_mlp_out")
    with pytest.raises(BadInput, match=r"cut at blocks\.N\.hook_resid_pre alone, and blocks\.0\.hook_mlp_out is"):
        _ = find_subject(f"{tmp_path}:cut").model
