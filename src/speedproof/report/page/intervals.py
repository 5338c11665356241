"""A finding's speed-ups with their intervals, against what was claimed, on one axis."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from speedproof.pairs.finding import CAREFUL, Claim
from speedproof.report.row import Row
from speedproof.report.sittings import NullPair
from speedproof.timing.comparison import Comparison

from .plot import Plot, error_bars, label, level, log_axis, role, rows_height, rows_layout, span

SYMBOLS = {"batched": "circle", CAREFUL: "diamond", "null": "square-open"}


@dataclass(frozen=True)
class Mark:
    """One interval: what it is of, and which colour and symbol it has."""

    words: str
    comparison: Comparison
    kind: str


def marks(rows: Sequence[Row], null: NullPair | None) -> list[Mark]:
    """The functions' speed-ups, the careful loop's where there is one, and the A/A pair's below."""
    found = []
    for row in rows:
        if row.figure.comparison:
            found.append(Mark(row.pair.name, row.figure.comparison, "batched"))
        if row.careful and row.careful.comparison:
            baseline = row.careful.about.arms[0]
            of = "against a careful loop" if baseline == CAREFUL else f"a careful loop over {baseline}"
            found.append(Mark(of, row.careful.comparison, CAREFUL))
    if found and null:
        found.append(Mark("A/A, a twin over itself", null.comparison, "null"))
    return found


def interval_plot(name: str, rows: Sequence[Row], null: NullPair | None) -> Plot | None:
    """Intervals on a log axis, the claim's range shaded, no change as a line; None where there is nothing to show."""
    shown = marks(rows, null)
    if not shown:
        return None
    claim = rows[0].finding.claim
    traces = []
    for number, mark in enumerate(shown):
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [mark.comparison.speedup],
                "y": [-number],
                "error_x": error_bars([span(mark.comparison)], mark.kind, 3),
                "marker": {"size": 12, "symbol": SYMBOLS[mark.kind], "color": role(mark.kind)},
                "text": [f"{label(mark.words)}<br><b>{mark.comparison.words}</b>"],
                "hovertemplate": "%{text}<extra></extra>",
            }
        )
    values = [1.0, *(claim.band or ())]
    for mark in shown:
        values += [mark.comparison.speedup, *mark.comparison.interval]
    told = "; ".join(f"{mark.words} {mark.comparison.words}" for mark in shown)
    labels = [f"{label(mark.words)}  <b>{mark.comparison.words}</b>" for mark in shown]
    axis = log_axis(values, "speed-up, 95% interval")
    layout = rows_layout(labels, axis, shapes=_shapes(claim), annotations=_claimed(claim))
    layout["margin"] = {"l": 8, "r": 16, "t": 24, "b": 40}
    title = f"Measured against claimed ({claim.words})"
    return Plot(name, title, f"{told}. Claimed: {claim.words}.", tuple(traces), layout, rows_height(len(shown)) + 16)


def _claimed(claim: Claim) -> list[dict[str, object]]:
    low, high = claim.band or (1, 1)
    if high == 1:
        return []
    middle = math.log10(low * high) / 2
    words = {"text": f"claimed {label(claim.words)}", "font": {"size": 12, "color": role("soft")}}
    return [{**words, "x": middle, "yref": "paper", "y": 1, "yanchor": "bottom", "showarrow": False}]


def _shapes(claim: Claim) -> list[dict[str, object]]:
    drawn: list[dict[str, object]] = [level(1.0)]
    if claim.band:
        low, high = claim.band
        # A claim of one figure is a band too, or it could not be seen.
        low, high = (low, high) if high > low else (low / 1.02, high * 1.02)
        box = {"type": "rect", "x0": low, "x1": high, "yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
        drawn.append(
            {**box, "fillcolor": role("claim"), "line": {"width": 1, "color": role("claim-line"), "dash": "dash"}}
        )
    return drawn
