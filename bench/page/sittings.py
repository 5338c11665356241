"""Sittings side by side: the A/A pairs of all, and what each measured of a finding."""

from collections.abc import Sequence
from typing import Any

from ..noise import NullPair
from ..past import EarlierFigure
from ..wording import speedup
from .plot import AXIS, Plot, error_bars, label, log_axis, role, span
from .sizes import LINES


def null_plot(name: str, nulls: Sequence[NullPair]) -> Plot | None:
    """Each sitting's A/A pair with its interval, oldest first; a cross is a sitting whose timings are void."""
    told = [null for null in nulls if null.comparison.interval[0]]
    if not told:
        return None
    comparisons = [null.comparison for null in told]
    trace = {
        **_marks([moment(null.written) for null in told], comparisons, "null"),
        "marker": {
            "size": 10,
            "color": role("null"),
            "symbol": ["x" if null.differs else "square" for null in told],
        },
        "text": [f"{label(null.sitting)}<br><b>{null.figures}</b>" for null in told],
    }
    heights = [1.0, *(end for c in comparisons for end in (c.speedup, *c.interval))]
    n_void = sum(null.differs for null in told)
    words = f"{len(told)} A/A pairs, {n_void} of them told apart; each must hold 1."
    return Plot(name, "A/A pairs of all sittings", words, (trace,), _layout(heights), 300)


def earlier_plot(name: str, figures: Sequence[EarlierFigure]) -> Plot | None:
    """A finding's speed-ups by sitting, a line a function; None where there is one sitting at most."""
    if len({one.sitting for one in figures}) < 2:
        return None
    traces = []
    for number, function in enumerate(dict.fromkeys(one.function for one in figures)):
        own = [one for one in figures if one.function == function]
        colour, symbol = LINES[number % len(LINES)]
        traces.append(
            {
                **_marks([moment(_began(one)) for one in own], [one.comparison for one in own], colour),
                "mode": "markers",
                "name": label(function),
                "marker": {"size": 10, "color": role(colour), "symbol": ["x" if o.is_void else symbol for o in own]},
                "text": [_words(one) for one in own],
            }
        )
    heights = [end for one in figures for end in (one.comparison.speedup, *one.comparison.interval)]
    told = "; ".join(f"{moment(_began(one))} {one.function} {speedup(one.comparison)}" for one in figures)
    layout = {**_layout(heights), "showlegend": len(traces) > 1}
    return Plot(name, "The same figures in other sittings", f"{told}.", tuple(traces), layout, 320)


def moment(written: str) -> str:
    """A time of recording to the minute, as a label: the order counts, not the distance."""
    return label(written[:16].replace("T", " "))


def _began(one: EarlierFigure) -> str:
    return one.sitting if one.sitting[:4].isdigit() else one.written


def _words(one: EarlierFigure) -> str:
    void = "<br>void: the A/A pair differs" if one.is_void else ""
    return f"{label(one.function)}, commit {label(one.commit[:12])}<br><b>{speedup(one.comparison)}</b>{void}"


def _marks(x: list[str], comparisons: Sequence[Any], colour: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": x,
        "y": [c.speedup for c in comparisons],
        "error_y": error_bars(map(span, comparisons), colour),
        "hovertemplate": "%{text}<extra></extra>",
    }


def _layout(heights: Sequence[float]) -> dict[str, Any]:
    whole = {"xref": "paper", "x0": 0, "x1": 1, "layer": "below"}
    line = {**whole, "type": "line", "y0": 1, "y1": 1, "line": {"color": role("soft"), "width": 1.5}}
    across = {**AXIS, "type": "category", "title": {"text": ""}}
    return {"xaxis": across, "yaxis": log_axis(heights, "speed-up"), "shapes": [line] if min(heights) <= 1.1 else []}
