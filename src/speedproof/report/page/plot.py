"""Plots: what the page's script hands to Plotly, with the same in words for whoever does not see it."""

import html
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from speedproof.timing.comparison import Comparison

ROW = 46
"""Height of a row in pixels: its label, and below it its mark."""
CELL = 34
"""Height of a grid's cell in pixels."""
EDGE = 1.18
"""Factor by which an axis goes on beyond the outermost mark."""
SPEEDUPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
FEWEST_TICKS, MOST_TICKS = 3, 6
STEPS = (1, 2, 5, 10)
"""What the distance of ticks begins with where the axis is too short for the round figures."""


@dataclass(frozen=True)
class Plot:
    """Traces and layout in Plotly's terms. Colours are roles, `{"role": name}`, which the page's script fills in."""

    name: str
    title: str
    told: str
    """What the plot shows, in a sentence."""
    traces: tuple[Mapping[str, Any], ...]
    layout: Mapping[str, Any]
    height: int
    """Pixels."""

    @property
    def json(self) -> str:
        """Traces and layout as JSON that no text in it can break out of."""
        text = json.dumps({"data": self.traces, "layout": {**BASE, **self.layout, "height": self.height}})
        return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def role(name: str) -> dict[str, str]:
    """A colour by what it stands for; its value hangs on whether the page is light or dark."""
    return {"role": name}


BASE: Mapping[str, Any] = {
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "font": {"family": "system-ui, -apple-system, Segoe UI, Roboto, sans-serif", "size": 13, "color": role("ink")},
    "hoverlabel": {"bgcolor": role("ground"), "bordercolor": role("soft"), "font": {"color": role("ink")}},
    "margin": {"l": 8, "r": 16, "t": 8, "b": 40},
    "hovermode": "closest",
    "dragmode": False,
    "showlegend": False,
    "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12}},
}
AXIS: Mapping[str, Any] = {
    "gridcolor": role("line"),
    "linecolor": role("line"),
    "zeroline": False,
    "automargin": True,
    "tickangle": 0,
    "tickfont": {"size": 12, "color": role("soft")},
}


def label(text: str) -> str:
    """Text that Plotly shows as it is: it would take some markup in labels for its own."""
    return html.escape(text, quote=False)


def log_axis(
    values: Iterable[float], title: str = "", ticks: Sequence[float] = (), suffix: str = "x"
) -> dict[str, Any]:
    """A logarithmic axis that holds all values, with few round ticks. Speed-ups' unless ticks are given."""
    low, high = ends(values)
    shown = round_ticks(low, high, ticks or SPEEDUPS)
    return {
        **AXIS,
        "type": "log",
        "range": [math.log10(low), math.log10(high)],
        "tickvals": shown,
        "ticktext": [f"{tick:,g}{suffix}" for tick in shown],
        "title": {"text": title, "font": {"size": 12, "color": role("soft")}},
    }


def round_ticks(low: float, high: float, chosen: Sequence[float]) -> list[float]:
    """Those of the chosen figures that lie between, thinned out; or even steps where hardly any do."""
    shown = [tick for tick in chosen if low <= tick <= high]
    if len(shown) < FEWEST_TICKS:
        rough = (high - low) / FEWEST_TICKS
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(factor * power for factor in reversed(STEPS) if factor * power <= rough)
        first, last = math.ceil(low / step), math.floor(high / step)
        shown = [float(f"{n * step:.6g}") for n in range(first, last + 1)]
    every = max(1, math.ceil(len(shown) / MOST_TICKS))
    # 1 is no change: it stays, and the others are counted from it.
    first_shown = shown.index(1) % every if 1 in shown else 0
    return shown[first_shown::every]


def ends(values: Iterable[float]) -> tuple[float, float]:
    """The ends of an axis that holds all positive, finite values."""
    held = [value for value in values if value > 0 and math.isfinite(value)] or [1.0]
    low, high = min(held), max(held)
    edge = max((high / low) ** 0.06, EDGE if high / low > 2 else 1.02)
    return low / edge, high * edge


def rows_layout(labels: Sequence[str], axis: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Rows from the top down, each with its label above its mark, so that no label takes width from the marks."""
    above = [
        {
            "text": text,
            "xref": "paper",
            "x": 0,
            "xanchor": "left",
            "y": -n,
            "yshift": 18,
            "showarrow": False,
            "bgcolor": role("ground"),
            "borderpad": 1,
        }
        for n, text in enumerate(labels)
    ]
    rows = {"visible": False, "range": [0.4 - len(labels), 0.8], "fixedrange": True}
    more.setdefault("annotations", [])
    return {**more, "xaxis": dict(axis), "yaxis": rows, "annotations": [*above, *more["annotations"]]}


def rows_height(n_rows: int) -> int:
    """Pixels of a plot of so many rows."""
    return ROW * n_rows + 62


def error_bars(spans: Iterable[tuple[float, float, float]], colour: str, thickness: float = 2) -> dict[str, Any]:
    """Intervals as bars, from the low end, the value and the high end of each; none where an interval has no end."""
    reaches = [(value - low, high - value) if math.isfinite(high) else (0.0, 0.0) for low, value, high in spans]
    return {
        "type": "data",
        "symmetric": False,
        "array": [above for _, above in reaches],
        "arrayminus": [below for below, _ in reaches],
        "color": role(colour),
        "thickness": thickness,
        "width": 6,
    }


def span(comparison: Comparison) -> tuple[float, float, float]:
    """A speed-up between the ends of its interval."""
    low, high = comparison.interval
    return low, comparison.speedup, high


def level(x: float, kind: str = "line") -> dict[str, Any]:
    """A vertical line over the whole height."""
    style = {"color": role("soft"), "width": 1.5, "dash": "dot" if kind == "dots" else "solid"}
    return {"type": "line", "x0": x, "x1": x, "yref": "paper", "y0": 0, "y1": 1, "line": style, "layer": "below"}
