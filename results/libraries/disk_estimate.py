"""What SAELens' cache runner says of the disk that it needs, and what it needs.

Needs sae-lens alone: no weights, no network, and nothing is written.

    python -m venv new && new/bin/pip install sae-lens==6.54.12
    new/bin/python disk_estimate.py
"""

from importlib.metadata import version

import torch
from sae_lens import CacheActivationsRunner, CacheActivationsRunnerConfig

TOKENS, CONTEXT, WIDTH = 1_000_000, 100, 768
"""A million tokens at GPT-2 small's width."""


def said(dtype: str | torch.dtype) -> str:
    """The line in which the runner tells its need of disk."""
    runner = object.__new__(CacheActivationsRunner)
    runner.cfg = CacheActivationsRunnerConfig(
        dataset_path="none",
        model_name="gpt2",
        model_batch_size=8,
        hook_name="blocks.8.hook_resid_pre",
        d_in=WIDTH,
        training_tokens=TOKENS,
        context_size=CONTEXT,
        dtype=dtype,
    )
    runner.context_size = CONTEXT
    return next(line for line in str(runner).splitlines() if line.startswith("Disk space"))


def main() -> None:
    """Prints the estimate by the type given as a word, as it is by default, and as torch's own, and the bytes."""
    print(f"sae-lens {version('sae-lens')}, {TOKENS:,} tokens of {WIDTH} numbers of float32")
    print(f"dtype='float32':     {said('float32')}")
    print(f"dtype=torch.float32: {said(torch.float32)}")
    print(f"Bytes of the activations: {TOKENS * WIDTH * 4 / 10**9:.2f} GB")


if __name__ == "__main__":
    main()
