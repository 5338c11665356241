"""Icicles: two arms' operators as nested bars, as wide as the time spent in them."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from .operators import Difference
from .traced import Node, Traced
from .wording import seconds

if TYPE_CHECKING:
    import plotly.graph_objects as go

BETWEEN = "between operators"
"""The bar of what no operator took."""


def icicle(difference: Difference) -> "go.Figure":
    """Both arms' call trees side by side, baseline on the left, each as wide as its own time.

    The widths of one arm are shares of that arm's call; the hover text has the microseconds.
    """
    # Plotly takes a while to import, and most of what the command line does draws nothing.
    import plotly.graph_objects as go

    sides = (difference.baseline, difference.contender)
    figure = go.Figure(
        [
            go.Icicle(
                **columns(traced),
                branchvalues="total",
                name=traced.arm,
                domain={"x": [side / 2 + 0.01 * side, (side + 1) / 2 - 0.01 * (1 - side)]},
                hovertemplate="%{label}<br>%{customdata}<extra></extra>",
            )
            for side, traced in enumerate(sides)
        ]
    )
    title = f"{difference.baseline.function}: operators of one call on {difference.baseline.n_items} items"
    figure.update_layout(title=title, margin={"l": 8, "r": 8, "t": 48, "b": 8})
    return figure


def columns(traced: Traced) -> dict[str, list[Any]]:
    """The call tree as plotly has it: ids, labels, parents, values in microseconds, and words for each bar.

    A parent's value is at least the sum of its children's.
    """
    top = traced.arm
    held = sum(map(_width, traced.tree))
    whole = max(traced.total_us, held)
    rows = [(top, top, "", whole, _words(traced.n_calls, whole)), *_rows(traced.tree, top)]
    if whole > held:
        rows.append((f"{top}/{BETWEEN}", BETWEEN, top, whole - held, _words(traced.n_calls, whole - held)))
    names = ("ids", "labels", "parents", "values", "customdata")
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def _rows(nodes: Iterable[Node], parent: str) -> Iterator[tuple[str, str, str, float, str]]:
    for node in nodes:
        place = f"{parent}/{node.name}"
        yield place, node.name, parent, _width(node), _words(node.count, node.total_us)
        yield from _rows(node.inside, place)


def _width(node: Node) -> float:
    """Microseconds. Recorded times are rounded, and plotly draws nothing where a bar is narrower than what is in it."""
    return max(node.total_us, sum(map(_width, node.inside)))


def _words(count: int, us: float) -> str:
    return f"{count:,} calls, {seconds(us / 1e6)}"
