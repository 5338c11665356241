"""Subjects: the model and SAEs under test, by name.

Embedded subjects need no network. Their names take variants, as in `tiny:bridge:topk`: `TransformerBridge` instead of
`HookedTransformer`, other tokenizers, other SAE architectures, other hooks.
"""

import contextlib
import io
import os
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from sae_lens import SAE

from .digest import digest
from .embedded import make_model
from .embedded_saes import make_saes
from .errors import BadInput, unknown
from .identity import embedded_digest
from .model_files import content_digest, stamp
from .pretrained import PRETRAINED, load_model, load_saes, require_fit, run_shortly
from .shapes import EMBEDDED, FIXED, Shape
from .variants import VARIANTS, parse_variant
from .weights import cast, is_in, weights_digest

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

    @property
    def is_folder(self) -> bool:
        """Whether the name is that of a folder."""
        return self.shape is None and self.name not in PRETRAINED

    @cached_property
    def model(self) -> Any:
        """`HookedTransformer` or `TransformerBridge`, in eval mode."""
        if self.is_folder:
            _ = self.digest
        made = make_model(self.name) if self.shape else load_model(self.name)
        return in_dtype(in_dtype(made.eval(), self.rounded_to), self.dtype)

    @cached_property
    def saes(self) -> dict[str, SAE[Any]]:
        """The SAEs by name, in layer order; each knows its hook as `cfg.metadata.hook_name`."""
        made = make_saes(self.name) if self.shape else load_saes(self.name)
        saes = {name: in_dtype(in_dtype(sae.eval(), self.rounded_to), self.dtype) for name, sae in made.items()}
        if self.shape is None:
            require_fit(self.name, self.model, saes)
        return saes

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
        double = replace(self, dtype="float64", rounded_to=self.dtype)
        if self.is_folder and double.digest != self.digest:
            raise BadInput(f"{self.name} changed while it was in use. Expected the same files. Start again.")
        return double

    @cached_property
    def digest(self) -> str:
        """Fingerprint of what the subject is: of an embedded one's description, of a folder's files, of weights."""
        if self.shape:
            return embedded_digest(self.name)
        if self.name in PRETRAINED:
            modules = {"model": self.model, **self.saes}
            return digest([self.name, {name: weights_digest(module) for name, module in modules.items()}])
        return content_digest(Path(self.name))

    def require_double(self) -> None:
        """Raises BadInput unless a model that is not ours can be made float64 and run so, as the oracle will."""
        if self.shape is None:
            hook_names = list(self.hook_names)
            run_shortly(self.name, self.in_float64.model, hook_names)

    def release(self) -> None:
        """Forget the loaded weights."""
        for loaded in ("model", "saes", "in_float64", "digest"):
            self.__dict__.pop(loaded, None)


def known_subjects() -> list[str]:
    """Every embedded and pretrained subject by name, with each variant alone; more come of combining variants."""
    variants = [f"{base}:{variant}" for base in EMBEDDED if base not in FIXED for variant in VARIANTS]
    return [*EMBEDDED, *variants, *PRETRAINED]


def find_subject(name: str, dtype: str = "float32") -> Subject:
    """The subject called `name`; nothing is loaded yet. Variants are put into their one order.

    An embedded or pretrained name comes before a folder of that name; `./tiny` is the folder.

    Raises:
        BadInput: no such embedded or pretrained subject, no such folder, or variants that make no sense.
    """
    if name in PRETRAINED:
        return Subject(name, dtype)
    if name.split(":")[0] in EMBEDDED:
        variant = parse_variant(name, EMBEDDED, FIXED)
        return Subject(variant.name, dtype, EMBEDDED[variant.base])
    if name and Path(name).is_dir():
        # Absolute, so that it is the same folder wherever a process of ours works.
        return Subject(os.path.abspath(name), dtype)
    raise unknown("subject", name, [*EMBEDDED, *PRETRAINED, "a folder with a Hugging Face model and its SAEs"])


class Subjects(dict[tuple[str, ...], Subject]):
    """Subjects, each loaded once, by name and type. A folder whose files have changed is another subject."""

    def named(self, name: str, dtype: str = "float32") -> Subject:
        """The subject of that name in that type."""
        subject = find_subject(name, dtype)
        at = str(stamp(Path(subject.name))) if subject.is_folder else ""
        return self.setdefault((subject.name, dtype, at), subject)


class OneAtATime(Subjects):
    """Subjects of which one is loaded at a time, since a large one fills a good part of the memory."""

    def named(self, name: str, dtype: str = "float32") -> Subject:
        """The subject of that name in that type; all others are forgotten."""
        subject = super().named(name, dtype)
        for key, other in list(self.items()):
            if other is not subject:
                other.release()
                del self[key]
        return subject


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
