"""Subjects on a CUDA device: their names, where their parts are, and what the gate says of answers from elsewhere."""

import copy
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import impl_batched.text_batching as batched
from bench.findings import find
from speedproof.errors import BadInput
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.gate.check import certify
from speedproof.lens import devices, weights
from speedproof.lens.embedded.identity import embedded_digest
from speedproof.lens.least_work import least_work
from speedproof.lens.oracle import Oracle
from speedproof.lens.subject import Subject, find_subject
from speedproof.lens.weights import all_tensors
from speedproof.pairs.workload import Workload
from speedproof.tensors.aspects.content import WHOLE_BYTES, _digest, _digest_there
from speedproof.tensors.aspects.walk import in_bytes
from speedproof.tensors.device_counters import device_counters
from tests.walls import ROOT

WITHOUT = not torch.cuda.is_available()
on_a_device = pytest.mark.skipif(WITHOUT, reason="there is no CUDA device here")
without_one = pytest.mark.skipif(not WITHOUT, reason="says what happens without a CUDA device")
N_TEXTS = 12
PAIRS = [(find(name), pair) for name in ("text_batching", "comparison_table", "grad_mode") for pair in find(name).pairs]


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if torch could use one, for what loads nothing."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("tiny:cuda", "tiny:cuda"),
        ("tiny:cuda:topk:bridge", "tiny:bridge:topk:cuda"),
        ("solved:cuda", "solved:cuda"),
        ("gpt2-small-shape:bridge:cuda", "gpt2-small-shape:bridge:cuda"),
        ("gpt2-small:raw:cuda", "gpt2-small:raw:cuda"),
        ("gpt2-small-res-jb/blocks.8.hook_resid_pre:cuda", "gpt2-small-res-jb/blocks.8.hook_resid_pre:cuda"),
    ],
)
def test_the_device_stands_last_in_a_name_and_decides_no_weights(asked: str, name: str) -> None:
    subject, bare = find_subject(asked), find_subject(name.removesuffix(":cuda"))
    assert (subject.name, subject.device, subject.bare_name) == (name, "cuda", bare.name)
    assert subject != bare and bare.device == "cpu" and subject.released == bare.released
    if subject.shape:
        assert subject.digest == bare.digest == embedded_digest(bare.name)


@pytest.mark.usefixtures("device")
def test_a_folder_may_be_on_a_device_and_one_of_the_whole_name_comes_first(tmp_path: Path) -> None:
    subject = find_subject(f"{tmp_path}:raw:cuda")
    assert (subject.name, subject.named) == (f"{tmp_path}:raw:cuda", (tmp_path, "raw")) and subject.is_folder
    (tmp_path / "x:cuda").mkdir()
    assert find_subject(f"{tmp_path}/x:cuda").device == "cpu"
    for wrong in ("tiny:cuda:cuda", "nonsense:cuda", ":cuda"):
        with pytest.raises(BadInput):
            find_subject(wrong)


@pytest.mark.usefixtures("device")
def test_the_oracle_of_a_subject_on_a_device_is_the_processors() -> None:
    """It shares what it remembers, and its weights are the same."""
    subject, bare = find_subject("tiny:cuda"), find_subject("tiny")
    double = subject.in_float64
    assert (double.name, double.device, double.dtype) == ("tiny", "cpu", "float64")
    assert {tensor.device.type for _, tensor in all_tensors(double.model)} == {"cpu"}
    assert Oracle(subject)._file(bare.hook_name) == Oracle(bare)._file(bare.hook_name)


@without_one
def test_without_a_device_it_is_told_before_anything_is_loaded() -> None:
    told = r"'tiny:cuda' is on a CUDA device, and torch \S+ can use none here\. Expected .* Leave ':cuda' out"
    with pytest.raises(BadInput, match=told):
        find_subject("tiny:cuda")


@without_one
@pytest.mark.parametrize("verb", ["check", "measure"])
def test_the_command_line_says_so_too(verb: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", verb, "1", "--workload", "smoke", "--subject", "tiny:cuda"]
    environment = {**os.environ, "SPEEDPROOF_RESULTS": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=120)
    assert done.returncode == 2 and "can use none here" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["tiny", "tiny:bridge", "tiny:gated:hook_z"])
def test_every_tensor_gets_other_memory_and_what_shared_it_goes_on_sharing_it(name: str) -> None:
    subject = find_subject(name)
    modules = (subject.model, *subject.saes.values())

    def tensors() -> list[Tensor]:
        return [tensor for module in modules for _, tensor in all_tensors(module)]

    def answer() -> Tensor:
        found: Tensor = batched.extract_features(subject.model, subject.sae, subject.hook_name, ["one", "two words"])
        return found

    before, right = tensors(), answer()
    held = [tensor.untyped_storage() for tensor in before]

    def copied(tensor: Tensor) -> torch.UntypedStorage:
        return in_bytes(tensor).clone().untyped_storage()

    weights._change(before, copied, device="cpu")
    after = tensors()
    assert all(one is other for one, other in zip(before, after, strict=True))
    places = [{storage.data_ptr() for storage in of} for of in (held, [t.untyped_storage() for t in after])]
    assert places[0] & places[1] <= {0} and len(places[0]) == len(places[1])
    assert torch.equal(right, answer())


def test_what_is_on_its_device_is_left_alone(tiny: Subject) -> None:
    places = {tensor.data_ptr() for _, tensor in all_tensors(tiny.model)}
    assert weights.on_device(tiny.model, "cpu") is tiny.model
    assert {tensor.data_ptr() for _, tensor in all_tensors(tiny.model)} == places


