"""What is watched of the program's state is seen when it changes and put back; untouched, nothing is seen."""

import decimal
import gc
import io
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

import impl_batched.text_batching as batched
import impl_sequential.text_batching as sequential
from bench.findings import FINDINGS, find
from bench.findings.text_batching import FINDING
from speedproof import cli
from speedproof.cli.shown.check import answer_as_json, show_answers
from speedproof.cli.shown.next_step import after_checks
from speedproof.errors import BadInput, Uncertified
from speedproof.gate import outputs, state, watching
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.gate.check import certify
from speedproof.gate.gate import GATE, Gate, gate_that_allows, require_covers
from speedproof.lens.subject import Subject, find_subject
from speedproof.pairs.aspect import Aspect
from speedproof.tensors.aspects.content import WHOLE_BYTES, content
from speedproof.tensors.aspects.walk import Walk
from speedproof.tensors.kit import TORCH
from speedproof_studies.project import PROJECT

PAIR = FINDING.pairs[0]
FEW = replace(PAIR.workload("smoke"), n_items=6, n_threads=1)
ASPECTS = {aspect.name: aspect for aspect in state.watched(TORCH)}


class Seeing(TorchFunctionMode):
    """Sees every call of torch and changes nothing."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


class Passing(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operator and changes nothing."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


kept: list[Any] = []
MODE: Any = Passing
MKLDNN: Any = torch.backends.mkldnn
PRINTING: Any = torch


def entered(context: Any) -> None:
    context.__enter__()


def a_hook(*_: Any) -> None: ...


def first(s: Subject) -> torch.nn.Parameter:
    return s.model.embed.W_E  # type: ignore[no-any-return]


@torch.no_grad()
def set_weight(s: Subject) -> None:
    first(s).set_(torch.zeros(first(s).shape))  # type: ignore[call-overload]


def numpy_write(s: Subject) -> None:
    first(s).detach().numpy()[3, 5] += 1


def replaced(s: Subject) -> None:
    s.sae.W_dec = torch.nn.Parameter(s.sae.W_dec.detach().clone())


@torch.no_grad()
def added_in_place(s: Subject) -> None:
    first(s).add_(1.0)


def buffer_written(s: Subject) -> None:
    buffer = next(b for m in s.model.modules() for b in m._buffers.values() if b is not None and b.numel())
    buffer.data.zero_()


def normed(s: Subject) -> None:
    s.sae.W_dec.data /= s.sae.W_dec.data.norm(dim=-1, keepdim=True) * 3


def error_term(s: Subject) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        s.sae.use_error_term = True


def tensor_type(_: Subject) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.set_default_tensor_type(torch.DoubleTensor)


def backward(s: Subject) -> None:
    s.sae.encode(torch.zeros(1, s.sae.cfg.d_in)).sum().backward()


def gradient(s: Subject) -> None:
    first(s).grad = torch.ones_like(first(s))


def inference(_: Subject) -> None:
    kept.append(torch.inference_mode())
    kept[-1].__enter__()


def autocast(_: Subject) -> None:
    entered(torch.autocast("cpu", dtype=torch.bfloat16))


def timer(_: Subject) -> None:
    late = threading.Timer(600, gc.collect)
    late.daemon = True
    late.start()


def child(_: Subject) -> None:
    kept.append(subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"]))


def written(_: Subject) -> None:
    with watching.watching(()):
        Path("left.txt").write_text("left")


def logger_quietened(_: Subject) -> None:
    logging.getLogger("transformers").setLevel(logging.CRITICAL)


def handler_added(_: Subject) -> None:
    logging.getLogger().addHandler(logging.NullHandler())


def bit_generator(_: Subject) -> None:
    np.random.set_bit_generator(np.random.PCG64(1))  # type: ignore[attr-defined]


def slower(*args: Any) -> Any: ...


def definition_replaced(_: Subject) -> None:
    sequential.extract_features = slower  # type: ignore[assignment]


def code_exchanged(_: Subject) -> None:
    sequential.extract_features.__code__ = slower.__code__


class Claiming:
    """Says that it equals everything."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def __call__(self, *args: Any) -> Any: ...


