"""Sizes of the embedded subjects, by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field

WEIGHT_SEED = 20_240_229
"""Seeds every embedded subject's weights. Changing it changes the subject's digest."""

BIAS_SEED = 20_240_301
"""Seeds biases and norms, apart from the weights, which they leave as they were."""


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
    rarity: float = 1.0
    """Standard deviations of pre-activations, over features and texts, that a threshold is."""
    gains: Mapping[str, float] = field(default_factory=dict)
    """Hook, with `bridge:` before it where the bridge's differs -> factor on its SAE's encoder per unit of threshold.

    Brings pre-activations there to the size that the threshold was chosen for; a hook without one needs none.
    """

    @property
    def n_firing(self) -> int:
        """Features of a top-k SAE that may fire on a text: as many as fire in GPT-2 small's, or an eighth."""
        return min(60, self.d_sae // 8)

    def hook_names(self, hook: str) -> dict[int, str]:
        """Layer -> full name of the hook that carries its SAE, in layer order."""
        place = f"attn.{hook}" if hook == "hook_z" else hook
        return {layer: f"blocks.{layer}.{place}" for layer in self.thresholds}


EMBEDDED: dict[str, Shape] = {
    "tiny": Shape(
        2,
        32,
        2,
        1024,
        128,
        96,
        {0: 0.5, 1: 0.5},
        0.25,
        {"hook_mlp_out": 4.6, "hook_attn_out": 5.0, "bridge:hook_attn_out": 13.0, "hook_z": 7.2},
    ),
    "solved": Shape(2, 32, 1, 1024, 128, 32, {1: 0.0}),
    "gpt2-small-shape": Shape(
        12,
        768,
        12,
        50_257,
        1024,
        24_576,
        {6: 28.3, 8: 35.5, 10: 39.2, 11: 43.7},
        2.8,
        {
            "bridge:hook_resid_pre": 0.143,
            "bridge:hook_resid_post": 0.142,
            "hook_mlp_out": 0.365,
            "bridge:hook_mlp_out": 0.891,
            "hook_attn_out": 0.0737,
            "bridge:hook_attn_out": 2.09,
            "hook_z": 0.258,
            "bridge:hook_z": 0.439,
        },
    ),
}
FIXED = ("solved",)
"""Subjects that are what they are: weights set by hand for one hook, one kind of SAE and one tokenizer."""
