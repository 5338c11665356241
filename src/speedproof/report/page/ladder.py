"""A ladder drawn: where each rung starts and ends on the way from the definition up."""

from typing import Any

from speedproof.report.ladder import Step, Waterfall
from speedproof.timing.comparison import Verdict
from speedproof.wording import digits

from .plot import Plot, label, level, log_axis, role, rows_height, rows_layout

SEEN = {"better": ("good", ""), "worse": ("bad", "x"), "unsure": ("wait", "/")}
"""Colour and hatching of a bar: no colour stands alone."""


def climb_plot(name: str, fall: Waterfall) -> Plot | None:
    """A bar for each rung from what all above it had reached to what it reaches; None where no rung has a figure."""
    drawn = [(n, step) for n, step in enumerate(fall.steps) if step.before and step.in_all and step.comparison]
    if not drawn:
        return None
    values = [1.0]
    traces = []
    for number, step in drawn:
        traces.append(_bar(number, step))
        values += [step.before or 1.0, step.in_all or 1.0]
    labels = [_label(step) for step in fall.steps]
    layout = rows_layout(
        labels, log_axis(values, "speed-up over the definition"), shapes=[level(1.0)], barmode="overlay"
    )
    told = "; ".join(f"{step.rung.name} {step.factor}, in all {digits(step.in_all or 1)}x" for _, step in drawn)
    return Plot(name, "Which change bought what", f"{told}.", tuple(traces), layout, rows_height(len(labels)))


def seen(step: Step) -> str:
    """`better` or `worse` where the interval excludes no change, else `unsure`."""
    if not step.figure or step.figure.verdict is not Verdict.VERIFIED or not step.comparison:
        return "unsure"
    return "better" if step.comparison.speedup > 1 else "worse"


def _label(step: Step) -> str:
    told = step.factor or (step.figure.verdict.word if step.figure else "the definition")
    return f"<b>{label(step.rung.name)}</b>  {label(told)}"


def _bar(number: int, step: Step) -> dict[str, Any]:
    assert step.before and step.in_all
    colour, hatching = SEEN[seen(step)]
    words = f"{label(step.rung.name)}: {label(step.rung.adds)}<br><b>{step.factor}</b>, in all {digits(step.in_all)}x"
    return {
        "type": "bar",
        "orientation": "h",
        "y": [-number],
        "base": [step.before],
        "x": [step.in_all - step.before],
        "width": 0.3,
        "marker": {
            "color": role(colour),
            "line": {"color": role(colour), "width": 2},
            "pattern": {"shape": hatching, "size": 7, "solidity": 0.3},
        },
        "text": [words],
        "textposition": "none",
        "hovertemplate": "%{text}<extra></extra>",
    }
