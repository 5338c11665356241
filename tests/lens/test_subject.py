"""Subjects: embedded ones without a network, local folders, and what is refused."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from sae_lens import StandardSAE, StandardSAEConfig
from sae_lens.saes.sae import SAEMetadata
from transformers import GPT2Config, GPT2LMHeadModel

from bench.findings import find
from speedproof.errors import BadInput
from speedproof.gate.certificate import Certificate
from speedproof.gate.check import certify
from speedproof.lens.embedded.shapes import EMBEDDED
from speedproof.lens.embedded.tokenizers import TOKENIZER, embedded_tokenizer
from speedproof.lens.subject import Subject, find_subject
from speedproof.pairs import texts
from speedproof.pairs.workload import Workload
from tests.walls import ROOT


def sae(d_in: int, hook_name: str) -> StandardSAE:
    made = StandardSAE(StandardSAEConfig(d_in=d_in, d_sae=48, metadata=SAEMetadata(hook_name=hook_name)))
    torch.nn.init.normal_(made.W_enc, generator=torch.Generator().manual_seed(0))
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small GPT-2 in Hugging Face's layout, with its tokenizer and one SAE."""
    config = GPT2Config(vocab_size=1024, n_positions=64, n_embd=16, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0)
    torch.manual_seed(0)
    GPT2LMHeadModel(config).save_pretrained(tmp_path)
    embedded_tokenizer().save_pretrained(tmp_path)
    sae(16, "blocks.1.hook_resid_pre").save_model(tmp_path / "saes/first")
    return tmp_path


def test_the_tokenizer_has_one_special_token_for_everything_as_gpt2() -> None:
    tokenizer = embedded_tokenizer()
    assert tokenizer.pad_token_id == tokenizer.bos_token_id == tokenizer.eos_token_id
    assert tokenizer.decode(tokenizer.encode("a λ 😂 مرحبا")) == "a λ 😂 مرحبا"


def test_the_tokenizer_is_what_its_script_makes(tmp_path: Path) -> None:
    script = (TOKENIZER / "train.py").read_text()
    copy = tmp_path / "lens/embedded/tokenizer"
    copy.mkdir(parents=True)
    (copy / "train.py").write_text(script)
    (tmp_path / "pairs").mkdir()
    (tmp_path / "pairs/texts.py").write_text((TOKENIZER.parents[2] / "pairs/texts.py").read_text())
    namespace: dict[str, Any] = {"__file__": str(copy / "train.py"), "__name__": "__main__"}
    exec(compile(script, "train.py", "exec"), namespace)
    assert (copy / "tokenizer.json").read_bytes() == (TOKENIZER / "tokenizer.json").read_bytes()


def test_the_texts_have_the_reports_shape(tiny: Subject) -> None:
    assert {name: len(members) for name, members in texts.CATEGORIES.items()} == dict.fromkeys(texts.CATEGORIES, 10)
    given = texts.own(70)
    assert len(set(given)) == 70 and set(texts.own(7)) == {members[0] for members in texts.CATEGORIES.values()}
    lengths = [tiny.model.to_tokens(text).shape[1] for text in given]
    assert (min(lengths), max(lengths)) == (4, 21)
    assert any("<" in text for text in given) and any("\n" in text for text in given)


def test_generated_texts_follow_the_seed_and_new_objects_come_each_time() -> None:
    workload = Workload("w", "tiny", 9, "ragged", seed=1)
    one, two = workload.texts(), workload.texts()
    assert one == two and not any(a is b for a, b in zip(one, two, strict=True) if len(a) > 1)
    assert Workload("w", "tiny", 9, "ragged", seed=2).texts() != one
    assert workload.texts([3, 3, 0]) == [one[3], one[3], one[0]]
    with pytest.raises(BadInput, match="Expected at least one"):
        Workload("w", "tiny", 0).texts()


def test_a_changed_workload_has_another_digest() -> None:
    one = Workload("w", "tiny", 9)
    assert one.digest == Workload("w", "tiny", 9).digest != Workload("w", "tiny", 9, seed=1).digest


