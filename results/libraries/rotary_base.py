"""Whether TransformerLens turns by the angles that a checkpoint of Llama's or of GPT-NeoX's architecture asks for.

Needs transformer-lens alone: no weights, no network.

    python -m venv old && old/bin/pip install transformer-lens==2.18.0
    python -m venv new && new/bin/pip install transformer-lens==3.9.0
    old/bin/python rotary_base.py
    new/bin/python rotary_base.py
"""

import tempfile
from importlib.metadata import version

from transformer_lens import HookedTransformerConfig
from transformer_lens.loading_from_pretrained import convert_hf_model_config
from transformers import GPTNeoXConfig, LlamaConfig

ASKED = 5_000_000.0
"""The base of 01-ai/Yi-6B, a checkpoint that TransformerLens lists, and loads by this way. SmolLM2-135M has 100,000."""


# Each by the name that its architecture has for the base, and `save_pretrained` writes.
ARCHITECTURES = {"Llama": (LlamaConfig, "rope_theta"), "GPTNeoX": (GPTNeoXConfig, "rotary_emb_base")}


def read(asked: float, architecture: str = "Llama") -> float:
    """The base of rotary angles that TransformerLens reads from a checkpoint that asks for this one."""
    kind, name = ARCHITECTURES[architecture]
    with tempfile.TemporaryDirectory(prefix="checkpoint") as folder:
        config = kind(hidden_size=64, num_attention_heads=4, num_hidden_layers=2, **{name: asked})
        config.architectures = [f"{architecture}ForCausalLM"]
        config.save_pretrained(folder)
        found = convert_hf_model_config(folder)
    return float(found.get("rotary_base", HookedTransformerConfig.rotary_base))


def main() -> None:
    """Prints what was asked for and what was read."""
    print(f"transformer-lens {version('transformer-lens')}, transformers {version('transformers')}")
    print(f"base of rotary angles asked for: {ASKED:,.0f}")
    for architecture in ARCHITECTURES:
        print(f"read of {architecture}: {read(ASKED, architecture):,.0f}")


if __name__ == "__main__":
    main()
