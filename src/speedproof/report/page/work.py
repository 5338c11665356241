"""Why one arm is faster than another: the work that each does, in words and drawn."""

from collections.abc import Mapping

from speedproof.pairs.finding import TWINS
from speedproof.records.kinds import Counted
from speedproof.wording import digits

from .plot import Plot, label, level, log_axis, role, rows_height, rows_layout

SYMBOLS = {"sequential": "circle-open", "careful": "diamond", "batched": "circle"}
SHIFTS = {"sequential": 0.0, "careful": -0.16, "batched": 0.0}
"""The careful loop's mark stands a little lower, so that none hides another."""
UNITS = {"bytes": "B", "flops": "FLOP"}
ROOM = 4
"""Factor between the place of nothing and the next tick, so that their words do not touch."""
MOST_TOLD = 3
"""Counters named in a sentence: those that moved most."""
SHARES = tuple(10.0**power for power in range(-9, 4))


def quantity(name: str, n: int) -> str:
    """A count with the unit that its counter has."""
    unit = next((unit for beginning, unit in UNITS.items() if name.startswith(beginning)), "")
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if unit and n >= factor:
            return f"{digits(n / factor)} {prefix}{unit}"
    return f"{n:,}"


def gist(counted: Counted | None) -> str:
    """The counter that a finding is about, or else the one that moved most; nothing where none fell."""
    named = _spared(counted)
    told = _moved(named[0], *(counted.counts[twin] for twin in TWINS)) if counted and named else ""
    return _of_some(told, counted)


def why(counted: Counted | None) -> str:
    """Which work the batched twin spares, and which it does besides, the most moved first; nothing where none moved."""
    return _of_some(_why(counted), counted)


def _of_some(told: str, counted: Counted | None) -> str:
    """The same, and on how many items it was counted where those were not all."""
    return f"{told} (in {counted.call})" if told and counted and counted.n_items else told


def _why(counted: Counted | None) -> str:
    if not counted or not all(twin in counted.counts for twin in TWINS):
        return ""
    before, after = (counted.counts[twin] for twin in TWINS)
    parts = [_moved(name, before, after) for name in _spared(counted)[:MOST_TOLD]]
    added = [name for name in before if after[name] > before[name]]
    if added:
        told = ", ".join(_moved(name, before, after) for name in added)
        parts.append(f"but {told}" if parts else f"no counter fell, {told}")
    return ", ".join(parts)


def _spared(counted: Counted | None) -> list[str]:
    """Counters that fell: the one that the finding names first, then those that fell most."""
    if not counted or not all(twin in counted.counts for twin in TWINS):
        return []
    before, after = (counted.counts[twin] for twin in TWINS)
    spared = sorted((n for n in before if after[n] < before[n]), key=lambda n: (after[n] + 0.5) / (before[n] + 0.5))
    leading = [name for name in list(before)[:1] if name in spared]
    return list(dict.fromkeys([*leading, *spared]))


def _moved(name: str, before: Mapping[str, int], after: Mapping[str, int]) -> str:
    return f"{name.replace('_', ' ')} {quantity(name, before[name])} → {quantity(name, after[name])}"


def work_plot(name: str, counted: Counted | None) -> Plot | None:
    """Each arm's share of the definition's work, a row a counter; None where nothing was counted."""
    if not counted or TWINS[0] not in counted.counts:
        return None
    whole = counted.counts[TWINS[0]]
    named = [counter for counter, n in whole.items() if n]
    shares = {arm: [counts[n] / whole[n] for n in named] for arm, counts in counted.counts.items()}
    told = [share for arm in shares.values() for share in arm if share]
    if not told:
        return None
    # No logarithm reaches 0, so nothing at all stands at the low end of the axis.
    least = min(told) / 12 if any(0 in arm for arm in shares.values()) else min(told)
    traces = []
    for arm, of_arm in shares.items():
        line = {"width": 2, "color": role(arm)}
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": label(arm),
                "x": [share or least for share in of_arm],
                "y": [SHIFTS.get(arm, -0.16) - number for number in range(len(named))],
                "marker": {"size": 11, "symbol": SYMBOLS.get(arm, "cross"), "color": role(arm), "line": line},
                "text": [_told(arm, n, counted.counts[arm][n], whole[n]) for n in named],
                "hovertemplate": "%{text}<extra></extra>",
            }
        )
    axis = log_axis([least, *told, 1.0], "share of the definition's work", SHARES, "")
    axis["ticktext"] = [f"{100 * share:,g}%" for share in axis["tickvals"]]
    if least < min(told):
        kept = [(at, text) for at, text in zip(axis["tickvals"], axis["ticktext"], strict=True) if at > ROOM * least]
        axis["tickvals"] = [least, *(at for at, _ in kept)]
        axis["ticktext"] = ["none", *(text for _, text in kept)]
    labels = [_label(counter, counted) for counter in named]
    layout = rows_layout(labels, axis, shapes=[level(1.0)], showlegend=True, margin={"l": 8, "r": 16, "t": 30, "b": 40})
    words = f"{_why(counted) or 'the same work'}."
    return Plot(name, f"Work of {counted.call}", words, tuple(traces), layout, rows_height(len(named)) + 22)


def _label(counter: str, counted: Counted) -> str:
    spelled = label(counter.replace("_", " "))
    ends = [quantity(counter, counted.counts[twin][counter]) for twin in TWINS if twin in counted.counts]
    return f"{spelled}  <b>{' → '.join(ends)}</b>"


def _told(arm: str, counter: str, n: int, whole: int) -> str:
    share = f"{100 * n / whole:,.3g}% of the definition's"
    return f"{label(arm)}: {label(counter.replace('_', ' '))}<br><b>{quantity(counter, n)}</b>, {share}"
