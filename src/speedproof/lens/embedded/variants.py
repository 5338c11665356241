"""Variants of embedded subjects: what a name such as `tiny:bridge:topk` asks for, part by part."""

from collections.abc import Collection
from dataclasses import dataclass

from speedproof.errors import BadInput, unknown

BRIDGE = "bridge"
"""`TransformerBridge` in place of `HookedTransformer`."""
TOKENIZERS = ("distinct-pad", "no-bos", "left-padding")
"""A pad token of its own; a model that prepends no bos; padding on the left unless told otherwise. They combine."""
ARCHITECTURES = ("jumprelu", "topk", "gated")
"""Kinds of SAE in place of a standard one."""
HOOKS = ("hook_mlp_out", "hook_attn_out", "hook_resid_post", "hook_z")
"""Where the SAEs read, in place of `hook_resid_pre` of the same blocks."""
VARIANTS = (BRIDGE, *TOKENIZERS, *ARCHITECTURES, *HOOKS)
"""Every word that may follow a name, in the order that a name lists them."""
_CHOICES = {"SAE architecture": ARCHITECTURES, "hook": HOOKS}
"""Of these there is one at a time."""


@dataclass(frozen=True)
class Variant:
    """An embedded subject's base, and what is different about it, in the order of `VARIANTS`."""

    base: str
    changes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The one name of this variant, whatever order it was asked for in."""
        return ":".join((self.base, *self.changes))

    @property
    def bridge(self) -> bool:
        """Whether the model is a `TransformerBridge`."""
        return BRIDGE in self.changes

    @property
    def architecture(self) -> str:
        """Kind of SAE."""
        return next((change for change in self.changes if change in ARCHITECTURES), "standard")

    @property
    def hook(self) -> str:
        """Where in its block an SAE reads."""
        return next((change for change in self.changes if change in HOOKS), "hook_resid_pre")


def parse_variant(name: str, bases: Collection[str], fixed: Collection[str]) -> Variant:
    """What `base[:variant]*` asks for; the subjects in `fixed` have no variants.

    Raises:
        BadInput: a base or variant that does not exist, one named twice, two that exclude each other.
    """
    base, *asked = name.split(":")
    if base not in bases:
        raise unknown("embedded subject", base, list(bases))
    if wrong := [word for word in asked if word not in VARIANTS]:
        raise unknown(f"variant of {base}", wrong[0], list(VARIANTS))
    if asked and base in fixed:
        raise BadInput(
            f"Subject {base!r} has no variants: its weights are set by hand. Expected {base!r}, got {name!r}."
        )
    if len(set(asked)) < len(asked):
        raise BadInput(f"Subject {name!r} names a variant twice. Expected each of {', '.join(VARIANTS)} at most once.")
    for kind, choices in _CHOICES.items():
        if len(chosen := [word for word in asked if word in choices]) > 1:
            raise BadInput(
                f"Subject {name!r} asks for {' and '.join(chosen)}. Expected one {kind} of: {', '.join(choices)}."
            )
    return Variant(base, tuple(word for word in VARIANTS if word in asked))
