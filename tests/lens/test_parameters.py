"""Whoever ignores a parameter or a setting of an embedded subject gives another answer; or a reason says why none can.

Each is broken in turn in a float64 copy. That nothing reads one is not believed: the same numbers show it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, partial
from typing import Any

import pytest
import torch
from sae_lens.saes.topk_sae import TopK
from torch import Tensor
from transformer_lens.components import RMSNormPre

from speedproof.gate.gate import DEFINITION_FACTOR
from speedproof.lens.features import row_scale
from speedproof.lens.subject import Subject, find_subject
from speedproof.lens.weights import tensors_of
from speedproof.tensors.rounding import unit_roundoff

TEXTS = ("Wo ist der Bahnhof?", "has one <|endoftext|> inside", "word " * 100)
"""Among them one with a special token's name and one of many tokens."""
MODELS = ("tiny", "tiny:bridge", "tiny:hook_attn_out", "tiny:bridge:hook_mlp_out")
KINDS = ("tiny", "tiny:jumprelu", "tiny:topk", "tiny:gated", "tiny:hook_z", "tiny:bridge:gated")
FILLS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "zero": torch.zeros_like,
    "one": torch.ones_like,
    "mean": lambda tensor: torch.full_like(tensor, tensor.double().mean().item()),
}
"""How a parameter may be ignored: left out, taken for one, taken for the same everywhere."""

ABOVE = "above the hook that the deepest SAE reads"
UNREAD_TENSORS: tuple[tuple[str, str, str], ...] = (
    ("*", "unembed*", "nothing reads logits"),
    ("*", "ln_final*", ABOVE),
    *((name, "blocks.1.*", ABOVE) for name in ("tiny", "tiny:bridge")),
    ("*hook_attn_out", "blocks.1.mlp.*", ABOVE),
    ("*", "*.b_K", "adds the same to all scores of a query, which softmax takes out"),
    ("tiny", "*.IGNORE", "what a token may not see: the last one sees all, and the first block is read alone"),
    ("tiny:hook_attn_out", "blocks.1.attn.IGNORE", "what a token may not see: the last one sees all"),
    ("*", "*.mask", "holds nothing: TransformerLens makes the mask at each call"),
    ("*", "*._pattern", "the last call's attention, kept and not read"),
    ("*", "W_dec", "encoding reads no decoder"),
)
"""Subject, tensor, why no answer moves with it."""

MADE_OF = "read when the model is made; what was made of it is broken by itself"
UNREAD_SETTINGS: tuple[tuple[str, str], ...] = (
    *((name, MADE_OF) for name in ("eps", "act_fn", "attn_scale", "normalization_type", "d_model", "d_mlp", "dtype")),
    *((name, MADE_OF) for name in ("d_vocab", "d_in", "d_sae", "k", "reshape_activations", "normalize_activations")),
    *((name, "of weights that are drawn anew, and these are given") for name in ("init*", "seed", "n_params")),
    *(
        (name, "of rotary or relative positions; these are learned")
        for name in ("rotary*", "relative*", "*NTK*", "*yarn*")
    ),
    *(
        (name, "of another architecture")
        for name in ("gated_mlp", "*rms*", "scale_attn_by_*", "use_local_attn", "norm_topk*")
    ),
    *((name, "another way to the same numbers") for name in ("use_attn_*", "use_split_*", "use_hook_*", "ungroup_*")),
    *((name, "of logits and unembedding") for name in ("d_vocab_out", "output_logits_soft_cap", "tie_word_*")),
    *(
        (name, "says where things are or come from")
        for name in ("model_name", "device", "n_devices", "trust_*", "from_*")
    ),
    *((name, "says where things are or come from") for name in ("checkpoint*", "original_*", "tokenizer_name")),
    ("n_layers", "read where blocks are counted from above, and the deepest SAE is reached all the same"),
    ("use_dynamic_*", "of rotary or relative positions; these are learned"),
    ("attention_dir", "the last token sees all tokens either way, through the first block alone"),
    ("layer_norm_folding", "says what was done when weights were processed"),
    ("use_logn_attn", "scales queries past the trained length, which none is"),
    ("attn_scores_soft_cap", "read when it is above zero alone, and where attention is made"),
)
"""Setting, why no answer moves with it."""


