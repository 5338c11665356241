"""Functions that are right on purpose, each in a way of its own. The gate is no good if it stops one of them."""

from ..errors import BadInput
from ..finding import Finding
from . import comparison_table, grad_mode, text_batching
from .rewrite import Family

FAMILIES: tuple[Family, ...] = (text_batching.FAMILY, comparison_table.FAMILY, grad_mode.FAMILY)
"""Of the findings whose answers are rounded; where answers are exact, no rewrite can be rejected for rounding."""


def find_family(finding: Finding) -> Family:
    """The rewrites of a finding. Raises BadInput where it has none."""
    for family in FAMILIES:
        if family.finding.name == finding.name:
            return family
    names = ", ".join(family.finding.name for family in FAMILIES)
    raise BadInput(f"Finding {finding.name!r} has no rewrites to draw. Expected one of: {names}.")
