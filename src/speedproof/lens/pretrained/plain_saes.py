"""SAEs in SAELens' files, read without SAELens: for releases of TransformerLens that no SAELens takes yet.

The encoders of its four plain architectures, with the names that findings and the oracle ask for.
"""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from transformer_lens.hook_points import HookPoint

from speedproof.errors import BadInput

from .model_files import SAE_WEIGHTS

AS_IT_COMES = ("none", "expected_average_only_in")
"""Ways to normalise activations that do nothing here: SAELens leaves out the second for an SAE on disk as well."""


class PlainSAE(nn.Module):
    """An SAE that encodes, [..., d_in] -> [..., d_sae]. `cfg` holds what `cfg.json` does."""

    architecture: ClassVar[str]
    W_enc: Tensor
    W_dec: Tensor
    b_enc: Tensor
    b_dec: Tensor

    def __init__(self, cfg: dict[str, Any], weights: dict[str, Tensor]) -> None:
        super().__init__()
        metadata = {"hook_name": cfg.get("hook_name"), **(cfg.get("metadata") or {})}
        known = {"apply_b_dec_to_input": True, "reshape_activations": "none", "k": 100}
        known |= {"rescale_acts_by_decoder_norm": False, **cfg, "architecture": lambda: self.architecture}
        self.cfg = SimpleNamespace(**(known | {"metadata": SimpleNamespace(**metadata)}))
        for name, weight in weights.items():
            self.register_parameter(name, nn.Parameter(weight, requires_grad=False))
        self.hook_sae_acts_pre, self.hook_sae_acts_post = HookPoint(), HookPoint()

    @classmethod
    def load_from_disk(cls, folder: Path, device: str = "cpu") -> "PlainSAE":
        """The SAE of a folder that SAELens wrote, in the type that its files hold, whatever its architecture.

        Raises:
            BadInput: its activations are normalised at every call, which is not read here.
        """
        from safetensors.torch import load_file

        cfg = json.loads((folder / "cfg.json").read_text(encoding="utf-8"))
        if (normalised := cfg.get("normalize_activations", "none")) not in AS_IT_COMES:
            raise BadInput(
                f"unsupported: {folder / 'cfg.json'} asks for normalize_activations {normalised!r}, and SAELens is not "
                f"installed here. Expected one of {', '.join(AS_IT_COMES)}. Install sae-lens, or choose another SAE."
            )
        return KINDS[cfg.get("architecture", "standard")](cfg, load_file(folder / SAE_WEIGHTS, device))

    def process_sae_in(self, sae_in: Tensor) -> Tensor:
        """What the encoder's product gets. [..., d_in], or one vector for each head, which is laid side by side."""
        value = sae_in.to(self.W_enc.dtype)
        if self.cfg.reshape_activations == "hook_z":
            value = value.flatten(-2)
        return value - self.b_dec if self.cfg.apply_b_dec_to_input else value

    def encode(self, x: Tensor) -> Tensor:
        """Features of activations. [..., d_in] -> [..., d_sae]"""
        sae_in = self.process_sae_in(x)
        features: Tensor = self.hook_sae_acts_post(self._fired(sae_in, self.hook_sae_acts_pre(self._pre(sae_in))))
        return features

    def activation_fn(self, pre: Tensor) -> Tensor:
        """Value of a feature that fires."""
        return pre.relu()

    def _pre(self, sae_in: Tensor) -> Tensor:
        return sae_in @ self.W_enc + self.b_enc

    def _fired(self, sae_in: Tensor, pre: Tensor) -> Tensor:
        return self.activation_fn(pre)


class StandardSAE(PlainSAE):
    """Fires where the pre-activation is above zero."""

    architecture = "standard"


class JumpReLUSAE(PlainSAE):
    """Fires where the pre-activation is above a threshold of the feature's own."""

    architecture = "jumprelu"
    threshold: Tensor

    def _fired(self, sae_in: Tensor, pre: Tensor) -> Tensor:
        return pre.relu() * (pre > self.threshold)


class TopKSAE(PlainSAE):
    """Fires where the pre-activation is one of a token's `k` largest."""

    architecture = "topk"

    def _fired(self, sae_in: Tensor, pre: Tensor) -> Tensor:
        if self.cfg.rescale_acts_by_decoder_norm:
            pre = pre * self.W_dec.norm(dim=-1)
        top = pre.topk(self.cfg.k, dim=-1)
        return torch.zeros_like(pre).scatter(-1, top.indices, top.values.relu())


class GatedSAE(PlainSAE):
    """Fires where a gate does; how strongly is computed apart, from the same weights scaled."""

    architecture = "gated"
    r_mag: Tensor
    b_mag: Tensor
    b_gate: Tensor

    def _pre(self, sae_in: Tensor) -> Tensor:
        return sae_in @ (self.W_enc * self.r_mag.exp()) + self.b_mag

    def _fired(self, sae_in: Tensor, pre: Tensor) -> Tensor:
        return (sae_in @ self.W_enc + self.b_gate > 0) * self.activation_fn(pre)


KINDS: dict[str, type[PlainSAE]] = {kind.architecture: kind for kind in (StandardSAE, JumpReLUSAE, TopKSAE, GatedSAE)}