def test_weights_are_the_same_each_time_and_leave_the_random_state_alone() -> None:
    before = torch.get_rng_state()
    one, two = (find_subject("tiny") for _ in range(2))
    for left, right in ((one.model, two.model), (one.sae, two.sae)):
        assert all(torch.equal(a, b) for a, b in zip(left.parameters(), right.parameters(), strict=True))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_large_subject_has_gpt2_smalls_shape_and_about_sixty_features_a_text() -> None:
    subject = find_subject("gpt2-small-shape")
    cfg = subject.model.cfg
    assert (cfg.n_layers, cfg.d_model, cfg.n_heads, cfg.d_vocab, cfg.n_ctx) == (12, 768, 12, 50_257, 1024)
    assert subject.hook_names == tuple(f"blocks.{layer}.hook_resid_pre" for layer in (6, 8, 10, 11))
    given = texts.own(14)
    last, names = max(int(name.split(".")[1]) for name in subject.hook_names), [*subject.hook_names]
    with torch.no_grad():
        # No block but those below the last SAE, and each once.
        caches = [subject.model.run_with_cache(text, names_filter=names, stop_at_layer=last + 1)[1] for text in given]
        for sae in subject.saes.values():
            features = sae.encode(torch.stack([cache[sae.cfg.metadata.hook_name][0, -1] for cache in caches]))
            assert features.shape == (14, 24_576)
            assert 40 < (features > 0).sum(dim=1).double().mean() < 80


def test_the_oracles_subject_has_the_same_weights_in_float64(tiny: Subject) -> None:
    double = tiny.in_float64
    assert double.model.W_E.dtype == double.sae.W_enc.dtype == torch.float64
    assert torch.equal(double.model.W_E, tiny.model.W_E.double())


def test_a_local_folder_is_a_subject(folder: Path) -> None:
    subject = find_subject(str(folder))
    assert subject.d_sae == 48 and subject.d_model == 16 and subject.hook_name == "blocks.1.hook_resid_pre"
    finding = find("text_batching")
    answer = certify(finding, finding.pairs[0], Workload("given", str(folder), 12), subject=subject)
    assert isinstance(answer, Certificate), str(answer)


def test_an_sae_that_does_not_fit_is_refused(folder: Path) -> None:
    sae(16, "blocks.7.hook_resid_pre").save_model(folder / "saes/first")
    with pytest.raises(BadInput, match=r"reads 'blocks\.7\.hook_resid_pre', which the model lacks"):
        _ = find_subject(str(folder)).saes
    sae(24, "blocks.1.hook_resid_pre").save_model(folder / "saes/first")
    with pytest.raises(BadInput, match=r"has d_in 24\. Expected 16"):
        _ = find_subject(str(folder)).saes


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"has no config\.json"):
        _ = find_subject(str(tmp_path)).model
    with pytest.raises(BadInput, match="Unknown subject 'nonsense'"):
        find_subject("nonsense")


def test_embedded_subjects_are_known_by_name() -> None:
    assert {find_subject(name).name for name in EMBEDDED} == set(EMBEDDED)


FIRST_OF_TRANSFORMERS = """
import torch
from speedproof.gate import state
from speedproof.lens.subject import find_subject
from speedproof.tensors.kit import TORCH
from speedproof_studies.peers.collectors.gpt2 import gpt2_model
model = find_subject("tiny").model
before = state.Snapshot(TORCH, {{"model": model}})
{does}
print([objection.rule for objection in state.objections(before, before.now())], hasattr(model, "smart_apply"))
"""


@pytest.mark.parametrize(
    ("does", "objections"),
    [("gpt2_model(model, 1)", "[] True"), ("torch.nn.Module.added = print", "['functions'] False")],
)
def test_the_first_model_that_a_candidate_makes_with_transformers_is_not_held_against_it(
    does: str, objections: str
) -> None:
    """Transformers adds a method to `torch.nn.Module` once in a process. Companion: what anybody else adds is seen."""
    code = FIRST_OF_TRANSFORMERS.format(does=does)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == objections
