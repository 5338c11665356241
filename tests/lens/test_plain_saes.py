"""SAEs read from their files without SAELens are the SAEs that SAELens loads; what cannot be read so is refused."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from sae_lens import SAE

from speedproof.errors import BadInput
from speedproof.lens import features
from speedproof.lens.embedded.saes import make_saes
from speedproof.lens.pretrained import plain_saes
from speedproof.lens.weights import in_dtype
from tests.walls import ROOT

from .test_model_files import llama, write

KINDS = tuple(plain_saes.KINDS)


def saved(folder: Path, name: str) -> tuple[Any, Path]:
    """An embedded subject's first SAE, as SAELens has it and where SAELens saved it."""
    sae = next(iter(make_saes(name).values()))
    sae.save_model(folder)
    return sae, folder


def changed(folder: Path, **settings: Any) -> None:
    path = folder / "cfg.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))


def some_input(sae: Any, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    n_heads = 4
    shape = (50, n_heads, sae.cfg.d_in // n_heads) if sae.cfg.reshape_activations == "hook_z" else (50, sae.cfg.d_in)
    return (3 * torch.randn(*shape, generator=generator)).to(dtype)


@pytest.mark.parametrize("hook", ["", ":hook_z"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_plain_sae_encodes_as_saelens_does(kind: str, hook: str, tmp_path: Path) -> None:
    of_kind = "" if kind == "standard" else f":{kind}"
    sae, folder = saved(tmp_path, f"tiny{of_kind}{hook}")
    plain = plain_saes.PlainSAE.load_from_disk(folder)
    acts = some_input(sae)
    assert plain.cfg.architecture() == sae.cfg.architecture() == kind
    assert plain.cfg.metadata.hook_name == sae.cfg.metadata.hook_name and plain.cfg.d_sae == sae.cfg.d_sae
    assert torch.equal(plain.encode(acts), sae.encode(acts))
    assert bool((plain.encode(acts) > 0).any())


@pytest.mark.parametrize("settings", [{"rescale_acts_by_decoder_norm": True}, {"apply_b_dec_to_input": False}])
def test_what_a_configuration_says_of_the_encoder_is_done(settings: dict[str, Any], tmp_path: Path) -> None:
    sae, folder = saved(tmp_path, "tiny:topk")
    as_it_was = sae.encode(some_input(sae))
    with torch.no_grad():
        sae.W_dec.mul_(torch.linspace(0.1, 10, sae.cfg.d_sae)[:, None])
    sae.save_model(folder)
    changed(folder, **settings)
    by_saelens, plain = SAE.load_from_disk(folder), plain_saes.PlainSAE.load_from_disk(folder)
    acts = some_input(sae)
    assert torch.equal(plain.encode(acts), by_saelens.encode(acts))
    assert not torch.equal(plain.encode(acts), as_it_was), "the setting changes nothing"


@pytest.mark.parametrize("kind", KINDS)
def test_the_oracle_knows_the_decisions_of_a_plain_sae(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sae, folder = saved(tmp_path, "tiny" if kind == "standard" else f"tiny:{kind}")
    plain = plain_saes.PlainSAE.load_from_disk(folder)
    acts = some_input(sae, torch.float64)
    expected = features.encode(in_dtype(sae, "float64"), acts)
    for name in ("GatedSAE", "JumpReLUSAE", "TopKSAE"):
        monkeypatch.setattr(features, name, getattr(plain_saes, name))
    found = features.encode(in_dtype(plain, "float64"), acts)
    for part in ("values", "if_fired", "margin"):
        assert torch.equal(getattr(found, part), getattr(expected, part)), part


def test_activations_that_are_normalised_at_every_call_are_refused(tmp_path: Path) -> None:
    _, folder = saved(tmp_path, "tiny")
    changed(folder, normalize_activations="layer_norm")
    with pytest.raises(BadInput, match=r"unsupported: .*'layer_norm'.*Expected one of none.*Install sae-lens"):
        plain_saes.PlainSAE.load_from_disk(folder)


ASK = """
import sys
for absent in {absent}: sys.modules[absent] = None
from speedproof.errors import BadInput
from speedproof.lens.subject import find_subject
subject = find_subject({name!r})
try:
    features = subject.sae.encode(subject.model.run_with_cache("a word", return_type=None)[1][subject.hook_name])
    print(type(subject.sae).__module__, subject.hook_name, tuple(features.shape))
except BadInput as error:
    print(error)
"""


def asked_without(absent: list[str], name: str) -> str:
    """What a process says of a subject's SAE, where these modules cannot be imported."""
    code = ASK.format(absent=absent, name=name)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_folder_is_a_subject_where_saelens_is_not_installed(tmp_path: Path) -> None:
    folder = str(write(tmp_path, llama()))
    told = asked_without(["sae_lens"], folder)
    assert told.startswith("speedproof.lens.pretrained.plain_saes blocks.")
    assert not asked_without([], folder).startswith("speedproof")


def test_an_embedded_subject_is_refused_with_the_reason_where_saelens_is_not_installed() -> None:
    assert asked_without(["sae_lens"], "tiny").startswith("The SAEs of embedded subjects cannot be made")