Change = Callable[[Subject], Any]
CHANGES: Mapping[str, Mapping[str, Change]] = {
    "global hooks": {
        "on modules": lambda _: torch.nn.modules.module.register_module_forward_hook(a_hook),
        "backward": lambda _: torch.nn.modules.module.register_module_full_backward_hook(a_hook),
        "on saved tensors": lambda _: entered(torch.autograd.graph.saved_tensors_hooks(abs, abs)),
        "a function mode": lambda _: entered(Seeing()),
        "a dispatch mode": lambda _: entered(MODE()),
    },
    "default device": {
        "set": lambda _: torch.set_default_device("cpu"),
        "another": lambda _: torch.set_default_device("meta"),
        "entered": lambda _: entered(torch.device("meta")),
    },
    "grad mode": {"off": lambda _: torch.set_grad_enabled(not torch.is_grad_enabled()), "inference": inference},
    "anomaly mode": {"on": lambda _: torch.autograd.set_detect_anomaly(True)},
    "default dtype": {
        "set": lambda _: torch.set_default_dtype(torch.float64),
        "by tensor type": tensor_type,
    },
    "thread count": {"set": lambda _: torch.set_num_threads(torch.get_num_threads() + 1)},
    "deterministic algorithms": {
        "on": lambda _: torch.use_deterministic_algorithms(True),
        "warn only": lambda _: torch.use_deterministic_algorithms(True, warn_only=True),
        "benchmark": lambda _: setattr(torch.backends.cudnn, "benchmark", True),
        "cudnn": lambda _: setattr(torch.backends.cudnn, "deterministic", True),
        "filling": lambda _: setattr(torch.utils.deterministic, "fill_uninitialized_memory", False),
    },
    "matrix multiply precision": {
        "high": lambda _: torch.set_float32_matmul_precision("high"),
        "tf32": lambda _: setattr(torch.backends.cudnn, "allow_tf32", False),
        "of one backend": lambda _: setattr(MKLDNN.matmul, "fp32_precision", "bf16"),
        "mkldnn off": lambda _: torch._C._set_mkldnn_enabled(False),
    },
    "attention kernels": {
        "flash": lambda _: torch.backends.cuda.enable_flash_sdp(False),
        "plain": lambda _: torch.backends.cuda.enable_math_sdp(False),
    },
    "autocast": {"entered": autocast, "cache": lambda _: torch.set_autocast_cache_enabled(False)},
    "denormal numbers": {"flushed": lambda _: torch.set_flush_denormal(True)},
    "torch random state": {"seeded": lambda _: torch.manual_seed(0), "drawn": lambda _: torch.rand(1)},
    "torch print options": {"precision": lambda _: PRINTING.set_printoptions(precision=2)},
    "hooks": {
        "forward": lambda s: s.model.embed.register_forward_hook(a_hook),
        "before": lambda s: s.model.embed.register_forward_pre_hook(a_hook),
        "backward": lambda s: s.model.embed.register_full_backward_hook(a_hook),
        "backward, before": lambda s: s.sae.register_full_backward_pre_hook(a_hook),
        "state": lambda s: s.sae.register_state_dict_pre_hook(a_hook),
        "of the library": lambda s: s.model.add_hook(s.hook_name, a_hook),
        "permanent": lambda s: s.model.add_perma_hook(s.hook_name, a_hook),
    },
    "requires_grad": {"frozen": lambda s: s.model.requires_grad_(False)},
    "weights": {
        "in place": added_in_place,
        "by data": normed,
        "by a NumPy view": numpy_write,
        "other memory": set_weight,
        "other data": lambda s: setattr(first(s), "data", first(s).data * 2),
        "replaced": replaced,
        "a buffer": buffer_written,
    },
    "gradients": {"backward": backward, "by hand": gradient},
    "training mode": {"model": lambda s: s.model.train(), "one module": lambda s: s.sae.hook_sae_input.train()},
    "attributes": {
        "a property": error_term,
        "of a part": lambda s: setattr(s.model.blocks[0], "note", 1),
        "a method hidden": lambda s: setattr(s.model, "to_tokens", s.model.to_tokens),
        "in a container": lambda s: s.model.hook_dict.pop(s.hook_name),
        "gone": lambda s: delattr(s.sae, "hook_z_reshaping_mode"),
    },
    "configuration": {
        "of the model": lambda s: setattr(s.model.cfg, "default_prepend_bos", not s.model.cfg.default_prepend_bos),
        "by its method": lambda s: s.model.set_use_attn_result(True),
        "of the SAE": lambda s: setattr(s.sae.cfg, "apply_b_dec_to_input", False),
        "of its data": lambda s: setattr(s.sae.cfg.metadata, "hook_name", "elsewhere"),
    },
    "padding side": {
        "padding": lambda s: setattr(s.model.tokenizer, "padding_side", "left"),
        "truncation": lambda s: setattr(s.model.tokenizer, "truncation_side", "left"),
    },
    "vocabulary": {
        "a token": lambda s: s.model.tokenizer.add_tokens(["<|new|>"]),
        "a special token": lambda s: s.model.tokenizer.add_special_tokens({"sep_token": "<|sep|>"}),
        "another pad": lambda s: setattr(s.model.tokenizer, "pad_token", "!"),
        "another normal form": lambda s: setattr(s.model.tokenizer._tokenizer, "normalizer", lowercase()),
    },
    "tokenizer settings": {
        "truncation": lambda s: s.model.tokenizer._tokenizer.enable_truncation(8),
        "padding": lambda s: s.model.tokenizer._tokenizer.enable_padding(length=200),
        "template": lambda s: setattr(s.model.tokenizer, "chat_template", "{{ messages }}"),
        "length": lambda s: setattr(s.model.tokenizer, "model_max_length", 10**9),
    },
    "numpy random state": {"seeded": lambda _: np.random.seed(0), "another generator": bit_generator},
    "numpy error state": {
        "raises": lambda _: np.seterr(all="raise"),
        "calls": lambda _: np.seterrcall(lambda *_: None),
    },
    "python random state": {"seeded": lambda _: random.seed(0)},
    "numpy print options": {"precision": lambda _: np.set_printoptions(precision=2)},
    "number formats": {
        "precision": lambda _: setattr(decimal.getcontext(), "prec", 6),
        "traps": lambda _: decimal.getcontext().traps.update({decimal.Inexact: True}),
    },
    "garbage collector": {
        "off": lambda _: gc.disable(),
        "thresholds": lambda _: gc.set_threshold(10_000),
        "frozen": lambda _: gc.freeze(),
        "callbacks": lambda _: gc.callbacks.append(a_hook),
    },
    "interpreter limits": {
        "recursion": lambda _: sys.setrecursionlimit(sys.getrecursionlimit() + 1),
        "switching": lambda _: sys.setswitchinterval(0.5),
    },
    "interpreter hooks": {
        "errors": lambda _: setattr(sys, "excepthook", a_hook),
        "profile": lambda _: sys.setprofile(a_hook),
        "values": lambda _: setattr(sys, "displayhook", a_hook),
    },
    "standard streams": {"replaced": lambda _: setattr(sys, "stderr", io.StringIO())},
    "import path": {
        "path": lambda _: sys.path.append("elsewhere"),
        "finders": lambda _: sys.meta_path.append(sys.meta_path[0]),
    },
    "warnings filters": {
        "ignored": lambda _: warnings.simplefilter("ignore"),
        "shown otherwise": lambda _: setattr(warnings, "showwarning", a_hook),
        "captured": lambda _: warnings.resetwarnings(),
    },
    "logging": {
        "one level": logger_quietened,
        "all": lambda _: logging.disable(logging.ERROR),
        "a handler": handler_added,
    },
    "environment variables": {
        "set": lambda _: os.environ.update(LEFT_BEHIND="1"),
        "gone": lambda _: os.environ.pop("HF_HUB_OFFLINE"),
    },
    "working directory": {"changed": lambda _: os.chdir("..")},
    "umask": {"changed": lambda _: os.umask(0o077)},
    "signal handlers": {
        "handler": lambda _: signal.signal(signal.SIGTERM, signal.SIG_IGN),
        "timer": lambda _: signal.setitimer(signal.ITIMER_VIRTUAL, 3600),
    },
    "open files": {"left open": lambda _: kept.append(open(__file__))},
    "running threads": {"a timer": timer},
    "child processes": {"left running": child},
    "files": {"written": written},
    "functions": {
        "replaced": definition_replaced,
        "other code": code_exchanged,
        "by one that says it is the same": lambda _: setattr(torch, "add", Claiming()),
    },
}
"""Aspect -> ways to leave it changed."""


