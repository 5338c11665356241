"""Rooflines drawn: what the machine can do, and what each twin makes of it."""

from collections.abc import Sequence
from typing import Any

from speedproof.machine.roofline import Machine
from speedproof.pairs.finding import TWINS
from speedproof.report.roofline import share_words
from speedproof.report.row import Row
from speedproof.wording import digits, seconds

from .plot import Plot, label, log_axis, role

ROUND = tuple(factor * 10.0**power for power in range(-3, 16) for factor in (1, 2, 5))
SYMBOLS = ("circle-open", "circle")


def roof_plot(name: str, rows: Sequence[Row]) -> Plot | None:
    """Useful FLOP/s over FLOPs per byte of the least work, below the machine's roof; None where no row has a floor."""
    floored = [row for row in rows if row.roofline]
    if not floored:
        return None
    first = floored[0].roofline
    assert first is not None
    machine = first.machine
    traces: list[dict[str, Any]] = []
    across, heights = [machine.flops_per_s / machine.bytes_per_s], [machine.flops_per_s]
    for side, twin in enumerate(TWINS):
        x, y, text = [], [], []
        for row in floored:
            roof = row.roofline
            assert roof is not None
            took_s = (roof.definition_s, roof.fastest_s)[side]
            x.append(roof.work.flops / roof.work.weight_bytes)
            y.append(roof.work.flops / took_s)
            share = f"{digits(100 * roof.shares[side])}% of the machine's limit"
            text.append(f"{label(row.pair.name)}, {twin}<br><b>{seconds(took_s)}</b>, {share}")
        across, heights = [*across, *x], [*heights, *y]
        marker = {"size": 11, "symbol": SYMBOLS[side], "color": role(twin), "line": {"width": 2, "color": role(twin)}}
        shown = {"x": x, "y": y, "text": text, "marker": marker, "name": twin}
        traces.append({"type": "scatter", "mode": "markers", "hovertemplate": "%{text}<extra></extra>", **shown})
    layout = {
        "xaxis": {**log_axis(across, "FLOPs per byte of weights that the answer needs", ROUND, "")},
        "yaxis": _rates(heights),
        "showlegend": True,
        "margin": {"l": 8, "r": 16, "t": 30, "b": 40},
    }
    told = "; ".join(_words(row) for row in floored)
    return Plot(name, "How far from the machine's limit", f"{told}.", (_roof(machine, across), *traces), layout, 330)


def _roof(machine: Machine, across: Sequence[float]) -> dict[str, Any]:
    ridge = machine.flops_per_s / machine.bytes_per_s
    x = sorted({min(across) / 4, ridge, max(across) * 4})
    y = [min(machine.flops_per_s, machine.bytes_per_s * at) for at in x]
    text = [f"the machine's limit: {digits(value / 1e9)} GFLOP/s" for value in y]
    line = {"color": role("soft"), "width": 3}
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "the machine's limit",
        "x": x,
        "y": y,
        "line": line,
        "text": text,
        "hovertemplate": "%{text}<extra></extra>",
    }


def _rates(heights: Sequence[float]) -> dict[str, Any]:
    axis = log_axis(heights, "useful GFLOP/s", ROUND, "")
    axis["ticktext"] = [f"{tick / 1e9:,g}" for tick in axis["tickvals"]]
    return axis


def _words(row: Row) -> str:
    roof = row.roofline
    assert roof is not None
    before, after = (share_words(roof, side) for side in (0, 1))
    return f"{row.pair.name}: sequential {before}, batched {after} of the limit, ceiling {digits(roof.ceiling)}x"
