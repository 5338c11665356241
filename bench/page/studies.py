"""Studies of the harness drawn: which slowdowns each tool notices, and which planted changes are told."""

from collections.abc import Sequence
from typing import Any

from ..bodies import Powered
from ..power.summary import clopper_pearson
from ..regression.detection import Detection
from .plot import AXIS, Plot, error_bars, label, role, rows_height, rows_layout
from .sizes import LINES

PERCENT = {"range": [-0.04, 1.04], "tickformat": ".0%", "nticks": 6}


def power_plots(name: str, bodies: Sequence[Powered]) -> list[Plot]:
    """One plot for each condition of the machine: the share of trials in which a tool called the call slower."""
    plots = []
    for loaded in sorted({body.loaded for body in bodies}):
        words = "with the other cores kept busy" if loaded else "on a quiet machine"
        own = [body for body in bodies if body.loaded is loaded]
        plots.append(_power_plot(f"{name}-{'loaded' if loaded else 'quiet'}", words, own))
    return plots


def _power_plot(name: str, words: str, bodies: Sequence[Powered]) -> Plot:
    rules = list(dict.fromkeys((body.tool, rule) for body in bodies for rule in body.alarms))
    injected = sorted({body.injected for body in bodies})
    traces = []
    for number, (tool, rule) in enumerate(rules):
        colour, symbol = LINES[number % len(LINES)]
        dash = "solid" if number < len(LINES) else "dash"
        traces.append(_rates(tool, rule, bodies, injected, (colour, symbol, dash), (number - len(rules) / 2) * 0.05))
    layout = {
        "xaxis": {
            **AXIS,
            "tickvals": list(range(len(injected))),
            "ticktext": [f"{share:.0%} slower" if share else "identical" for share in injected],
        },
        "yaxis": {**AXIS, **PERCENT, "title": {"text": "called slower", "font": {"size": 12, "color": role("soft")}}},
        "showlegend": True,
        "margin": {"l": 8, "r": 16, "t": 30, "b": 40},
    }
    told = f"{len(bodies)} trials of {len(rules)} rules {words}; the shares stand in the table."
    title = f"Slowdowns noticed, {words}"
    return Plot(name, title, told, tuple(traces), layout, 340 + 20 * len(rules))


def _rates(
    tool: str, rule: str, bodies: Sequence[Powered], injected: Sequence[float], look: tuple[str, str, str], shift: float
) -> dict[str, Any]:
    colour, symbol, dash = look
    x, spans, text = [], [], []
    for place, share in enumerate(injected):
        said = [
            body.alarms[rule] for body in bodies if body.tool == tool and body.injected == share and rule in body.alarms
        ]
        if said:
            rate = sum(said) / len(said)
            low, high = clopper_pearson(sum(said), len(said))
            x.append(place + shift)
            spans.append((low, rate, high))
            words = f"{sum(said)} of {len(said)} trials [{low:.0%}, {high:.0%}]"
            text.append(f"{label(tool)}, {label(rule)}, {share:.0%} slower<br><b>{words}</b>")
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": f"{label(tool)}: {label(rule)}",
        "x": x,
        "y": [rate for _, rate, _ in spans],
        "error_y": error_bars(spans, colour),
        "line": {"color": role(colour), "dash": dash, "width": 1.5},
        "marker": {"symbol": symbol, "size": 9, "color": role(colour)},
        "text": text,
        "hovertemplate": "%{text}<extra></extra>",
    }


def detection_plot(name: str, found: Sequence[Detection]) -> Plot | None:
    """The share of planted changes that were told, with exact intervals; of identical copies it must be none."""
    if not found:
        return None
    labels = [f"{label(one.plant)}  <b>{one.n_found} of {one.n_trials}</b>" for one in found]
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": [one.share for one in found],
        "y": [-number for number in range(len(found))],
        "error_x": error_bars([(one.low, one.share, one.high) for one in found], "batched", 3),
        "marker": {"size": 11, "color": role("batched")},
        "text": [f"{label(o.plant)}<br><b>{o.share:.0%} [{o.low:.0%}, {o.high:.0%}]</b>" for o in found],
        "hovertemplate": "%{text}<extra></extra>",
    }
    axis = {**AXIS, **PERCENT, "title": {"text": "told, 95% interval", "font": {"size": 12, "color": role("soft")}}}
    told = "; ".join(f"{one.plant}: {one.n_found} of {one.n_trials}" for one in found)
    layout = rows_layout(labels, axis)
    return Plot(name, "Planted changes that were told", f"{told}.", (trace,), layout, rows_height(len(found)))
