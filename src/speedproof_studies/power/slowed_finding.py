"""Finding 3 slowed: its batched twin against itself with extra work, a pair that stands on no card."""

from dataclasses import replace

from bench.findings import find
from speedproof.pairs.finding import Finding, Pair
from speedproof.pairs.references import Target

from .slowed_call import slowed

SLOWED = "BY_"
"""With a number of extra products behind it, the name by which another process finds the finding here."""


def __getattr__(name: str) -> Finding:
    if not name.startswith(SLOWED):
        raise AttributeError(name)
    return finding_of(int(name.removeprefix(SLOWED)))


def pair_of(n_products: int) -> Pair:
    """The batched twin of finding 3, against itself with that many extra products."""
    return replace(find("category_lookup").pairs[0], sequential=slowed(0), batched=slowed(n_products))


def finding_of(n_products: int) -> Finding:
    """Finding 3 about the slowed pair, its definition pinned to the file that both sides come from."""
    pair = pair_of(n_products)
    return replace(find("category_lookup"), pairs=(pair,), definition_digest=pair.source_digests()["sequential"])


def target_of(n_products: int) -> Target:
    """The slowed pair, by reference."""
    return Target(f"{__name__}:{SLOWED}{n_products}", pair_of(n_products).name)
