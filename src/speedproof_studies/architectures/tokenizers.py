"""Small tokenizers of the kinds that people use: byte-level as GPT-2's, and as SentencePiece makes them."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from speedproof.lens.embedded.tokenizers import TOKENIZER, embedded_tokenizer
from speedproof.pairs import texts

from .models import D_VOCAB

SPACE = "\u2581"
"""What SentencePiece writes for a space."""
SPECIAL = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}


def _byte_level(**settings: Any) -> Callable[[], Any]:
    def load() -> Any:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(str(TOKENIZER), **settings)

    return load


def _without_bos() -> Any:
    """As Qwen's: no bos, and a pad token that is another than the eos."""
    loaded = _byte_level(pad_token="<|pad|>")()
    loaded.bos_token = None
    return loaded


def _sentencepiece(padding_side: str = "right") -> Callable[[], Any]:
    def make() -> Any:
        from tokenizers import Tokenizer, decoders, normalizers, processors
        from tokenizers.models import BPE
        from transformers import PreTrainedTokenizerFast

        backend = Tokenizer(BPE(**_vocabulary(), byte_fallback=True, unk_token=SPECIAL["unk_token"]))
        backend.normalizer = normalizers.Sequence([normalizers.Prepend(SPACE), normalizers.Replace(" ", SPACE)])
        backend.decoder = decoders.Sequence([decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()])
        bos = SPECIAL["bos_token"]
        backend.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, backend.token_to_id(bos))]
        )
        return PreTrainedTokenizerFast(tokenizer_object=backend, padding_side=padding_side, **SPECIAL)

    return make


def _vocabulary() -> dict[str, Any]:
    """Special tokens, every byte, and what byte pair encoding finds in the project's texts."""
    from tokenizers import Tokenizer
    from tokenizers.models import BPE
    from tokenizers.trainers import BpeTrainer

    first = [*SPECIAL.values(), *(f"<0x{byte:02X}>" for byte in range(256))]
    learning = Tokenizer(BPE())
    given = [text.replace(" ", SPACE) for text in (*texts.own(70), *texts.WORDS)]
    learning.train_from_iterator(given, BpeTrainer(vocab_size=D_VOCAB - len(first), show_progress=False))
    learned = json.loads(learning.to_str())["model"]
    ranked = sorted(learned["vocab"], key=learned["vocab"].__getitem__)
    vocabulary = {token: i for i, token in enumerate(dict.fromkeys([*first, *ranked]))}
    return {"vocab": vocabulary, "merges": [tuple(merge) for merge in learned["merges"]]}


KINDS: Mapping[str, Callable[[], Any]] = {
    "byte-level, pad is bos": embedded_tokenizer,
    "byte-level, distinct pad": _byte_level(pad_token="<|pad|>"),
    "byte-level, left padding": _byte_level(padding_side="left"),
    "byte-level, no bos": _without_bos,
    "SentencePiece, distinct pad": _sentencepiece(),
    "SentencePiece, left padding": _sentencepiece("left"),
}
"""Kind of tokenizer, and how one is made."""
USUAL = {"gpt2": "byte-level, pad is bos", "gpt_neox": "byte-level, pad is bos", "qwen2": "byte-level, no bos"}
USUAL |= {"qwen3": "byte-level, no bos"}
SENTENCEPIECE = "SentencePiece, distinct pad"


def usual(model: str) -> str:
    """The kind of tokenizer that models of a kind come with."""
    return USUAL.get(model, SENTENCEPIECE)