@dataclass
class Copy:
    """A subject in float64, to be broken, and what it says unbroken."""

    subject: Subject
    model: Any
    saes: dict[str, Any]

    def activations(self) -> dict[str, list[Tensor]]:
        """Each hook's value at each text's last token."""
        hooks = [str(sae.cfg.metadata.hook_name) for sae in self.saes.values()]
        seen: dict[str, list[Tensor]] = {hook: [] for hook in hooks}
        for text in TEXTS:
            _, kept = self.model.run_with_cache(text, names_filter=hooks, return_type=None)
            for hook in hooks:
                seen[hook].append(kept[hook][:, -1])
        return seen

    def answers(self, activations: dict[str, list[Tensor]]) -> list[Tensor]:
        return [
            torch.cat([sae.encode(x) for x in activations[sae.cfg.metadata.hook_name]]) for sae in self.saes.values()
        ]


@cache
def copy_of(name: str) -> Copy:
    subject = find_subject(name)
    double = subject.in_float64
    return Copy(subject, double.model, dict(double.saes))


@cache
def unbroken(name: str) -> tuple[dict[str, list[Tensor]], list[Tensor]]:
    with torch.no_grad():
        activations = copy_of(name).activations()
        return activations, copy_of(name).answers(activations)


def allowed(subject: Subject) -> float:
    """The most that the gate may allow a candidate on this subject, as a share of the answer's scale."""
    floor = unit_roundoff(subject.dtype) * subject.d_model**0.5 * (subject.depth + 1)
    return (DEFINITION_FACTOR + 1) * floor


@torch.no_grad()
def moved(name: str, of_sae: bool = False) -> float:
    """Largest change of an answer as a multiple of what the gate allows; infinite where there is none any more."""
    it, (activations, before) = copy_of(name), unbroken(name)
    try:
        after = it.answers(activations if of_sae else it.activations())
    except Exception:
        return float("inf")
    if [one.shape for one in before] != [one.shape for one in after]:
        return float("inf")
    changes = [((b - a).abs() / row_scale(b)).max().item() for b, a in zip(before, after, strict=True)]
    return max(changes) / allowed(it.subject)


def reason(table: tuple[tuple[str, ...], ...], *names: str) -> str:
    """The first entry's that covers these names, or none."""
    return next((why for *patterns, why in table if all(map(fnmatchcase, names, patterns))), "")


@contextmanager
def filled(tensor: Tensor, fill: str) -> Iterator[None]:
    before = tensor.detach().clone()
    tensor.data.copy_(FILLS[fill](before))
    try:
        yield
    finally:
        tensor.data.copy_(before)


def wrong(name: str, whose: str, tensors: Iterator[tuple[str, Tensor]], of_sae: bool) -> list[str]:
    """Parameters that can be ignored without a reason, and those that have one and count all the same."""
    found = []
    unbroken(name)
    for at, tensor in tensors:
        # The mean of one number is that number.
        for fill in [fill for fill in FILLS if fill != "mean" or tensor.numel() != 1]:
            with filled(tensor, fill):
                change = moved(name, of_sae)
            if why := reason(UNREAD_TENSORS, name, at):
                if change > 1:
                    found.append(f"{whose} {at} as {fill} moves {change:.1e}, although {why}")
            elif change <= 1:
                found.append(f"{whose} {at} as {fill} moves {change:.1e} of what is allowed")
    return found


@pytest.mark.parametrize("name", MODELS)
def test_every_parameter_of_a_model_counts_or_a_reason_says_why_not(name: str) -> None:
    assert wrong(name, "model", tensors_of(copy_of(name).model), of_sae=False) == []


@pytest.mark.parametrize("name", KINDS)
def test_every_parameter_of_an_sae_counts_or_a_reason_says_why_not(name: str) -> None:
    saes = copy_of(name).saes
    assert [line for whose, sae in saes.items() for line in wrong(name, whose, tensors_of(sae), of_sae=True)] == []


def test_a_parameter_that_is_zero_everywhere_is_seen() -> None:
    """The companion: the embedded subjects as they were, with b_dec zero."""
    name = "tiny:jumprelu"
    saes = copy_of(name).saes
    kept = {key: sae.b_dec.detach().clone() for key, sae in saes.items()}
    unbroken.cache_clear()
    try:
        for sae in saes.values():
            sae.b_dec.data.zero_()
        found = [line for whose, sae in saes.items() for line in wrong(name, whose, tensors_of(sae), of_sae=True)]
    finally:
        for key, sae in saes.items():
            sae.b_dec.data.copy_(kept[key])
        unbroken.cache_clear()
    assert {line.split(" as ")[0].split()[-1] for line in found} == {"b_dec"}


def test_a_reason_that_does_not_hold_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tests.lens.test_parameters.UNREAD_TENSORS", (("*", "b_enc", "nothing reads it"), *UNREAD_TENSORS)
    )
    sae = copy_of("tiny").saes["blocks.0.hook_resid_pre"]
    assert any("although nothing reads it" in line for line in wrong("tiny", "sae", tensors_of(sae), of_sae=True))


