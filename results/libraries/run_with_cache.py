"""What TransformerBridge's `run_with_cache` does beside running the model, where one hook is asked for.

Needs torch and transformer-lens alone: no weights, no network. Run it under two releases:

    python -m venv old && old/bin/pip install transformer-lens==3.9.0
    python -m venv new && new/bin/pip install transformer-lens==4.3.0
    old/bin/python run_with_cache.py; new/bin/python run_with_cache.py
"""

import importlib
import importlib.util
import logging
import tempfile
import warnings
from collections import Counter
from importlib.metadata import version
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformer_lens.model_bridge import TransformerBridge
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

HOOK, N_CALLS, N_TOKENS = "blocks.1.hook_resid_pre", 5, 12
ALIASES = "build_alias_to_canonical_map"


def bridge() -> Any:
    """A bridge of a small random GPT-2 with GPT-2 small's number of blocks and heads."""
    words = Tokenizer(models.WordLevel({f"w{i}": i for i in range(100)}, unk_token="w0"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    with tempfile.TemporaryDirectory() as folder:
        # TransformerLens loads a tokenizer anew, from where it came from.
        special = dict.fromkeys(("bos_token", "eos_token", "pad_token"), "w0")
        PreTrainedTokenizerFast(tokenizer_object=words, **special).save_pretrained(folder)
        return booted(PreTrainedTokenizerFast.from_pretrained(folder))


def booted(tokenizer: Any) -> Any:
    """The bridge, with that tokenizer."""
    config = GPT2Config(
        vocab_size=100, n_positions=64, n_embd=96, n_layer=12, n_head=12, bos_token_id=0, eos_token_id=0
    )
    torch.manual_seed(0)
    return TransformerBridge.boot_transformers(
        "gpt2", hf_model=GPT2LMHeadModel(config), tokenizer=tokenizer, device="cpu"
    )


def main() -> None:
    """Prints how often the names of all hooks are mapped, and how often attention weights are asked for."""
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    model, seen = bridge(), Counter[str]()

    def counted(hooks: Any, prefix: str = "") -> dict[str, str]:
        # It calls itself for parts; only whole maps are counted.
        seen["maps"] += not prefix
        found: dict[str, str] = own(hooks, prefix)
        seen["names"] += len(found) * (not prefix)
        return found

    module = next(
        importlib.import_module(name)
        for name in ("transformer_lens.model_bridge.bridge_core", "transformer_lens.model_bridge.bridge")
        if importlib.util.find_spec(name)
    )
    own = getattr(module, ALIASES)
    setattr(module, ALIASES, counted)

    def asked(part: Any, args: Any, kwargs: Any) -> None:
        seen["attention weights"] += bool(kwargs.get("output_attentions"))

    model.original_model.register_forward_pre_hook(asked, with_kwargs=True)
    tokens = torch.arange(N_TOKENS)[None]
    for _ in range(N_CALLS):
        _, cache = model.run_with_cache(tokens, names_filter=HOOK)
    print(f"transformer-lens {version('transformer-lens')}, {N_CALLS} calls of run_with_cache, one hook asked for:")
    print(f"  values in the cache: {len(cache)}")
    print(f"  maps of all hooks' names made: {seen['maps']}, of {seen['names']:,} names in all")
    print(f"  passes in which attention weights were asked for: {seen['attention weights']}")


if __name__ == "__main__":
    main()
