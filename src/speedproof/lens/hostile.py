"""Hostile texts for one subject: what has broken somebody's lengths, padding or look-up, made for its own tokenizer.

They are guaranteed, not drawn: every check of texts asks for them all, whatever its workload holds.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psutil

from speedproof.pairs.texts import WORDS

from .devices import CPU

NEARLY_EQUAL: tuple[str, ...] = (
    *("Straße", "STRASSE", "straße"),
    *("two words", "two  words", "two words ", " two words", "two words\n", "Two words"),
    *("caf\u00e9", "cafe\u0301"),
    *("\u00f1and\u00fa", "n\u0303andu\u0301"),
    *("\u00c5", "A\u030a", "\u212b"),
    *("\ud55c", "\u1112\u1161\u11ab"),
    *("\ufb01ne 1\u00b2", "fine 12"),
    *("zerowidth", "zero\u200bwidth", "zero\u00adwidth"),
    *("A", "\u0391", "\u0410"),
)
"""Texts that a careless look-up takes for equal: case, white space, normal forms (NFC, NFKC), marks of no width, other
alphabets' letters."""
PLAIN: tuple[str, ...] = (
    "",
    " ",
    "\n",
    "a",
    "  white space on both sides\t ",
    "same twice",
    "in between",
    "same twice",
)
"""Empty, white space alone, a single token, white space at the ends, and a text that comes twice."""
MOST_SPECIAL = 8
"""Special tokens that are asked about; a tokenizer may have thousands."""
MOST_ALONE = 64
"""Categories that are made of one text each: more than there are hostile texts for one special token."""
CALL_SHARE = 0.25
"""Share of the free memory that one text's run may be predicted to take in the definition, which keeps every
activation. The rest is room for the oracle's doubles, and for other programs."""
KEPT_PER_TOKEN = 40
"""Activations of the residual stream's width that a cache holds a block and token, of an MLP four times as wide:
counted on TransformerLens 3.9."""


@dataclass(frozen=True)
class Hostile:
    """Texts to ask about, call by call, and in words what is not among them and why."""

    calls: tuple[tuple[str, ...], ...]
    untried: tuple[str, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """All of them, in the order in which they are asked about."""
        return tuple(text for call in self.calls for text in call)


def hostile_texts(model: Any | None = None, dtype_bytes: int = 4, timely: float = math.inf) -> Hostile:
    """The texts for a model, or for a pair that runs none.

    With a model: each special token alone, first, last and inside; a text that fills the context and one beyond it,
    or the longest that the definition's predicted memory leaves room for and that has no more tokens than `timely`. A
    text without tokens is left out: nothing is right about it.

    Long texts come in a call of their own, with one short one: whoever pads all texts of a call to the longest runs as
    many tokens as the context has for every one of them. One of them ends with a special token.
    """
    if model is None:
        return Hostile(((*PLAIN, *NEARLY_EQUAL),))
    special, untried = _special_tokens(model.tokenizer)
    marked = [text for token in special for text in (token, f"{token}first", f"last{token}", f"in {token} side")]
    doubled = [token + token for token in special[:1]]
    words = _words_of_one_token(model) or list(WORDS)
    fitting = longest_that_fits(model, dtype_bytes)
    longest = int(min(fitting, max(1, timely)))
    if longest < model.cfg.n_ctx:
        why = (
            "the definition would need more memory than is free" if longest == fitting else "there was no time for more"
        )
        untried.append(f"texts over {longest} tokens, of the {model.cfg.n_ctx} that the model takes: {why}")
        long = [filled(model, words, longest, seed=1)]
    else:
        long = [filled(model, words, longest, seed=1), filled(model, words, longest + 1, seed=2)]
    half = filled(model, words, max(2, longest // 2), seed=3) + "".join(special[:1])
    calls = [[*PLAIN, *marked, *doubled, *NEARLY_EQUAL], [half, *long[:1], "a", *long[1:]]]
    kept = [tuple(text for text in call if model.to_tokens(text).numel()) for call in calls]
    if kept != [tuple(call) for call in calls]:
        untried.append("texts without a token, since nothing is right about them")
    return Hostile(tuple(kept), tuple(untried))


def alone(texts: Sequence[str]) -> dict[str, list[str]]:
    """A category for each of the first texts, so that whoever takes another text for it counts one too many."""
    return {f"text {i} alone": [text] for i, text in enumerate(texts[:MOST_ALONE])}


def _special_tokens(tokenizer: Any) -> tuple[list[str], list[str]]:
    every = list(dict.fromkeys(tokenizer.all_special_tokens))
    untried = [f"{len(every) - MOST_SPECIAL} of {len(every)} special tokens"] if len(every) > MOST_SPECIAL else []
    return every[:MOST_SPECIAL], untried


def longest_that_fits(model: Any, dtype_bytes: int = 4, free_bytes: int | None = None) -> int:
    """Tokens of the longest text, at most the context's, that the definition has room for."""
    free = _free_bytes(model) if free_bytes is None else free_bytes
    n_tokens = int(model.cfg.n_ctx)
    while n_tokens > 1 and predicted_bytes(model.cfg, n_tokens, dtype_bytes) > CALL_SHARE * free:
        n_tokens //= 2
    return n_tokens


def _free_bytes(model: Any) -> int:
    """Free memory for the definition and for the oracle, of which the latter is always on the processor's side."""
    import torch

    of_host, device = psutil.virtual_memory().available, next(iter(model.parameters())).device
    return int(of_host if device.type == CPU else min(of_host, torch.cuda.mem_get_info(device)[0]))


def predicted_bytes(cfg: Any, n_tokens: int, dtype_bytes: int = 4) -> int:
    """Memory of one run that caches everything: scores and pattern of each head, the stream's parts, the logits."""
    attention = 2 * cfg.n_layers * cfg.n_heads * n_tokens * n_tokens
    stream = KEPT_PER_TOKEN * cfg.n_layers * cfg.d_model * n_tokens
    return int((attention + stream + cfg.d_vocab * n_tokens) * dtype_bytes)


def filled(model: Any, words: Sequence[str], n_tokens: int, seed: int) -> str:
    """A text of these words, of that many tokens, what the model prepends included; of one fewer if none has as many.

    The words differ, so that where it is cut shows.
    """
    rng = random.Random(seed)
    chosen = [rng.choice(words)]
    while _n_tokens(model, chosen) < n_tokens:
        chosen += rng.choices(words, k=max(1, (n_tokens - _n_tokens(model, chosen)) // 2))
    while len(chosen) > 1 and _n_tokens(model, chosen) > n_tokens:
        chosen.pop()
    return " ".join(chosen)


def _words_of_one_token(model: Any) -> list[str]:
    """Words that add exactly one token behind a space."""
    alone = _n_tokens(model, ["is"])
    return [word for word in WORDS if _n_tokens(model, ["is", word]) == alone + 1]


def _n_tokens(model: Any, words: Sequence[str]) -> int:
    return int(model.to_tokens(" ".join(words), truncate=False).shape[1])
