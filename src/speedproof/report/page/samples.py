"""Raw samples in the order in which they were taken, process by process, so that drift can be seen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from speedproof.records.base import About
from speedproof.timing.comparison import Comparison
from speedproof.timing.launches import Launch
from speedproof.wording import seconds, some

from .plot import AXIS, Plot, label, role

UNITS = (("µs", 1e6, 1e-3), ("ms", 1e3, 1.0), ("s", 1.0, float("inf")))
"""Name, units in a second, and below how many seconds it is used."""
GAP = 1
"""Places left free between two processes."""
SYMBOLS = ("circle", "diamond")


@dataclass(frozen=True)
class Sample:
    """One timed call, or block of short ones: its place in the order of its sitting, and seconds per call."""

    launch: int
    place: int
    pair: int
    arm: int
    s: float
    was_first: bool


def samples(launches: Sequence[Launch]) -> Iterator[Sample]:
    """Every sample in the order taken; launches stand one after another with a gap between them."""
    lengths = [2 * len(launch.baseline_s) + GAP for launch in launches]
    starts = [0, *accumulate(lengths)]
    for number, launch in enumerate(launches):
        for pair, is_first in enumerate(launch.baseline_first):
            for arm in (0, 1) if is_first else (1, 0):
                place = starts[number] + 2 * pair + (0 if (arm == 0) == is_first else 1)
                taken = (launch.baseline_s, launch.contender_s)[arm][pair]
                yield Sample(number, place, pair, arm, taken, (arm == 0) == is_first)


def sample_plot(name: str, comparison: Comparison, about: About) -> Plot:
    """A panel for each arm, on axes that begin at 0: what is twice as high took twice as long."""
    taken = list(samples(comparison.launches))
    traces, axes = [], {}
    for arm, twin in enumerate(about.arms):
        own = [sample for sample in taken if sample.arm == arm]
        unit, factor = _unit(max(sample.s for sample in own))
        traces.append(_trace(own, twin, arm, factor))
        axes["yaxis2" if arm else "yaxis"] = {
            **AXIS,
            "domain": [0, 0.44] if arm else [0.56, 1],
            "rangemode": "tozero",
            "nticks": 5,
            "title": {"text": f"{label(twin)}, {unit}", "font": {"size": 12, "color": role(_colour(twin, arm))}},
        }
    layout = {**axes, "xaxis": _order_axis(comparison.launches, taken), "shapes": _bands(comparison.launches)}
    title = f"{about.function}: every sample, in the order taken"
    n_launches, n_pairs = len(comparison.launches), sum(len(launch.baseline_s) for launch in comparison.launches)
    told = (
        f"{some(n_pairs, 'sample pair')} of {about.function} from {some(n_launches, 'fresh process')}: "
        f"{about.arms[0]} around {seconds(comparison.baseline_s)}, {about.arms[1]} around "
        f"{seconds(comparison.contender_s)} per call."
    )
    return Plot(name, title, told, tuple(traces), layout, 280)


def _trace(own: Sequence[Sample], twin: str, arm: int, factor: float) -> dict[str, Any]:
    told = [
        f"{label(twin)}, process {s.launch + 1}, pair {s.pair + 1}, {'first' if s.was_first else 'second'} of the pair"
        f"<br><b>{seconds(s.s)}</b>"
        for s in own
    ]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [s.place for s in own],
        "y": [s.s * factor for s in own],
        "yaxis": "y2" if arm else "y",
        "marker": {"size": 8, "symbol": SYMBOLS[arm], "color": role(_colour(twin, arm)), "opacity": 0.85},
        "text": told,
        "hovertemplate": "%{text}<extra></extra>",
    }


def _colour(twin: str, arm: int) -> str:
    return twin if twin in ("sequential", "batched", "careful") and (arm or twin != "batched") else "null"


def _order_axis(launches: Sequence[Launch], taken: Sequence[Sample]) -> dict[str, Any]:
    middles = []
    for number in range(len(launches)):
        places = [sample.place for sample in taken if sample.launch == number]
        middles.append((min(places) + max(places)) / 2)
    return {
        **AXIS,
        "anchor": "y2",
        "showgrid": False,
        "tickvals": middles,
        "ticktext": [str(number + 1) for number in range(len(launches))],
        "title": {"text": "process, in the order of starting", "font": {"size": 12, "color": role("soft")}},
    }


def _bands(launches: Sequence[Launch]) -> list[dict[str, Any]]:
    starts = [0, *accumulate(2 * len(launch.baseline_s) + GAP for launch in launches)]
    return [
        {
            "type": "rect",
            "x0": starts[number] - 1,
            "x1": starts[number + 1] - 1,
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "fillcolor": role("band"),
            "line": {"width": 0},
            "layer": "below",
        }
        for number in range(0, len(launches), 2)
    ]


def _unit(largest_s: float) -> tuple[str, float]:
    return next((name, factor) for name, factor, below in UNITS if largest_s < below)
