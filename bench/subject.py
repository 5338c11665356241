"""Subjects: the model and SAEs under test, by name. The one module that knows the model APIs' differences.

Embedded subjects need no network: weights are seeded, the tokenizer lies in `bench/tokenizer/`. A name may end
in `:bridge` to get the same shape behind TransformerLens's `TransformerBridge` instead of `HookedTransformer`.
"""

import contextlib
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import torch
from sae_lens import SAE, StandardSAE, StandardSAEConfig
from sae_lens.saes.sae import SAEMetadata
from transformer_lens import HookedTransformer, HookedTransformerConfig

from .errors import BadInput, unknown

TOKENIZER = Path(__file__).parent / "tokenizer"
WEIGHT_SEED = 20_240_229
"""Seeds every embedded subject's weights. Changing it changes the subject's digest."""


@dataclass(frozen=True)
class Shape:
    """Sizes of an embedded subject; equal shapes cost the same per forward pass."""

    n_layers: int
    d_model: int
    n_heads: int
    d_vocab: int
    n_ctx: int
    d_sae: int
    thresholds: Mapping[int, float]
    """Layer -> pre-activation that a feature must exceed to fire, before `b_enc`. One SAE per layer."""

    @property
    def hook_names(self) -> tuple[str, ...]:
        """The hooks that carry an SAE, in layer order."""
        return tuple(f"blocks.{layer}.hook_resid_pre" for layer in self.thresholds)


EMBEDDED: dict[str, Shape] = {
    "tiny": Shape(2, 32, 2, 1024, 128, 96, {0: 0.5, 1: 0.5}),
    "solved": Shape(2, 32, 1, 1024, 128, 32, {1: 0.0}),
    "gpt2-small-shape": Shape(12, 768, 12, 50_257, 1024, 24_576, {6: 27.2, 8: 32.4, 10: 37.5, 11: 40.0}),
}
PRETRAINED: dict[str, tuple[str, tuple[str, ...]]] = {
    "gpt2-small": ("gpt2-small-res-jb", tuple(f"blocks.{layer}.hook_resid_pre" for layer in (6, 8, 10, 11))),
}
"""Pretrained subjects: model name -> SAELens release and SAE ids. Loading one needs the hub or its cache."""


@dataclass(frozen=True)
class Subject:
    """A model and its SAEs, loaded when first asked for, in one floating-point type."""

    name: str
    dtype: str = "float32"
    shape: Shape | None = field(default=None, compare=False)

    @cached_property
    def model(self) -> Any:
        """`HookedTransformer` or `TransformerBridge`, in eval mode."""
        return _cast(_load_model(self).eval(), self.dtype)

    @cached_property
    def saes(self) -> dict[str, SAE[Any]]:
        """The SAEs by name, in layer order; each knows its hook as `cfg.metadata.hook_name`."""
        saes = _load_saes(self)
        if self.shape is None:
            _require_fit(self, saes)
        return {name: _cast(sae.eval(), self.dtype) for name, sae in saes.items()}

    @property
    def sae_name(self) -> str:
        """The second SAE, or the only one: layer 8 on the large subject, which is the report's main one."""
        return list(self.saes)[min(1, len(self.saes) - 1)]

    @property
    def sae(self) -> SAE[Any]:
        """The SAE that findings about one SAE use."""
        return self.saes[self.sae_name]

    @property
    def hook_name(self) -> str:
        """Where `sae` reads the residual stream."""
        return str(self.sae.cfg.metadata.hook_name)

    @property
    def hook_names(self) -> tuple[str, ...]:
        """Where the SAEs read, in the SAEs' order, each hook once."""
        return tuple(dict.fromkeys(str(sae.cfg.metadata.hook_name) for sae in self.saes.values()))

    @property
    def d_sae(self) -> int:
        """SAE width, known for embedded subjects without loading anything."""
        return self.shape.d_sae if self.shape else int(self.sae.cfg.d_sae)

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""
        return self.shape.d_model if self.shape else int(self.model.cfg.d_model)

    @property
    def depth(self) -> int:
        """Blocks below the deepest hook: how many rounding steps in sequence an activation has gone through."""
        return max(1, *(int(str(s.cfg.metadata.hook_name).split(".")[1]) for s in self.saes.values()))

    def in_float64(self) -> "Subject":
        """The same weights in double precision: what the oracle runs."""
        return replace(self, dtype="float64")

    def release(self) -> None:
        """Forget the loaded weights, so that two precisions of a large subject need not be held together."""
        self.__dict__.pop("model", None)
        self.__dict__.pop("saes", None)