def test_memory_elsewhere_has_the_content_that_it_has_here() -> None:
    for n_bytes in (3, WHOLE_BYTES, WHOLE_BYTES + 1, 2**20 + 13):
        memory = torch.randint(0, 256, (n_bytes,), dtype=torch.uint8).untyped_storage()
        assert _digest(memory) == _digest_there(memory)


def test_an_answer_on_another_device_than_the_subjects_is_refused(tiny: Subject) -> None:
    def on_meta(model: Any, sae: Any, hook_name: str, texts: Any) -> Tensor:
        return batched.extract_features(model, sae, hook_name, texts).to("meta")

    answer = certify(*PAIRS[0], Workload("given", "tiny", N_TEXTS, n_threads=1), on_meta, tiny)
    assert isinstance(answer, Refusal) and "on the device meta, expected cpu" in answer.reason, str(answer)


def asked(name: str, finding: Any, pair: Any, candidate: Any = None) -> Certificate | Refusal:
    workload = Workload("given", name, N_TEXTS, n_threads=1)
    return certify(finding, pair, workload, candidate, find_subject(name))


@on_a_device
@pytest.mark.parametrize(("finding", "pair"), PAIRS, ids=lambda one: one.name)
def test_twins_are_equivalent_there(finding: Any, pair: Any) -> None:
    answer = asked("tiny:cuda", finding, pair)
    assert isinstance(answer, Certificate), str(answer)


@on_a_device
@pytest.mark.parametrize("name", ["tiny:bridge:cuda", "tiny:topk:hook_mlp_out:cuda", "tiny:bridge:gated:hook_z:cuda"])
def test_variants_are_equivalent_there(name: str) -> None:
    answer = asked(name, *PAIRS[0])
    assert isinstance(answer, Certificate), str(answer)


def first_token(model: Any, sae: Any, hook_name: str, texts: Any) -> Tensor:
    with torch.no_grad():
        return torch.cat([sae.encode(model.run_with_cache(text)[1][hook_name][0, :1]) for text in texts])


def on_the_host(model: Any, sae: Any, hook_name: str, texts: Any) -> Tensor:
    return batched.extract_features(model, sae, hook_name, texts).cpu()


def remembered(model: Any, sae: Any, hook_name: str, texts: Any) -> Tensor:
    key = id(model), id(sae), hook_name, tuple(texts)
    if key not in _KNOWN:
        _KNOWN[key] = batched.extract_features(model, sae, hook_name, texts)
    return _KNOWN[key].clone()


_KNOWN: dict[Any, Tensor] = {}


def weights_written(model: Any, sae: Any, hook_name: str, texts: Any) -> Tensor:
    found = batched.extract_features(model, sae, hook_name, texts)
    sae.W_dec.data[0, 0] += 1
    return found


@on_a_device
@pytest.mark.parametrize(
    ("candidate", "told"),
    [
        (first_token, "equal the feature of the first token"),
        (on_the_host, "on the device cpu, expected cuda"),
        (remembered, "known by"),
        (weights_written, "weights changed"),
    ],
)
def test_a_wrong_twin_is_refused_there(candidate: Any, told: str) -> None:
    answer = asked("tiny:cuda", *PAIRS[0], candidate)
    assert isinstance(answer, Refusal) and told in answer.reason, str(answer)


@on_a_device
def test_products_in_tf32_make_a_definition_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever switched them on, no figure comes of it. Companion: by default they are off."""
    assert not torch.backends.cuda.matmul.allow_tf32
    monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", True)
    answer = asked("tiny:cuda", *PAIRS[0])
    assert isinstance(answer, Refusal) and answer.code == "definition wrong", str(answer)


@on_a_device
@pytest.mark.parametrize("name", ["tiny:cuda", "tiny:bridge:cuda", "tiny:gated:cuda"])
def test_all_parts_are_there_and_the_libraries_know(name: str) -> None:
    subject, bare = find_subject(name), find_subject(name.removesuffix(":cuda"))
    for module in (subject.model, *subject.saes.values()):
        assert {tensor.device.type for _, tensor in all_tensors(module)} == {"cuda"}
        assert str(module.cfg.device) == "cuda"
    assert weights.weights_digest(subject.model) == weights.weights_digest(bare.model)
    found = Oracle(subject).features(subject.sae, ["one", "two words"])
    right = Oracle(bare).features(bare.sae, ["one", "two words"])
    assert found.values.device.type == "cpu" and torch.equal(found.values, right.values)
    assert subject.sae.W_enc.is_cuda


@on_a_device
def test_its_work_is_counted_and_no_floor_of_the_processors_is_told() -> None:
    subject = find_subject("tiny:cuda")
    assert [counter.__name__ for counter in device_counters(subject.model)] == ["kernel_launches", "peak_device_bytes"]
    pair = PAIRS[0][1]
    inputs = pair.inputs(Workload("given", "tiny:cuda", 3), subject, None)
    assert least_work(inputs) is None


@on_a_device
def test_a_copy_of_an_sae_leaves_it_where_it_is() -> None:
    sae = find_subject("tiny:cuda").sae
    moved = weights.on_device(copy.deepcopy(sae), devices.CPU)
    assert not moved.W_enc.is_cuda and sae.W_enc.is_cuda and str(sae.cfg.device) == "cuda"
