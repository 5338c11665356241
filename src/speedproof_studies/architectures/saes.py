"""Small SAEs of the kinds that SAELens has, with seeded weights, saved as SAELens saves them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import sae_lens
import torch
from sae_lens.saes.sae import SAEMetadata
from torch import Tensor

from .models import D_MODEL, SEED

D_SAE = 96
N_FIRING = 12
"""Features that a top-k SAE lets fire."""
DEVIATION, THRESHOLD = 6.0, 4.0
"""Of pre-activations over texts and features, and where one begins to fire: a quarter does, some beyond five."""

Maker = Callable[[dict[str, Any]], Any]


def _kind(name: str, **more: Any) -> Maker:
    return lambda sizes: getattr(sae_lens, name)(getattr(sae_lens, f"{name}Config")(**sizes, **more))


_OUT = {"d_out": D_MODEL, "apply_b_dec_to_input": False}
KINDS: Mapping[str, Maker] = {
    "standard": _kind("StandardSAE"),
    "jumprelu": _kind("JumpReLUSAE"),
    "gated": _kind("GatedSAE"),
    "topk": _kind("TopKSAE", k=N_FIRING),
    "abstopk": _kind("AbsTopKSAE", k=N_FIRING),
    "batch-topk": _kind("BatchTopKTrainingSAE", k=N_FIRING),
    "matryoshka batch-topk": _kind("MatryoshkaBatchTopKTrainingSAE", k=N_FIRING, matryoshka_widths=[48, D_SAE]),
    "transcoder": _kind("Transcoder", **_OUT),
    "skip transcoder": _kind("SkipTranscoder", **_OUT),
    "jumprelu transcoder": _kind("JumpReLUTranscoder", **_OUT),
    "matching pursuit": _kind("MatchingPursuitSAE"),
    "temporal": _kind("TemporalSAE", n_heads=2, bottleneck_factor=4),
}
"""Kind of SAE, and how one is made of its sizes."""


def save_sae(kind: str, layer: int, acts: Tensor, folder: Path) -> None:
    """Makes one for `blocks.LAYER.hook_resid_pre`, whose values on some texts are `acts`, and saves it.

    Raises whatever SAELens does where it lacks the kind.
    """
    metadata = SAEMetadata(hook_name=f"blocks.{layer}.hook_resid_pre", model_name="small and random")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED + layer)
        sae = KINDS[kind]({"d_in": D_MODEL, "d_sae": D_SAE, "metadata": metadata})
        _seed(sae, acts)
    save = getattr(sae, "save_inference_model", None) or sae.save_model
    folder.mkdir(parents=True)
    save(folder)


@torch.no_grad()
def _seed(sae: Any, acts: Tensor) -> None:
    """Pre-activations of one size whatever the hook carries, no bias the same, and a threshold."""
    if (encoder := getattr(sae, "W_enc", None)) is not None and isinstance(encoder, torch.nn.Parameter):
        encoder.normal_()
        encoder.mul_(DEVIATION / (acts @ encoder).std())
    for name in ("b_enc", "b_gate", "b_mag", "r_mag"):
        if isinstance(bias := getattr(sae, name, None), torch.nn.Parameter):
            bias.normal_(std=0.1)
    threshold = getattr(sae, "threshold", None)
    if isinstance(threshold, torch.nn.Parameter):
        threshold.normal_(mean=THRESHOLD, std=0.1)
    elif (batch := getattr(sae, "topk_threshold", None)) is not None:
        # It is compared with pre-activations times the decoder's norm.
        sae.W_dec.div_(sae.W_dec.norm(dim=1, keepdim=True))
        batch.fill_(THRESHOLD)
    else:
        for name in ("b_enc", "b_gate"):
            if isinstance(bias := getattr(sae, name, None), torch.nn.Parameter) and not hasattr(sae.cfg, "k"):
                bias.sub_(THRESHOLD)
