"""Sizes that the findings are swept over, and what all of their sweeps are made of."""

from collections.abc import Sequence

from speedproof.pairs.series import PREFIX, Series
from speedproof.pairs.workload import N_CATEGORIES, Form, Workload

SMALL, LARGE = "tiny", "gpt2-small-shape"
TEXTS = (1, 2, 4, 8, 16, 35, 70, 140, 350, 700)
"""Texts run to 700 on the small subject; on the large one a second per text and check holds them to where the twins may
cross."""


def point(n: int, form: Form, subject: str, n_categories: int = N_CATEGORIES) -> Workload:
    """One size of a sweep."""
    among = f"-k{n_categories}" if n_categories != N_CATEGORIES else ""
    return Workload(f"{PREFIX}n{n}-{form}{among}", subject, n, form, n_categories=n_categories)


def of_texts(finding: str, function: str, form: Form, subject: str, sizes: Sequence[int]) -> Series:
    """A sweep over the number of texts."""
    workloads = tuple(point(n, form, subject) for n in sizes)
    return Series(finding, function, "texts", f"{form} texts", workloads)
