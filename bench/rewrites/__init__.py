"""Functions that are right on purpose, each in a way of its own. The gate is no good if it stops one of them."""

from speedproof.errors import BadInput
from speedproof.pairs.references import resolve

from .rewrite import Family

REWRITTEN = ("text_batching", "comparison_table", "grad_mode")
"""The findings whose answers are rounded; where answers are exact, no rewrite can be rejected for rounding."""


def require_rewritten(finding: str) -> None:
    """Raises BadInput where a finding has no rewrites."""
    if finding not in REWRITTEN:
        names = ", ".join(REWRITTEN)
        raise BadInput(f"Finding {finding!r} has no rewrites to draw. Expected one of: {names}.")


def find_family(finding: str) -> Family:
    """The rewrites of a finding, which need torch. Raises BadInput where it has none."""
    require_rewritten(finding)
    family: Family = resolve(f"{__name__}.{finding}:FAMILY")
    return family
