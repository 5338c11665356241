"""What the tests' hub holds: a small GPT-2 in the place of the real one, and SAEs of it in the places of real ones."""

from pathlib import Path
from typing import Any

import pytest
import torch
from sae_lens import StandardSAE, StandardSAEConfig
from sae_lens.loading.pretrained_saes_directory import PretrainedSAELookup, get_pretrained_saes_directory
from sae_lens.saes.sae import SAEMetadata

from speedproof.lens.embedded.tokenizers import embedded_tokenizer
from speedproof.lens.subject import Subject, find_subject

from .hub_stand_in import Hub
from .test_model_files import gpt2

RELEASE = "gpt2-small-res-jb"
MODEL, SAES = "openai-community/gpt2", "jbloom/GPT2-Small-SAEs-Reformatted"
"""Repositories of that release's model and of its SAEs."""
FIRST, SECOND = "blocks.1.hook_resid_pre", "blocks.0.hook_resid_pre"
NAME = f"{RELEASE}/{FIRST}"


def fill(root: Path) -> None:
    """The model and two SAEs as Transformers and SAELens save them, and beside them what is not to be loaded."""
    made_as_gpt2().save_pretrained(root / MODEL)
    embedded_tokenizer().save_pretrained(root / MODEL)
    (root / MODEL / "onnx").mkdir()
    (root / MODEL / "onnx/decoder.safetensors").write_text("another format's")
    torch.save({"weight": torch.ones(2)}, root / MODEL / "pytorch_model.bin")
    for number, hook_name in enumerate((FIRST, SECOND)):
        sae_of(hook_name, seed=number).save_model(root / SAES / hook_name)


def made_as_gpt2() -> Any:
    """With what GPT-2's configuration says at the hub, and Transformers no longer writes."""
    model = gpt2(0)
    model.config.n_ctx = model.config.n_positions
    return model


def sae_of(hook_name: str, d_in: int = 16, seed: int = 0) -> StandardSAE:
    metadata = SAEMetadata(hook_name=hook_name, model_name="gpt2-small")
    made = StandardSAE(StandardSAEConfig(d_in=d_in, d_sae=24, metadata=metadata))
    torch.nn.init.normal_(made.W_enc, generator=torch.Generator().manual_seed(seed))
    return made


def load(name: str) -> Subject:
    subject = find_subject(name)
    assert subject.saes and subject.model
    return subject


def register(
    monkeypatch: pytest.MonkeyPatch, release: str, form: str | None, path: str, where: str = "org/saes", **said: Any
) -> None:
    """A release of one SAE, `one`, in SAELens' registry; `said` is what it says over the SAE's configuration.

    For formats whose own releases are too large to be made up here.
    """
    entry = PretrainedSAELookup(release, where, "gpt2-small", form, {"one": path}, {}, {}, {}, {}, said or None)
    monkeypatch.setitem(get_pretrained_saes_directory(), release, entry)


def trained_by_dictionary_learning(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> dict[str, torch.Tensor]:
    """A release in that library's format, `dictionary/one`, without its weights, which are given back."""
    register(monkeypatch, "dictionary", "dictionary_learning_1", "one")
    told = '{"trainer": {"layer": 0, "dict_class": "AutoEncoder", "activation_dim": 16, "dict_size": 24, '
    told += '"lm_name": "org/gpt2"}, "buffer": {"ctx_len": 64}}'
    (hub.put("org/saes/one") / "config.json").write_text(told)
    shapes = {"encoder.weight": (24, 16), "encoder.bias": (24,), "decoder.weight": (16, 24), "bias": (16,)}
    return {key: torch.randn(shape) for key, shape in shapes.items()}
