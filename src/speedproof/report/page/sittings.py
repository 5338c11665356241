"""Sittings side by side: the A/A pairs of all, and what each measured of a finding."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from speedproof.records.record import Record
from speedproof.report.figure import Figure
from speedproof.report.sittings import NullPair
from speedproof.timing.comparison import Comparison

from .plot import AXIS, Plot, error_bars, label, log_axis, role, span
from .sweep import LINES


def null_plot(name: str, nulls: Sequence[NullPair]) -> Plot | None:
    """Each sitting's A/A pair with its interval, oldest first; a cross is a sitting whose timings are void."""
    told = [null for null in nulls if null.comparison.interval[0]]
    if not told:
        return None
    comparisons = [null.comparison for null in told]
    trace = {
        **_marks([moment(null.record.written) for null in told], comparisons, "null"),
        "marker": {
            "size": 10,
            "color": role("null"),
            "symbol": ["x" if null.differs else "square" for null in told],
        },
        "text": [f"{label(null.record.sitting)}<br><b>{null.figures}</b>" for null in told],
    }
    heights = [1.0, *(end for c in comparisons for end in (c.speedup, *c.interval))]
    n_void = sum(null.differs for null in told)
    words = f"{len(told)} A/A pairs, {n_void} of them told apart; each must hold 1."
    return Plot(name, "A/A pairs of all sittings", words, (trace,), _layout(heights), 300)


def earlier_plot(name: str, figures: Sequence[Figure]) -> Plot | None:
    """A finding's speed-ups by sitting, a line a function; None where there is one sitting at most."""
    shown = [Shown(one, one.record, one.comparison) for one in figures if one.record and one.comparison]
    if len({one.record.sitting for one in shown}) < 2:
        return None
    traces = []
    for number, function in enumerate(dict.fromkeys(one.function for one in shown)):
        own = [one for one in shown if one.function == function]
        colour, symbol = LINES[number % len(LINES)]
        symbols = ["x" if one.figure.is_void else symbol for one in own]
        traces.append(
            {
                **_marks([one.began for one in own], [one.comparison for one in own], colour),
                "mode": "markers",
                "name": label(function),
                "marker": {"size": 10, "color": role(colour), "symbol": symbols},
                "text": [_words(one) for one in own],
            }
        )
    heights = [end for one in shown for end in (one.comparison.speedup, *one.comparison.interval)]
    told = "; ".join(f"{one.began} {one.function} {one.comparison.words}" for one in shown)
    layout = {**_layout(heights), "showlegend": len(traces) > 1}
    return Plot(name, "The same figures in other sittings", f"{told}.", tuple(traces), layout, 320)


class Shown(NamedTuple):
    """A figure of one of the sittings, with what it was made of."""

    figure: Figure
    record: Record
    comparison: Comparison

    @property
    def function(self) -> str:
        """The function's name."""
        return self.figure.about.function

    @property
    def began(self) -> str:
        """When the sitting began, as a label."""
        return moment(self.record.sitting if self.record.sitting[:4].isdigit() else self.record.written)


def moment(written: str) -> str:
    """A time of recording to the minute, as a label: the order counts, not the distance."""
    return label(written[:16].replace("T", " "))


def _words(one: Shown) -> str:
    void = "<br>void: the A/A pair differs" if one.figure.is_void else ""
    commit = label(one.record.environment.commit[:12])
    return f"{label(one.function)}, commit {commit}<br><b>{one.comparison.words}</b>{void}"


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
