"""The six findings, in the report's order."""

from ..finding import Finding, named
from . import category_lookup, comparison_table, feature_links, grad_mode, sae_cache, text_batching

FINDINGS: tuple[Finding, ...] = (
    text_batching.FINDING,
    comparison_table.FINDING,
    category_lookup.FINDING,
    feature_links.FINDING,
    sae_cache.FINDING,
    grad_mode.FINDING,
)
if len({finding.name for finding in FINDINGS}) != len(FINDINGS):
    raise ValueError(f"Two findings with one name: {[finding.name for finding in FINDINGS]}")


def find(name: str) -> Finding:
    """The one of the six of that name or number. Raises BadInput."""
    return named(FINDINGS, name)