def lowercase() -> Any:
    from tokenizers.normalizers import Lowercase

    return Lowercase()


CASES = [(aspect, how) for aspect, ways in CHANGES.items() for how in ways]


@pytest.fixture
def calm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder of its own, and nothing kept beyond the test."""
    monkeypatch.chdir(tmp_path)
    yield
    for one in kept:
        if isinstance(one, subprocess.Popen):
            one.wait(10)
        elif isinstance(one, io.IOBase):
            one.close()
    kept.clear()


@pytest.mark.usefixtures("calm")
@pytest.mark.parametrize(("aspect", "how"), CASES, ids=[f"{aspect}, {how}" for aspect, how in CASES])
def test_what_is_left_changed_is_seen_and_put_back(aspect: str, how: str, tiny: Subject) -> None:
    modules = PAIR.modules(tiny)
    before = state.Snapshot(TORCH, modules)
    with state.restored(TORCH, modules):
        CHANGES[aspect][how](tiny)
        seen = [objection.rule for objection in state.objections(before, before.now())]
    left = [str(objection) for objection in state.objections(before, before.now())]
    assert aspect in seen
    can_be_put_back = ASPECTS[aspect].put_back is not None
    assert not left if can_be_put_back else len(left) == 1, left


@pytest.mark.parametrize("name", ASPECTS)
def test_every_aspect_is_tried(name: str) -> None:
    assert CHANGES.get(name), "an aspect that nobody changes may see nothing"


def test_what_cannot_be_put_back_says_why() -> None:
    assert {aspect.name for aspect in ASPECTS.values() if not aspect.put_back} == {"open files", "files"}
    with pytest.raises(ValueError, match="nothing says why"):
        Aspect("umask", lambda _: 0)


@pytest.mark.parametrize("name", ["tiny", "tiny:bridge", "tiny:bridge:topk"])
def test_nothing_is_seen_where_nothing_was_touched(name: str) -> None:
    modules = PAIR.modules(find_subject(name))
    before = state.Snapshot(TORCH, modules)
    assert not list(state.objections(before, before.now()))
    with state.restored(TORCH, modules):
        pass
    assert not list(state.objections(before, before.now()))


@pytest.mark.parametrize("name", ["tiny", "tiny:bridge", "tiny:bridge:topk"])
def test_twins_leave_nothing_behind_at_their_first_call(name: str) -> None:
    workload = replace(FEW, subject=name)
    assert isinstance(answer := certify(FINDING, PAIR, workload, subject=find_subject(name)), Certificate), str(answer)


OF_SUBJECT = [(aspect, how) for aspect, how in CASES if ASPECTS[aspect].of_subject]


@pytest.mark.usefixtures("calm")
@pytest.mark.parametrize(("aspect", "how"), OF_SUBJECT, ids=[f"{aspect}, {how}" for aspect, how in OF_SUBJECT])
def test_a_walk_that_goes_on_from_the_last_one_sees_what_a_new_one_sees(aspect: str, how: str, tiny: Subject) -> None:
    modules = PAIR.modules(tiny)
    last = Walk(modules)
    with state.restored(TORCH, modules):
        CHANGES[aspect][how](tiny)
        again = last.again(modules)
        assert again is None or again.leaves == Walk(modules).leaves


@pytest.mark.parametrize("name", ["tiny", "tiny:bridge"])
def test_a_walk_goes_on_from_the_last_one_after_a_call(name: str) -> None:
    subject = find_subject(name)
    modules, inputs = PAIR.modules(subject), PAIR.inputs(FEW, subject, None)
    batched.extract_features(**inputs)
    sequential.extract_features(**inputs)
    last = Walk(modules)
    sequential.extract_features(**inputs)
    again = last.again(modules)
    assert again is not None and again.leaves == Walk(modules).leaves
    untouched = again.again(modules)
    assert untouched is not None and untouched.leaves["attributes"] is again.leaves["attributes"]
    assert again.again({"model": subject.model}) is None


def test_a_finding_without_a_model_is_asked_about_no_module(tiny: Subject) -> None:
    assert not find("category_lookup").pairs[0].modules(tiny)
    walk = Walk({})
    assert not any(walk.leaves.values()) and not walk.modules


@pytest.mark.parametrize("n_bytes", [4, WHOLE_BYTES, WHOLE_BYTES + 4, 3 * 2**20 + 12])
def test_every_byte_of_a_tensor_counts(n_bytes: int) -> None:
    tensor = torch.arange(n_bytes // 4, dtype=torch.float32)
    before = content(tensor)
    assert content(tensor.clone()) == before
    for place in {0, len(tensor) // 2, len(tensor) - 1}:
        tensor.numpy()[place] += 1
        assert content(tensor) != before
        tensor.numpy()[place] -= 1
    assert content(tensor) == before
    if len(tensor) > 1:
        assert content(tensor.flip(0)) != before


class Lazy(torch.nn.Module):
    """Notes its input at every call, and makes a declared cache at the first."""

    def __init__(self) -> None:
        super().__init__()
        self.notes = 0

    @cached_property
    def table(self) -> Tensor:
        return torch.ones(1)

    def forward(self, n: int) -> Tensor:
        self.notes = n
        return self.table


def test_what_the_definition_writes_too_is_no_objection_and_a_declared_cache_is_none() -> None:
    modules: dict[str, Any] = {"model": Lazy()}
    first_seen = state.Snapshot(TORCH, modules)
    modules["model"](1)
    usual = state.usual(first_seen, first_seen.now())
    before = state.Snapshot(TORCH, modules)
    modules["model"](2)
    assert not list(state.objections(before, before.now(), usual))
    assert [o.rule for o in state.objections(before, before.now())] == ["attributes"]
    modules["model"].other = 3
    assert "(model.other)" in str(*state.objections(before, before.now(), usual))


def importing(tmp_path: Path, source: str, then: Callable[[], Any]) -> Callable[[], Any]:
    name = f"imported_late_{len(list(tmp_path.iterdir()))}"
    (tmp_path / f"{name}.py").write_text(source)

    def call() -> None:
        sys.path.insert(0, str(tmp_path))
        __import__(name)
        sys.path.pop(0)
        then()

    return call


def test_what_an_import_adds_is_not_the_functions_doing_and_what_it_adds_itself_is(tmp_path: Path) -> None:
    source = "import warnings\nwarnings.filterwarnings('ignore', 'about nothing')\n"
    for then, rules in ((list, []), (lambda: warnings.simplefilter("ignore"), ["warnings filters"])):
        call = importing(tmp_path, source, then)
        with state.restored(TORCH, {}):
            before = state.Snapshot(TORCH, {})
            call()
            assert [o.rule for o in state.left_behind(before, frozenset(), call)] == rules


def drawing(model: Any, sae: Any, hook_name: str, texts: list[str]) -> Tensor:
    """Takes its texts through a DataLoader, which draws a seed."""
    list(torch.utils.data.DataLoader(texts, batch_size=2))  # type: ignore[arg-type]
    return batched.extract_features(model, sae, hook_name, texts)


def test_what_a_function_must_do_can_be_allowed_by_name_and_with_a_reason(tiny: Subject) -> None:
    refused = certify(FINDING, PAIR, FEW, drawing, tiny)
    assert isinstance(refused, Refusal) and refused.rule == "torch random state"
    assert '--allow "torch random state: WHY"' in refused.reason
    gate = gate_that_allows(["torch random state: the DataLoader draws its seed"], PAIR)
    answer = certify(FINDING, PAIR, FEW, drawing, tiny, gate)
    assert isinstance(answer, Certificate), str(answer)
    assert answer.allowed_to == {"torch random state": "the DataLoader draws its seed"}
    with pytest.raises(Uncertified, match="seal"):
        replace(answer, allowed_to={})
    with pytest.raises(Uncertified, match="gate changed"):
        require_covers(answer, FINDING, PAIR, FEW, drawing)


def test_what_was_allowed_is_said_and_recorded(tiny: Subject, capsys: pytest.CaptureFixture[str]) -> None:
    answer = certify(FINDING, PAIR, FEW, drawing, tiny, gate_that_allows(["torch random state: one draw"], PAIR))
    whole = certify(FINDING, PAIR, FEW, None, tiny)
    show_answers(FINDINGS, [answer, whole])
    said = " ".join(capsys.readouterr().out.split())
    assert "was allowed to change torch random state, because: one draw" in said
    assert said.count("was allowed") == 1
    assert answer_as_json(answer)["allowed_to"] == {"torch random state": "one draw"}
    assert "not certified for measuring" in after_checks([answer], "mine.py:drawing", None)
    assert "may stand in" in after_checks([whole], "mine.py:drawing", None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--candidate", "mine.py:f", "--allow", "hooks"], "needs a reason"),
        (["--candidate", "mine.py:f", "--allow", "shape: why"], "Unknown aspect of state 'shape'"),
        (["--allow", "hooks: why"], "--allow is for a --candidate"),
    ],
)
def test_a_waiver_that_cannot_be_is_one_line_of_status_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "check", "text_batching", *arguments])
    with state.restored(TORCH, {}), pytest.raises(SystemExit) as ended:
        cli.main(PROJECT)
    assert ended.value.code == 2
    told = capsys.readouterr()
    assert words in " ".join((told.out + told.err).split()) and "Traceback" not in told.err


def test_another_aspect_is_refused_all_the_same(tiny: Subject) -> None:
    gate = gate_that_allows(["thread count: it was tuned"], PAIR)
    answer = certify(FINDING, PAIR, FEW, drawing, tiny, gate)
    assert isinstance(answer, Refusal) and answer.rule == "torch random state"
    assert "--allow 'thread count: it was tuned'" in answer.reason


@pytest.mark.parametrize(
    ("waivers", "words"),
    [
        (["thread count"], "needs a reason"),
        (["thread count:  "], "needs a reason"),
        (["element: close enough"], "Unknown aspect of state 'element'"),
        (["all items: slow"], "Unknown aspect of state 'all items'"),
        (["no such thing: why"], "Unknown aspect of state 'no such thing'"),
        (["umask: one", "umask: two"], "allowed twice"),
    ],
)
def test_a_waiver_that_names_no_state_or_no_reason_is_bad_input(waivers: list[str], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        gate_that_allows(waivers, PAIR)


def test_a_gate_that_allows_something_is_not_the_whole_gate() -> None:
    assert gate_that_allows([], PAIR).digest(PAIR) == GATE.digest(PAIR) == Gate().digest(PAIR)
    assert gate_that_allows(["umask: private files"], PAIR).digest(PAIR) != GATE.digest(PAIR)


WAYS: Mapping[str, Callable[[Tensor], Any]] = {
    "in place": lambda features: features.mul_(2),
    "through data": lambda features: features.data.mul_(2),
    "through NumPy": lambda features: np.multiply(features.numpy(), 2, out=features.numpy()),
}


@pytest.mark.parametrize("how", WAYS)
def test_an_input_that_was_written_is_seen(how: str) -> None:
    inputs = {"features": torch.ones(3, 4), "texts": ["a"]}
    before = outputs.fingerprint(TORCH, inputs)
    assert outputs.fingerprint(TORCH, inputs) == before
    WAYS[how](inputs["features"])  # type: ignore[arg-type]
    assert outputs.fingerprint(TORCH, inputs) != before


class Noting(torch.nn.Module):
    """Declares one private flag, as a bridge's parts do, and makes another for itself."""

    _fired: bool = False

    def __init__(self) -> None:
        super().__init__()
        self._made = False


def test_a_flag_that_a_class_declares_for_its_own_notes_does_not_count_and_one_that_it_does_not_declare_does() -> None:
    modules = {"model": Noting()}
    modules["model"]._fired = False
    before = state.Snapshot(TORCH, modules)
    modules["model"]._fired = True
    assert not list(state.objections(before, before.now()))
    modules["model"]._made = True
    assert [objection.rule for objection in state.objections(before, before.now())] == ["attributes"]


def test_a_method_of_the_models_class_that_is_replaced_is_seen_and_put_back() -> None:
    modules, plain = {"model": Noting()}, Noting.forward
    before = state.Snapshot(TORCH, modules)
    with state.restored(TORCH, modules):
        Noting.forward = torch.nn.Identity.forward  # type: ignore[method-assign]
        assert [o.rule for o in state.objections(before, before.now())] == ["functions"]
    assert Noting.forward is plain
