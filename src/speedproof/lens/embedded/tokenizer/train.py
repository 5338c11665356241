"""Train the embedded tokenizer: byte-level BPE, one special token that is pad, bos and eos as in GPT-2.

Run from the repository root: python src/speedproof/lens/embedded/tokenizer/train.py
It reads only `pairs/texts.py` and writes tokenizer.json beside itself, byte for byte the same each time.
"""

import runpy
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

HERE = Path(__file__).parent
VOCABULARY_SIZE = 800
"""Entries. Gives the 70 texts about the lengths that GPT-2's own tokenizer gives to such texts."""


def train() -> Tokenizer:
    """The tokenizer of today's texts."""
    texts = runpy.run_path(str(HERE.parents[2] / "pairs/texts.py"))
    corpus = [text for category in texts["CATEGORIES"].values() for text in category]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    return tokenizer


if __name__ == "__main__":
    train().save(str(HERE / "tokenizer.json"))
