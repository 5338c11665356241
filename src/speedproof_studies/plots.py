"""Studies of the harness drawn: which slowdowns each tool notices, and which planted changes are told."""

from collections.abc import Sequence
from typing import Any

from speedproof.report.page.plot import AXIS, CELL, Plot, error_bars, label, role, rows_height, rows_layout

from .kinds import Powered
from .planted.rates import Detection
from .power.rates import alarms
from .proportion import clopper_pearson

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
    """A row a tool and rule, a column a slowdown. On identical code, where an alarm is false, in another colour."""
    rules = list(reversed(dict.fromkeys((body.tool, rule) for body in bodies for rule in body.alarms)))
    injected = sorted({body.injected for body in bodies})
    axis = {**AXIS, "showgrid": False, "fixedrange": True, "ticks": "", "type": "category"}
    layout = {
        "xaxis": {**axis, "side": "top", "tickangle": 0},
        "yaxis": axis,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
    }
    told = f"{len(bodies)} trials of {len(rules)} rules {words}; the shares stand in the table."
    # Each has all columns, since Plotly puts the words of a heatmap by their number and not by their column's name.
    traces = tuple(
        _cells(rules, bodies, injected, slowed, kind) for slowed, kind in ((False, "answers"), (True, "faster"))
    )
    return Plot(name, f"Slowdowns noticed, {words}", told, traces, layout, CELL * len(rules) + 60)


def _cells(
    rules: Sequence[tuple[str, str]], bodies: Sequence[Powered], injected: Sequence[float], slowed: bool, kind: str
) -> dict[str, Any]:
    rows = [[alarms(bodies, *rule, share) if bool(share) is slowed else [] for share in injected] for rule in rules]
    return {
        "type": "heatmap",
        "x": [f"{share:.0%} slower" if share else "identical:<br>false alarms" for share in injected],
        "y": [f"{label(tool)}: {label(rule)}" for tool, rule in rules],
        "z": [[sum(said) / len(said) if said else None for said in row] for row in rows],
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[0, role("change-same")], [1, role(f"change-{kind}")]],
        "showscale": False,
        "xgap": 3,
        "ygap": 3,
        "text": [[f"{sum(said)} of {len(said)}" if said else "" for said in row] for row in rows],
        "texttemplate": "%{text}",
        "textfont": {"size": 12, "color": role("cell-ink")},
        "customdata": [[_rate(said) for said in row] for row in rows],
        "hovertemplate": "%{y}<br>%{x}<br><b>%{customdata}</b><extra></extra>",
        "hoverongaps": False,
    }


def _rate(said: Sequence[bool]) -> str:
    if not said:
        return ""
    low, high = clopper_pearson(sum(said), len(said))
    return f"{sum(said)} of {len(said)} trials [{low:.0%}, {high:.0%}]"


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
