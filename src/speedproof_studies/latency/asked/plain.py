"""A pair in plain Python."""

import random


def counted(words: list[str]) -> dict[str, int]:
    """How often each word comes, in the order in which they come first."""
    found: dict[str, int] = {}
    for word in words:
        found[word] = words.count(word)
    return found


def counted_at_once(words: list[str]) -> dict[str, int]:
    """The same, each word looked at once."""
    found: dict[str, int] = {}
    for word in words:
        found[word] = found.get(word, 0) + 1
    return found


def make(size: int, rng: random.Random) -> dict[str, list[str]]:
    """Words, of which some come again."""
    return {"words": [f"word{rng.randrange(1 + size // 2)}" for _ in range(size)]}
