"""What the oracle knows of SAE features: their values, and how far each is from the decision to fire."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Bool, Float64
from torch import Tensor

from speedproof.errors import BadInput

from .sae_classes import GatedSAE, JumpReLUSAE, TopKSAE

TINY = torch.finfo(torch.float64).tiny
"""Keeps a division by an all-zero row from being one."""
NORMAL = 1.4826
"""Times the median distance from the median is the standard deviation of numbers that are normally distributed."""


@dataclass(frozen=True)
class Features:
    """Features of some texts, in float64.

    A feature fires where a quantity passes a threshold: its pre-activation (ReLU, JumpReLU), its rank (TopK), its gate
    (gated). `margin` is that quantity's distance from the threshold, `if_fired` the value that the feature has if it
    fires. Where the margin is within the allowed error, either side is right. `spread` is how far a row's
    pre-activations lie apart: hardly any feature may fire on a text, and yet all are worked out from numbers as large
    as on any other.
    """

    values: Float64[Tensor, "text d_sae"]
    if_fired: Float64[Tensor, "text d_sae"]
    margin: Float64[Tensor, "text d_sae"]
    spread: Float64[Tensor, "text 1"]

    @cached_property
    def scale(self) -> Float64[Tensor, "text 1"]:
        """What errors are shares of, row by row."""
        return torch.maximum(row_scale(self.values), self.spread)

    def undecided(self, allowed: float) -> Bool[Tensor, "text d_sae"]:
        """Where firing is too close to call."""
        return self.margin <= allowed * self.scale

    def nearest(self, found: Tensor, allowed: float) -> Float64[Tensor, "text d_sae"]:
        """The right answer that is nearest to what was found: where undecided, either side counts as right."""
        return _nearest(found, self.values, self.if_fired, self.undecided(allowed))

    def nearest_at(self, text: int, feature: int, found: float, allowed: float) -> float:
        """`nearest` of one feature on one text, without looking at all the others."""
        at = slice(text, text + 1), slice(feature, feature + 1)
        values, undecided = self.values[at], self.margin[at] <= allowed * self.scale[text]
        return _nearest(torch.full_like(values, found), values, self.if_fired[at], undecided).item()

    def range(self, allowed: float) -> tuple[Tensor, Tensor]:
        """Least and greatest value that each feature may have. Two tensors of shape [text, d_sae]."""
        band, undecided = allowed * self.scale, self.undecided(allowed)
        low = torch.where(undecided, self.if_fired.clamp_max(0), self.values)
        high = torch.where(undecided, self.if_fired.clamp_min(0), self.values)
        return low - band, high + band

    def count_range(self, threshold: float, allowed: float) -> tuple[Tensor, Tensor]:
        """Fewest and most texts on which each feature may be above the threshold. Two tensors of shape [d_sae]."""
        low, high = self.range(allowed)
        return (low > threshold).sum(dim=0).double(), (high > threshold).sum(dim=0).double()


def _nearest(found: Tensor, values: Tensor, if_fired: Tensor, undecided: Tensor) -> Tensor:
    other = torch.where(values == 0, if_fired, 0.0)
    is_nearer = (found - other).abs() < (found - values).abs()
    return torch.where(undecided & is_nearer, other, values)


def row_scale(reference: Tensor) -> Tensor:
    """What errors are shares of: each row's largest element, but no less than the mean row's. Shape [row, 1]."""
    largest = reference.abs().amax(dim=1, keepdim=True)
    return torch.maximum(largest, largest.mean()).clamp_min(TINY)


@torch.no_grad()
def encode(sae: Any, acts: Float64[Tensor, "text ..."]) -> Features:
    """Features of `acts` by a float64 SAE.

    SAELens's four plain architectures are known by their decisions. Any other is taken to be continuous at zero, as a
    ReLU is; one that jumps elsewhere would be held to its exact side, never let off.
    """
    seen: list[Tensor] = []
    handle = sae.hook_sae_acts_pre.register_forward_hook(lambda module, args, value: seen.append(value.detach()))
    try:
        values = sae.encode(acts)
    finally:
        handle.remove()
    if not seen or seen[-1].numel() != values.numel():
        kind = sae.cfg.architecture()
        raise BadInput(
            f"unsupported: an SAE of architecture {kind!r} tells no pre-activation of each feature. Expected one that "
            "does, since the gate must know what is too close to call. Choose another SAE."
        )
    pre = seen[-1].reshape(values.shape)
    return Features(values, *_decision(sae, acts, pre, values), _spread(pre))


def _spread(pre: Tensor) -> Float64[Tensor, "text 1"]:
    """By medians, since a few features with far smaller biases than the others must not loosen all of a row."""
    middle = pre.median(dim=1, keepdim=True).values
    return NORMAL * (pre - middle).abs().median(dim=1, keepdim=True).values


def _decision(sae: Any, acts: Tensor, pre: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """(value if fired, margin)."""
    # Transcoders that jump are no JumpReLUSAE.
    if isinstance(sae, JumpReLUSAE) or isinstance(getattr(sae, "threshold", None), Tensor):
        return sae.activation_fn(pre), (pre - sae.threshold).abs()
    if isinstance(sae, GatedSAE):
        gate = sae.process_sae_in(acts) @ sae.W_enc + sae.b_gate
        return sae.activation_fn(pre), gate.reshape(values.shape).abs()
    if isinstance(sae, TopKSAE):
        ranked = pre * sae.W_dec.norm(dim=-1) if sae.cfg.rescale_acts_by_decoder_norm else pre
        top = ranked.topk(min(sae.cfg.k + 1, ranked.shape[1]), dim=1).values
        last_in, first_out = top[:, sae.cfg.k - 1, None], top[:, -1, None]
        return ranked.relu(), torch.where(ranked >= last_in, ranked - first_out, last_in - ranked)
    return values, pre.abs()