def known_subjects() -> list[str]:
    """Every name that `find_subject` takes as it is; paths to local folders come on top."""
    return [*EMBEDDED, *(f"{name}:bridge" for name in EMBEDDED if name != "solved"), *PRETRAINED]


def find_subject(name: str, dtype: str = "float32") -> Subject:
    """The subject called `name`; nothing is loaded yet.

    Raises:
        BadInput: no such embedded or pretrained subject, and no such folder.
    """
    if name in PRETRAINED or Path(name).is_dir():
        return Subject(name, dtype)
    if name not in known_subjects():
        raise unknown("subject", name, [*known_subjects(), "a folder with a Hugging Face model and its SAEs"])
    return Subject(name, dtype, EMBEDDED[name.removesuffix(":bridge")])


@cache
def embedded_tokenizer() -> Any:
    """The project's own byte-level BPE tokenizer; pad == bos == eos, as GPT-2's."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(TOKENIZER))


def _cast(module: Any, dtype: str) -> Any:
    """`module` in `dtype`; untouched where it is so already, since TransformerLens prints at every cast."""
    if dtype == "float32":
        return module
    with contextlib.redirect_stdout(io.StringIO()):
        return module.to(getattr(torch, dtype))


def _load_model(subject: Subject) -> Any:
    if subject.shape is None:
        return _load_outside_model(subject.name)
    if subject.name == "solved":
        return _solved_model(subject.shape)
    if subject.name.endswith(":bridge"):
        return _bridge(_seeded_gpt2(subject.shape))
    model = HookedTransformer(_config(subject.shape), embedded_tokenizer(), move_to_device=False)
    _seed_weights(model)
    return model


def _config(shape: Shape, **changes: Any) -> HookedTransformerConfig:
    sizes: dict[str, Any] = {
        "n_layers": shape.n_layers,
        "d_model": shape.d_model,
        "n_heads": shape.n_heads,
        "d_head": shape.d_model // shape.n_heads,
        "d_vocab": shape.d_vocab,
        "n_ctx": shape.n_ctx,
        "act_fn": "gelu_new",
        "normalization_type": "LNPre",
        "init_weights": False,
        "device": "cpu",
    }
    return HookedTransformerConfig(**(sizes | changes))


@torch.no_grad()
def _seed_weights(model: HookedTransformer) -> None:
    """Unit-variance embeddings, fan-in scaled weights, zero biases: every block writes as much as it reads."""
    generator = torch.Generator().manual_seed(WEIGHT_SEED)
    for name, weight in model.named_parameters():
        if name.rsplit(".", 1)[-1].startswith("b_"):
            weight.zero_()
        else:
            fan_in = {"embed": 1, "pos_embed": 1}.get(name.split(".")[0], weight.shape[-2])
            weight.normal_(std=1 / math.sqrt(fan_in), generator=generator)


@torch.no_grad()
def _solved_model(shape: Shape) -> HookedTransformer:
    """A model solved by hand: block 0 averages the one-hot classes of all tokens so far, block 1 does nothing."""
    n_classes = shape.d_model // 2
    config = _config(shape, d_head=n_classes, attn_only=True, normalization_type=None)
    model = HookedTransformer(config, embedded_tokenizer(), move_to_device=False)
    for weight in model.parameters():
        weight.zero_()
    model.embed.W_E.copy_(torch.eye(shape.d_model)[torch.arange(shape.d_vocab) % n_classes])
    attention: Any = model.blocks[0].attn
    attention.W_V[0, :n_classes] = torch.eye(n_classes)
    attention.W_O[0, :, n_classes:] = torch.eye(n_classes)
    return model


SOLVED_GAIN = 10.0
"""Activation of a `solved` feature whose class fills the whole text; above the report's threshold of 5."""


def solved_features(tokens: list[int]) -> list[float]:
    """What `solved`'s SAE says of a text with these tokens, by plain counting: last token's class, then shares."""
    n_classes = EMBEDDED["solved"].d_model // 2
    last = [SOLVED_GAIN * (tokens[-1] % n_classes == c) for c in range(n_classes)]
    shares = [SOLVED_GAIN * sum(t % n_classes == c for t in tokens) / len(tokens) for c in range(n_classes)]
    return last + shares


