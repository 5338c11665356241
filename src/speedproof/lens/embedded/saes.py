"""SAEs of the embedded subjects: SAELens's plain architectures, with seeded or hand-set weights."""

from typing import Any

import torch

from speedproof.errors import BadInput
from speedproof.lens.sae_classes import GatedSAE, JumpReLUSAE, StandardSAE

from .shapes import EMBEDDED, FIXED, WEIGHT_SEED, Shape
from .variants import Variant, parse_variant

SOLVED_GAIN = 10.0
"""Activation of a `solved` feature whose class fills the whole text; above the report's threshold of 5."""
MAGNITUDE_SPREAD = 0.1
"""Standard deviation of a gated SAE's log magnitudes: enough that gate and magnitude are not the same number."""
ENCODER_SPREAD = 0.1
"""Standard deviation of encoder biases and of thresholds, in deviations of the pre-activations that they are added to
or compared with: no two features have the same."""
DECODER_SPREAD = 0.3
"""Standard deviation of what `b_dec`, subtracted from the input, does to pre-activations, in deviations of those."""


def make_saes(name: str) -> dict[str, Any]:
    """The embedded subject's SAEs by hook name, in layer order, in float32."""
    variant = parse_variant(name, EMBEDDED, FIXED)
    shape = EMBEDDED[variant.base]
    hook_names = shape.hook_names(variant.hook)
    if variant.base == "solved":
        return {hook_name: _solved_sae(shape, hook_name) for hook_name in hook_names.values()}
    return {hook_name: _seeded_sae(shape, layer, hook_name, variant) for layer, hook_name in hook_names.items()}


@torch.no_grad()
def _seeded_sae(shape: Shape, layer: int, hook_name: str, variant: Variant) -> Any:
    threshold = shape.thresholds[layer]
    deviation = threshold / shape.rarity
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(WEIGHT_SEED + layer)
        sae = _empty_sae(shape, hook_name, variant.architecture)
        if gain := _gain(shape, variant):
            sae.W_enc.mul_(gain * threshold)
        _seed_biases(sae, ENCODER_SPREAD * deviation)
        _set_threshold(sae, threshold, ENCODER_SPREAD * deviation)
        sae.b_dec.normal_(std=DECODER_SPREAD * deviation / float(sae.W_enc.norm(dim=0).mean()))
    return sae


def _gain(shape: Shape, variant: Variant) -> float | None:
    plain = shape.gains.get(variant.hook)
    return shape.gains.get(f"bridge:{variant.hook}", plain) if variant.bridge else plain


def _seed_biases(sae: Any, spread: float) -> None:
    """Small ones about zero: of the encoder, or of a gated SAE's two paths."""
    for name in ("b_enc", "b_gate", "b_mag"):
        if getattr(sae, name, None) is not None:
            getattr(sae, name).normal_(std=spread)
    if isinstance(sae, GatedSAE):
        sae.r_mag.normal_(std=MAGNITUDE_SPREAD)


def _set_threshold(sae: Any, threshold: float, spread: float) -> None:
    """Where a feature begins to fire. A top-k SAE has no threshold but a rank."""
    if isinstance(sae, StandardSAE):
        sae.b_enc.sub_(threshold)
    elif isinstance(sae, JumpReLUSAE):
        sae.threshold.normal_(mean=threshold, std=spread)
    elif isinstance(sae, GatedSAE):
        sae.b_gate.sub_(threshold)


def _empty_sae(shape: Shape, hook_name: str, architecture: str = "standard") -> Any:
    try:
        import sae_lens
        from sae_lens.saes.sae import SAEMetadata
    except ImportError as error:
        raise BadInput(
            f"The SAEs of embedded subjects cannot be made: {error}. Expected SAELens. Install sae-lens, or use a "
            "folder's subject, whose SAEs are read from their files."
        ) from error
    sizes: dict[str, Any] = {
        # hook_z has one part per head; its SAE reads them side by side, so that is d_model wide too.
        "d_in": shape.d_model,
        "d_sae": shape.d_sae,
        "reshape_activations": "hook_z" if hook_name.endswith("hook_z") else "none",
        "metadata": SAEMetadata(hook_name=hook_name, model_name="embedded"),
    }
    if architecture == "jumprelu":
        return sae_lens.JumpReLUSAE(sae_lens.JumpReLUSAEConfig(**sizes))
    if architecture == "topk":
        return sae_lens.TopKSAE(sae_lens.TopKSAEConfig(k=shape.n_firing, **sizes))
    if architecture == "gated":
        return sae_lens.GatedSAE(sae_lens.GatedSAEConfig(**sizes))
    return sae_lens.StandardSAE(sae_lens.StandardSAEConfig(**sizes))


@torch.no_grad()
def _solved_sae(shape: Shape, hook_name: str) -> Any:
    sae = _empty_sae(shape, hook_name)
    sae.W_enc.copy_(SOLVED_GAIN * torch.eye(shape.d_model))
    sae.b_enc.zero_()
    return sae
