"""Which lines of TransformerLens keep new memory for a backward pass, in one forward pass with gradients on.

Needs torch and transformer-lens alone: no weights, no network. Run it under two releases and compare:

    python -m venv old && old/bin/pip install transformer-lens==2.18.0 'pyarrow<20'
    python -m venv new && new/bin/pip install transformer-lens==3.9.0
    old/bin/python saved_for_backward.py; new/bin/python saved_for_backward.py

Parameters themselves are not counted: they are there anyway. A copy of one is, since it is made anew in every pass.
"""

import traceback
import warnings
from collections import Counter
from importlib.metadata import version

import torch

SHAPE = {"n_layers": 12, "d_model": 768, "n_ctx": 1024, "d_head": 64, "n_heads": 12, "d_vocab": 50257}
"""GPT-2 small's."""
N_TOKENS = 12


def line() -> str:
    """The nearest line of TransformerLens on the stack."""
    frames = [frame for frame in traceback.extract_stack() if "transformer_lens" in frame.filename]
    if not frames:
        return "elsewhere"
    return f"{frames[-1].filename.split('transformer_lens')[-1][1:]}:{frames[-1].lineno}  {frames[-1].line}"


def kept_by_line(model: torch.nn.Module, tokens: torch.Tensor) -> Counter[str]:
    """Bytes that one forward pass keeps for the backward pass, by the line that keeps them, each memory once."""
    kept: Counter[str] = Counter()
    # Held, so that no memory is given back and counted again under the same address.
    held = {parameter.data_ptr(): parameter.data for parameter in model.parameters()}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.data_ptr() not in held:
            kept[line()] += tensor.numel() * tensor.element_size()
            held[tensor.data_ptr()] = tensor
        return tensor.detach()

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model(tokens)
    return kept


def main(shape: dict[str, int] = SHAPE) -> None:
    """Prints the sum and the lines that keep most."""
    warnings.filterwarnings("ignore")
    from transformer_lens import HookedTransformer, HookedTransformerConfig

    config = HookedTransformerConfig(**shape, act_fn="gelu_new", normalization_type="LNPre", seed=0, device="cpu")
    kept = kept_by_line(HookedTransformer(config), torch.arange(N_TOKENS)[None])
    print(f"transformer-lens {version('transformer-lens')}, torch {version('torch')}: {sum(kept.values()):,} bytes")
    for place, n_bytes in kept.most_common(5):
        print(f"{n_bytes:>14,}  {place}")


if __name__ == "__main__":
    main()
