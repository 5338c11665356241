"""The six findings, in the report's order."""

from speedproof.pairs.finding import Finding, named
from speedproof.pairs.references import resolve

NAMES = (
    "text_batching",
    "comparison_table",
    "category_lookup",
    "feature_links",
    "sae_cache",
    "grad_mode",
)
"""Each names the module that holds its card, here."""
if len(set(NAMES)) != len(NAMES):
    raise ValueError(f"Two findings with one name: {NAMES}")

FINDINGS: tuple[Finding, ...] = tuple(resolve(f"{__name__}.{name}:FINDING") for name in NAMES)


def find(name: str) -> Finding:
    """The one of the six of that name or number. Raises BadInput."""
    return named(FINDINGS, name)
