"""Icicles: operators as nested bars, as wide as the time spent in them, both arms of a difference side by side."""

from collections.abc import Iterable, Iterator
from typing import Any

from speedproof.records.trace import Node, Traced
from speedproof.report.operators import Difference
from speedproof.wording import seconds, some

from .plot import Plot, label, role

BETWEEN = "between operators"
"""The bar of what no operator took."""
QUIET = "line"
"""Colour of what is no operator."""
INK = (role("ground"), role("ink"))
"""Text on a series' colour, and on the quiet one."""
N_SERIES = 6
"""Colours that the page has for series."""
HEIGHT = 380
"""Pixels: enough for the levels that hold most of the time."""


def icicle_plot(difference: Difference) -> Plot:
    """Both arms' call trees, the baseline on the left, each bar as wide as its share of its own arm's call."""
    sides = (difference.baseline, difference.contender)
    rows = [columns(traced) for traced in sides]
    colours = _colours([name for side in rows for name in side["labels"]], {traced.arm for traced in sides})
    traces = tuple(
        {
            "type": "icicle",
            **rows[side],
            "marker": {"colors": [colours[name] for name in rows[side]["labels"]], "line": {"width": 1}},
            "textfont": {"size": 12, "color": [INK[colours[name]["role"] == QUIET] for name in rows[side]["labels"]]},
            "branchvalues": "total",
            "name": traced.arm,
            "domain": {"x": [side / 2 + 0.01 * side, (side + 1) / 2 - 0.01 * (1 - side)]},
            "hovertemplate": "%{label}<br>%{customdata}<extra></extra>",
            "tiling": {"orientation": "v"},
            "sort": False,
        }
        for side, traced in enumerate(sides)
    )
    about = difference.baseline
    name = f"operators-{about.function}-{about.arm}-{difference.contender.arm}"
    title = (
        f"Operators of one call on {some(about.n_items, 'item')}: {about.arm} on the left, {difference.contender.arm}"
    )
    layout = {"margin": {"l": 0, "r": 0, "t": 8, "b": 8}}
    return Plot(name, title, f"{difference.words}.".replace("..", "."), traces, layout, HEIGHT)


def _colours(names: Iterable[str], arms: set[str]) -> dict[str, dict[str, str]]:
    """One colour for an operator, whichever arm it is in; the first ones to come have colours of their own."""
    own = [name for name in dict.fromkeys(names) if name not in (*arms, BETWEEN)]
    colours = {name: role(f"series-{n % N_SERIES + 1}") for n, name in enumerate(own)}
    return colours | {name: role(QUIET) for name in (*arms, BETWEEN)}


def columns(traced: Traced) -> dict[str, list[Any]]:
    """The call tree as Plotly has it: ids, labels, parents, values in microseconds, and words for each bar.

    A parent's value is at least the sum of its children's.
    """
    top = traced.arm
    held = sum(map(_width, traced.tree))
    whole = max(traced.total_us, held)
    rows = [(top, label(top), "", whole, _words(traced.n_calls, whole)), *_rows(traced.tree, top)]
    if whole > held:
        rows.append((f"{top}/{BETWEEN}", BETWEEN, top, whole - held, _words(traced.n_calls, whole - held)))
    names = ("ids", "labels", "parents", "values", "customdata")
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def _rows(nodes: Iterable[Node], parent: str) -> Iterator[tuple[str, str, str, float, str]]:
    for node in nodes:
        place = f"{parent}/{node.name}"
        yield place, label(node.name), parent, _width(node), _words(node.count, node.total_us)
        yield from _rows(node.inside, place)


def _width(node: Node) -> float:
    """Microseconds. Recorded times are rounded, and Plotly draws nothing where a bar is narrower than what is in it."""
    return max(node.total_us, sum(map(_width, node.inside)))


def _words(count: int, us: float) -> str:
    return f"{some(count, 'call')}, {seconds(us / 1e6)}"