def _seeded_gpt2(shape: Shape) -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=shape.d_vocab,
        n_positions=shape.n_ctx,
        n_embd=shape.d_model,
        n_layer=shape.n_layers,
        n_head=shape.n_heads,
        initializer_range=1 / math.sqrt(shape.d_model),
        bos_token_id=0,
        eos_token_id=0,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(WEIGHT_SEED)
        hf_model = GPT2LMHeadModel(config)
        for embedding in (hf_model.transformer.wte, hf_model.transformer.wpe):
            torch.nn.init.normal_(embedding.weight)
    return hf_model


def _bridge(hf_model: Any) -> Any:
    try:
        from transformer_lens.model_bridge import TransformerBridge
    except ImportError as error:
        raise BadInput(
            "This transformer_lens has no TransformerBridge. Expected transformer-lens 3 or newer for a ':bridge' "
            "subject. Use the subject without ':bridge', or upgrade."
        ) from error
    return TransformerBridge.boot_transformers("gpt2", hf_model=hf_model, tokenizer=embedded_tokenizer(), device="cpu")


def _load_outside_model(name: str) -> Any:
    """A pretrained model by name, or a folder in Hugging Face's layout; weights processed by TransformerLens."""
    try:
        if name in PRETRAINED:
            return HookedTransformer.from_pretrained(name, device="cpu")
        from transformers import AutoModelForCausalLM, AutoTokenizer

        hf_model = AutoModelForCausalLM.from_pretrained(name)
        tokenizer = AutoTokenizer.from_pretrained(name)
        architecture = str(hf_model.config.model_type)
        return HookedTransformer.from_pretrained(architecture, hf_model=hf_model, tokenizer=tokenizer, device="cpu")
    except Exception as error:
        raise BadInput(
            f"Subject {name!r} could not be loaded: {type(error).__name__}: {str(error)[:300]}. Expected a model that "
            "TransformerLens knows, in the hub's cache or reachable. Embedded subjects need no network: "
            f"{', '.join(EMBEDDED)}."
        ) from error


def _load_saes(subject: Subject) -> dict[str, SAE[Any]]:
    if subject.name in PRETRAINED:
        release, sae_ids = PRETRAINED[subject.name]
        return {sae_id: SAE.from_pretrained(release, sae_id, device="cpu") for sae_id in sae_ids}
    if subject.shape is None:
        folders = sorted(path.parent for path in Path(subject.name).glob("saes/*/cfg.json"))
        if not folders:
            raise BadInput(
                f"No SAE found in {subject.name}/saes. Expected folders as SAELens's save_model writes them."
            )
        return {folder.name: SAE.load_from_disk(folder, device="cpu") for folder in folders}
    make = _solved_sae if subject.name == "solved" else _seeded_sae
    return {hook_name: make(subject.shape, hook_name) for hook_name in subject.shape.hook_names}


def _require_fit(subject: Subject, saes: Mapping[str, SAE[Any]]) -> None:
    """Raises BadInput where an SAE reads a hook that the model lacks, or one of another width."""
    for name, sae in saes.items():
        hook_name = sae.cfg.metadata.hook_name
        if hook_name not in subject.model.hook_dict:
            raise BadInput(
                f"SAE {name!r} of subject {subject.name!r} reads {hook_name!r}, which the model lacks. Expected one of "
                f"its {len(subject.model.hook_dict)} hooks, such as 'blocks.0.hook_resid_pre'. Set metadata.hook_name "
                "in the SAE's cfg.json."
            )
        if sae.cfg.d_in != subject.model.cfg.d_model:
            raise BadInput(
                f"SAE {name!r} of subject {subject.name!r} has d_in {sae.cfg.d_in}. "
                f"Expected {subject.model.cfg.d_model}, the width of {hook_name}. "
                "Choose an SAE that was trained on this model."
            )


def _empty_sae(shape: Shape, hook_name: str) -> StandardSAE:
    metadata = SAEMetadata(hook_name=hook_name, model_name="embedded")
    return StandardSAE(StandardSAEConfig(d_in=shape.d_model, d_sae=shape.d_sae, metadata=metadata))


@torch.no_grad()
def _seeded_sae(shape: Shape, hook_name: str) -> StandardSAE:
    layer = int(hook_name.split(".")[1])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(WEIGHT_SEED + layer)
        sae = _empty_sae(shape, hook_name)
    sae.b_enc.fill_(-shape.thresholds[layer])
    return sae


@torch.no_grad()
def _solved_sae(shape: Shape, hook_name: str) -> StandardSAE:
    sae = _empty_sae(shape, hook_name)
    sae.W_enc.copy_(SOLVED_GAIN * torch.eye(shape.d_model))
    sae.b_enc.zero_()
    return sae
