"""Whether TransformerLens turns by the angles that a checkpoint of Llama's architecture asks for.

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
from transformers import LlamaConfig

ASKED = 5_000_000.0
"""The base of 01-ai/Yi-6B, a checkpoint that TransformerLens lists, and loads by this way. SmolLM2-135M has 100,000."""


def read(asked: float) -> float:
    """The base of rotary angles that TransformerLens reads from a checkpoint that asks for this one."""
    with tempfile.TemporaryDirectory(prefix="checkpoint") as folder:
        config = LlamaConfig(hidden_size=64, num_attention_heads=4, num_hidden_layers=2, rope_theta=asked)
        config.architectures = ["LlamaForCausalLM"]
        config.save_pretrained(folder)
        found = convert_hf_model_config(folder)
    return float(found.get("rotary_base", HookedTransformerConfig.rotary_base))


def main() -> None:
    """Prints both."""
    print(f"transformer-lens {version('transformer-lens')}, transformers {version('transformers')}")
    print(f"base of rotary angles asked for: {ASKED:,.0f}")
    print(f"base of rotary angles read:      {read(ASKED):,.0f}")


if __name__ == "__main__":
    main()