@contextmanager
def set_to(value: Any, key: str, *owners: Any) -> Iterator[None]:
    """The attribute on all owners that have it as their own."""
    holders = [owner for owner in owners if key in vars(owner)]
    before = [getattr(owner, key) for owner in holders]
    assert holders, key
    for owner in holders:
        setattr(owner, key, value)
    try:
        yield
    finally:
        for owner, old in zip(holders, before, strict=True):
            setattr(owner, key, old)


@contextmanager
def uncentred(model: Any) -> Iterator[None]:
    """Norms that do not subtract the mean."""
    norms = [(block, block.ln1) for block in model.blocks]
    for block, _ in norms:
        block.ln1 = RMSNormPre(model.cfg)
    try:
        yield
    finally:
        for block, norm in norms:
            block.ln1 = norm


@contextmanager
def patched(saes: Mapping[str, Any], key: str, module: torch.nn.Module) -> Iterator[None]:
    before = {name: getattr(sae, key) for name, sae in saes.items()}
    for sae in saes.values():
        setattr(sae, key, module)
    try:
        yield
    finally:
        for name, sae in saes.items():
            setattr(sae, key, before[name])


Broken = Callable[[Copy], Any]
SETTINGS: Mapping[str, tuple[str, Broken]] = {
    "n_ctx": ("tiny", lambda it: set_to(64, "n_ctx", it.model.cfg)),
    "n_ctx of a bridge": ("tiny:bridge", lambda it: set_to(64, "n_ctx", it.model.cfg)),
    "default_prepend_bos": ("tiny", lambda it: set_to(False, "default_prepend_bos", it.model.cfg)),
    "default_prepend_bos of a bridge": ("tiny:bridge", lambda it: set_to(False, "default_prepend_bos", it.model.cfg)),
    "eps": ("tiny", lambda it: set_to(1e-5, "eps", *it.model.modules())),
    "eps of a bridge": (
        "tiny:bridge",
        lambda it: set_to(1e-5, "eps", it.model.blocks[0].ln1.config),
    ),
    "attn_scale": ("tiny", lambda it: set_to(1.0, "attn_scale", *it.model.modules())),
    "act_fn, taken for the exact GELU": (
        "tiny",
        lambda it: set_to(torch.nn.functional.gelu, "act_fn", *it.model.modules()),
    ),
    "normalization_type, taken for RMS": ("tiny", lambda it: uncentred(it.model)),
    "special tokens, taken for text": ("tiny", lambda it: set_to(True, "split_special_tokens", it.model.tokenizer)),
    "hook_name": (
        "tiny",
        lambda it: set_to("blocks.0.hook_resid_mid", "hook_name", *(sae.cfg.metadata for sae in it.saes.values())),
    ),
    "apply_b_dec_to_input": (
        "tiny",
        lambda it: set_to(False, "apply_b_dec_to_input", *(sae.cfg for sae in it.saes.values())),
    ),
    "the rectifier": ("tiny", lambda it: patched(it.saes, "activation_fn", torch.nn.Identity())),
    "k": ("tiny:topk", lambda it: patched(it.saes, "activation_fn", TopK(11))),
    "normalize_activations": (
        "tiny",
        lambda it: set_to(
            partial(torch.nn.functional.layer_norm, normalized_shape=(32,)),
            "run_time_activation_norm_fn_in",
            *it.saes.values(),
        ),
    ),
    "reshape_activations": ("tiny:hook_z", lambda it: set_to(lambda x: x, "reshape_fn_in", *it.saes.values())),
}
"""Setting -> subject, and how it is ignored there."""


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_that_is_read_counts(setting: str) -> None:
    name, broken = SETTINGS[setting]
    unbroken(name)
    with broken(copy_of(name)):
        assert moved(name) > 1
    assert moved(name) == 0


def other(value: Any) -> Any:
    """Another value of the same type, or None."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return type(value)(2 * value + 1)
    return f"another {value}" if isinstance(value, str) else None


def test_every_other_setting_of_model_and_sae_counts_or_a_reason_says_why_not() -> None:
    it, silent = copy_of("tiny"), []
    unbroken("tiny")
    for cfg in (it.model.cfg, *(sae.cfg for sae in it.saes.values())):
        for key, value in list(vars(cfg).items()):
            if (changed := other(value)) is None:
                continue
            with set_to(changed, key, cfg):
                if moved("tiny") <= 1 and not reason(UNREAD_SETTINGS, key):
                    silent.append(f"{key}: {value}")
    assert silent == []
