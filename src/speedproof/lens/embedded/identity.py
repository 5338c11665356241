"""What an embedded subject is, as plain data: known from its name, without loading it."""

from dataclasses import asdict

from speedproof.digest import digest, file_digest

from .shapes import BIAS_SEED, EMBEDDED, FIXED, WEIGHT_SEED
from .tokenizers import TOKENIZER
from .variants import parse_variant

TOKENIZER_FILES = (TOKENIZER / "tokenizer.json", TOKENIZER / "tokenizer_config.json")
DRAWN = 2
"""Counts the ways in which weights have been drawn; a test holds it to the weights themselves."""


def embedded_digest(name: str) -> str:
    """Fingerprint of an embedded subject: its sizes, seeds, variants and tokenizer, and how its weights are drawn."""
    variant = parse_variant(name, EMBEDDED, FIXED)
    sizes = list(asdict(EMBEDDED[variant.base]).values())
    return digest([variant.name, sizes, WEIGHT_SEED, BIAS_SEED, DRAWN, file_digest(*TOKENIZER_FILES)])
