"""A grid of sides drawn: a row a twin, a column a side, and a word in every cell, so that no colour stands alone."""

from typing import get_args

from speedproof.report.sides import CHANGES, Change, Grid, change
from speedproof.sides.outcome import Outcome

from .plot import AXIS, CELL, Plot, label, role

ORDER: tuple[Change, ...] = get_args(Change)
SHORT: dict[Change, str] = {
    "same": "same",
    "rounding": "rounding",
    "work": "work",
    "faster": "faster",
    "slower": "SLOWER",
    "answers": "ANSWERS",
    "unsupported": "none",
}


def matrix_plot(name: str, grid: Grid) -> Plot:
    """One cell for each twin and side, by the worst that its outcome tells."""
    abouts = list(reversed(grid.abouts))
    cells = [[column.found.get(about) for column in grid.columns] for about in abouts]
    changes = [[change(one) if one else None for one in row] for row in cells]
    step = 1 / len(ORDER)
    scale = [
        [bound, role(f"change-{one}")] for n, one in enumerate(ORDER) for bound in (n * step, min(1.0, (n + 1) * step))
    ]
    trace = {
        "type": "heatmap",
        "x": [label(column.side.text).replace("+", "<br>+") for column in grid.columns],
        "y": [f"{label(function)}, {twin}" for function, twin in abouts],
        "z": [[ORDER.index(one) if one else None for one in row] for row in changes],
        "zmin": -0.5,
        "zmax": len(ORDER) - 0.5,
        "colorscale": scale,
        "showscale": False,
        "xgap": 3,
        "ygap": 3,
        "text": [[_short(one) if one else "" for one in row] for row in cells],
        "texttemplate": "%{text}",
        "textfont": {"size": 12, "color": role("cell-ink")},
        "customdata": [[_words(one) if one else "not compared" for one in row] for row in cells],
        "hovertemplate": "%{y}<br>%{x}<br><b>%{customdata}</b><extra></extra>",
        "hoverongaps": False,
    }
    axis = {**AXIS, "showgrid": False, "fixedrange": True, "ticks": ""}
    layout = {
        "xaxis": {**axis, "side": "top", "type": "category", "tickangle": 0},
        "yaxis": {**axis, "type": "category"},
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
    }
    counts = {one: sum(row.count(one) for row in changes) for one in ORDER}
    told = ", ".join(f"{CHANGES[one]}: {n}" for one, n in counts.items() if n)
    return Plot(name, "What differs", f"{told}.", (trace,), layout, CELL * len(abouts) + 70)


def _short(one: Outcome) -> str:
    found = change(one)
    if found in ("faster", "slower") and one.slowdown:
        return f"{SHORT[found]} {one.slowdown.factor:.2f}x"
    return SHORT[found]


def _words(one: Outcome) -> str:
    parts = [one.answers]
    if one.body.answers is not None:
        parts += ["; ".join(one.work) or "same work", one.time_told]
    return "<br>".join(label(part[:160]) for part in parts)
