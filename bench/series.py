"""Series: the workloads of a sweep, plain data, one axis each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from .errors import BadInput
from .finding import Finding
from .workload import N_CATEGORIES, Form, Workload

SMALL, LARGE = "tiny", "gpt2-small-shape"
PREFIX = "sweep-"
"""Beginning of the names of workloads that are points of a series."""

Axis = Literal["n_items", "n_categories"]
"""What of a workload grows along a series."""


@dataclass(frozen=True)
class Series:
    """One function on workloads that differ in size alone, smallest first.

    Generated texts are drawn so that a smaller workload's are the first of a larger one's.
    """

    finding: str
    function: str
    unit: str
    """What the size counts: texts, files or categories."""
    workloads: tuple[Workload, ...]
    growth: float = 1.0
    """Power of the size with which the definition's time grows at worst: guesses whether the next call is too long."""
    axis: Axis = "n_items"
    note: str = ""
    """What a reader of its figures must know."""

    def size(self, workload: Workload) -> int:
        """The workload's place on the axis."""
        return int(getattr(workload, self.axis))

    @property
    def title(self) -> str:
        """What all its points share."""
        first = self.workloads[0]
        kind = {"hit": "file there", "miss": "file absent"}.get(first.form, f"{first.form} texts")
        if self.axis == "n_categories":
            kind = f"{first.n_items:,} {kind}"
        elif self.finding == "category_lookup":
            kind = f"{kind}, {first.n_categories:,} categories"
        return f"{kind}, {first.subject}"


TEXTS = (1, 2, 4, 8, 16, 35, 70, 140, 350, 700)
FILES = (10, 30, 100, 300, 1_000, 3_000, 10_000)
LOOKED_UP = (70, 200, 700, 1_200, 2_000, 4_000, 7_000, 20_000)
COARSE = (70, 200, 700, 2_000, 7_000, 20_000)
CATEGORIES = (7, 30, 100, 300, 1_000)


def _point(n: int, form: Form, subject: str, n_categories: int = N_CATEGORIES) -> Workload:
    among = f"-k{n_categories}" if n_categories != N_CATEGORIES else ""
    return Workload(f"{PREFIX}n{n}-{form}{among}", subject, n, form, n_categories=n_categories)


def _texts(finding: str, function: str, form: Form, subject: str, sizes: Sequence[int]) -> Series:
    return Series(finding, function, "texts", tuple(_point(n, form, subject) for n in sizes))


def _lookup(n_categories: int, sizes: Sequence[int]) -> Series:
    points = tuple(_point(n, "equal", SMALL, n_categories) for n in sizes if n >= n_categories)
    return Series("category_lookup", "analyze_specialists", "texts", points, growth=2)


def _cache(form: Form) -> Series:
    points = tuple(_point(n, form, SMALL) for n in FILES)
    note = (
        "The definition's walk ends at the file, whose place in the walk is the file system's choice"
        if form == "hit"
        else ""
    )
    return Series("sae_cache", "check_sae_cached", "files", points, note=note)


_EXTRACT = ("text_batching", "extract_features")
_TABLE = ("comparison_table", "comparison_table")
_COLLECT = ("grad_mode", "collect_activations")
SERIES: tuple[Series, ...] = (
    _texts(*_EXTRACT, "equal", SMALL, TEXTS),
    _texts(*_EXTRACT, "ragged", SMALL, TEXTS),
    _texts(*_EXTRACT, "long", SMALL, TEXTS),
    _texts(*_EXTRACT, "equal", LARGE, TEXTS[:5]),
    _texts(*_EXTRACT, "ragged", LARGE, TEXTS[:6]),
    _texts(*_EXTRACT, "long", LARGE, TEXTS[:4]),
    _texts(*_TABLE, "equal", SMALL, TEXTS),
    _texts(*_TABLE, "ragged", SMALL, TEXTS),
    _texts(*_TABLE, "long", SMALL, TEXTS),
    _texts(*_TABLE, "equal", LARGE, TEXTS[:4]),
    _texts(*_TABLE, "ragged", LARGE, TEXTS[:4]),
    _texts(*_TABLE, "long", LARGE, TEXTS[:2]),
    _lookup(N_CATEGORIES, LOOKED_UP),
    _lookup(70, COARSE),
    _lookup(1_000, COARSE),
    Series(
        "category_lookup",
        "analyze_specialists",
        "categories",
        tuple(_point(2_000, "equal", SMALL, k) for k in CATEGORIES),
        axis="n_categories",
    ),
    _cache("hit"),
    _cache("miss"),
    _texts(*_COLLECT, "ragged", SMALL, TEXTS[:7]),
    _texts(*_COLLECT, "ragged", LARGE, TEXTS[:4]),
)
"""Every sweep, in reading order. Texts run to 700 on the small subject; on the large one a second per text and check
holds them to where the twins may cross."""


def series_of(findings: Sequence[Finding], subject: str | None = None, largest: int | None = None) -> list[Series]:
    """The findings' series. A subject given replaces the series' own; sizes above `largest` are left out.

    Raises:
        BadInput: none of the findings has a series, or no size is left.
    """
    names = [finding.name for finding in findings]
    chosen = [series for series in SERIES if series.finding in names]
    if not chosen:
        swept = dict.fromkeys(series.finding for series in SERIES)
        raise BadInput(f"{', '.join(names)} has no sweep. Expected one of: {', '.join(swept)}.")
    if subject:
        # On another subject the small one's sizes are meant, unless the subject is the large one.
        own = LARGE if subject.split(":")[0] == LARGE else SMALL
        of_model = {s.finding for s in chosen if s.workloads[0].subject == own}
        chosen = [_on(s, subject) for s in chosen if s.workloads[0].subject == own or s.finding not in of_model]
    if largest is not None:
        kept = [(s, tuple(w for w in s.workloads if s.size(w) <= largest)) for s in chosen]
        chosen = [replace(s, workloads=workloads) for s, workloads in kept if workloads]
    if not chosen:
        raise BadInput(
            f"--largest {largest} leaves no size. Expected {TEXTS[0]} or more for texts, {FILES[0]} for files."
        )
    return chosen


def _on(series: Series, subject: str) -> Series:
    return replace(series, workloads=tuple(replace(w, subject=subject) for w in series.workloads))
