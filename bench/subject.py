"""Subjects: the model and SAEs under test, by name. The one module that knows the model APIs' differences.

Embedded subjects need no network. Their names take variants, as in `tiny:bridge:topk`: `TransformerBridge` instead of
`HookedTransformer`, other tokenizers, other SAE architectures, other hooks.
"""

import contextlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from sae_lens import SAE
from transformer_lens import HookedTransformer

from .embedded import bridge_class, make_model
from .embedded_saes import make_saes
from .errors import BadInput, unknown
from .shapes import EMBEDDED, FIXED, Shape
from .variants import VARIANTS, parse_variant
from .weights import cast, is_in

PRETRAINED: dict[str, tuple[str, tuple[str, ...]]] = {
    "gpt2-small": ("gpt2-small-res-jb", tuple(f"blocks.{layer}.hook_resid_pre" for layer in (6, 8, 10, 11))),
}
"""Pretrained subjects: model name -> SAELens release and SAE ids. Loading one needs the hub or its cache."""

DTYPES = ("float32", "bfloat16")
"""Types that a subject may be asked for in; the oracle's float64 is not one of them."""


@dataclass(frozen=True)
class Subject:
    """A model and its SAEs, loaded when first asked for, in one floating-point type."""

    name: str
    dtype: str = "float32"
    shape: Shape | None = field(default=None, compare=False)
    rounded_to: str = "float32"
    """The type that the weights go through before they are cast to `dtype`."""

    @cached_property
    def model(self) -> Any:
        """`HookedTransformer` or `TransformerBridge`, in eval mode."""
        return in_dtype(in_dtype(_load_model(self).eval(), self.rounded_to), self.dtype)

    @cached_property
    def saes(self) -> dict[str, SAE[Any]]:
        """The SAEs by name, in layer order; each knows its hook as `cfg.metadata.hook_name`."""
        saes = _load_saes(self)
        if self.shape is None:
            _require_fit(self, saes)
        return {name: in_dtype(in_dtype(sae.eval(), self.rounded_to), self.dtype) for name, sae in saes.items()}

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
        """Blocks that the deepest hook's value has gone through: how many rounding steps there are in sequence."""
        return max(1, *map(_blocks_through, self.hook_names))

    @cached_property
    def in_float64(self) -> "Subject":
        """The same weights, rounded as here, in double precision: what the oracle runs."""
        return replace(self, dtype="float64", rounded_to=self.dtype)

    def release(self) -> None:
        """Forget the loaded weights."""
        for loaded in ("model", "saes", "in_float64"):
            self.__dict__.pop(loaded, None)


def known_subjects() -> list[str]:
    """Every embedded and pretrained subject by name, with each variant alone; more come of combining variants."""
    variants = [f"{base}:{variant}" for base in EMBEDDED if base not in FIXED for variant in VARIANTS]
    return [*EMBEDDED, *variants, *PRETRAINED]


def find_subject(name: str, dtype: str = "float32") -> Subject:
    """The subject called `name`; nothing is loaded yet. Variants are put into their one order.

    Raises:
        BadInput: no such embedded or pretrained subject, no such folder, or variants that make no sense.
    """
    if name in PRETRAINED or Path(name).is_dir():
        return Subject(name, dtype)
    if name.split(":")[0] not in EMBEDDED:
        raise unknown("subject", name, [*EMBEDDED, *PRETRAINED, "a folder with a Hugging Face model and its SAEs"])
    variant = parse_variant(name, EMBEDDED, FIXED)
    return Subject(variant.name, dtype, EMBEDDED[variant.base])


def _blocks_through(hook_name: str) -> int:
    """Blocks below a hook, and its own where the hook stands behind something of it."""
    if not hook_name.startswith("blocks."):
        return 0
    return int(hook_name.split(".")[1]) + (not hook_name.endswith("hook_resid_pre"))


def in_dtype(module: Any, dtype: str) -> Any:
    """`module` in `dtype`, plain tensors too; untouched where it is so already, since TransformerLens prints at a cast.

    The libraries' own `to` comes last: it notes the type in their configurations.
    """
    wanted = getattr(torch, dtype)
    if is_in(module, wanted):
        return module
    cast(module, wanted)
    with contextlib.redirect_stdout(io.StringIO()):
        return module.to(wanted)


def _load_model(subject: Subject) -> Any:
    return make_model(subject.name) if subject.shape else _load_outside_model(subject.name)


def _load_outside_model(name: str) -> Any:
    """A pretrained model by name, or a folder in Hugging Face's layout; weights processed by TransformerLens."""
    try:
        if name in PRETRAINED:
            return HookedTransformer.from_pretrained(name, device="cpu")
        # HookedTransformer loads only models that it knows by name; the bridge loads any folder, and with its
        # compatibility mode processes weights the same way.
        bridge = bridge_class().boot_transformers(name, device="cpu")
        bridge.enable_compatibility_mode()
        return bridge
    except BadInput:
        raise
    except Exception as error:
        raise BadInput(
            f"Subject {name!r} could not be loaded: {type(error).__name__}: {str(error)[:300]}. Expected a model that "
            "TransformerLens knows, in the hub's cache or reachable. Embedded subjects need no network: "
            f"{', '.join(EMBEDDED)}."
        ) from error


def _load_saes(subject: Subject) -> dict[str, SAE[Any]]:
    if subject.shape:
        return make_saes(subject.name)
    if subject.name in PRETRAINED:
        release, sae_ids = PRETRAINED[subject.name]
        return {sae_id: SAE.from_pretrained(release, sae_id, device="cpu") for sae_id in sae_ids}
    folders = sorted(path.parent for path in Path(subject.name).glob("saes/*/cfg.json"))
    if not folders:
        raise BadInput(f"No SAE found in {subject.name}/saes. Expected folders as SAELens's save_model writes them.")
    return {folder.name: SAE.load_from_disk(folder, device="cpu") for folder in folders}


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
