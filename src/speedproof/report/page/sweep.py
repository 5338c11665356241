"""Sweeps drawn: speed-ups over the size, with their intervals; below 1 the batched twin loses."""

from collections.abc import Sequence
from typing import Any

from speedproof.report.sweep import WORDS, Point, Sweep
from speedproof.timing.comparison import Comparison
from speedproof.wording import seconds

from .plot import Plot, error_bars, label, log_axis, role, span

LINES = (
    ("series-1", "circle"),
    ("series-2", "diamond"),
    ("series-3", "square"),
    ("series-4", "triangle-up"),
    ("series-5", "cross"),
    ("series-6", "star"),
)
"""Colour and symbol of each series; what is of another subject is dashed besides."""
SIZES = tuple(factor * 10**power for power in range(6) for factor in (1, 2, 5))


def size_plot(name: str, swept: Sequence[Sweep]) -> Plot | None:
    """One line for each series of one function and one kind of size; None where none has a figure."""
    drawn = [sweep for sweep in swept if sweep.timed]
    if not drawn:
        return None
    subjects = list(dict.fromkeys(sweep.series.workloads[0].subject for sweep in drawn))
    traces = []
    for number, sweep in enumerate(drawn):
        colour, symbol = LINES[number % len(LINES)]
        is_first = sweep.series.workloads[0].subject == subjects[0]
        traces.append(_line(sweep, colour, symbol, "solid" if is_first else "dash"))
    unit = drawn[0].series.unit
    timed = [(point, point.comparison) for sweep in drawn for point in sweep.timed if point.comparison]
    heights = [1.0, *(end for _, c in timed for end in (c.speedup, *c.interval))]
    across = [float(point.size) for point, _ in timed]
    layout = {
        "xaxis": log_axis(across, unit, SIZES, ""),
        "yaxis": log_axis(heights, "speed-up"),
        "shapes": _losing(heights),
        "showlegend": True,
        "margin": {"l": 8, "r": 16, "t": 30, "b": 40},
    }
    told = "; ".join(f"{sweep.series.title}: {sweep.crossover}" for sweep in drawn)
    title = f"{drawn[0].series.function}: speed-up by number of {unit}"
    return Plot(name, title, f"{told}.", tuple(traces), layout, 330 + 18 * len(drawn))


def _line(sweep: Sweep, colour: str, symbol: str, dash: str) -> dict[str, Any]:
    told = [(point, point.comparison) for point in sweep.timed if point.comparison]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": label(sweep.series.title),
        "x": [point.size for point, _ in told],
        "y": [c.speedup for _, c in told],
        "error_y": error_bars([span(c) for _, c in told], colour, 1.5),
        "line": {"color": role(colour), "width": 2, "dash": dash},
        "marker": {"symbol": symbol, "size": 8, "color": role(colour)},
        "text": [_words(sweep, point, c) for point, c in told],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _words(sweep: Sweep, point: Point, comparison: Comparison) -> str:
    took = f"{seconds(comparison.baseline_s)} sequential, {seconds(comparison.contender_s)} batched"
    where = f"{label(sweep.series.title)}: {point.size:,} {label(sweep.series.unit)}"
    return f"{where}<br><b>{comparison.words}</b>, {WORDS[point.outcome]}<br>{took}"


def _losing(heights: Sequence[float]) -> list[dict[str, Any]]:
    whole = {"xref": "paper", "x0": 0, "x1": 1, "layer": "below"}
    line = {**whole, "type": "line", "y0": 1, "y1": 1, "line": {"color": role("soft"), "width": 1.5}}
    if min(heights) >= 1:
        return [line]
    below = {**whole, "type": "rect", "y0": 1e-6, "y1": 1, "fillcolor": role("losing"), "line": {"width": 0}}
    return [below, line]
