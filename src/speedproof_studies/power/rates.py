"""The study's table: false alarms and detections of each tool and rule, with exact intervals."""

from collections.abc import Sequence
from statistics import median
from typing import Any

from speedproof.timing.method import ERROR_RATE
from speedproof_studies.kinds import Powered
from speedproof_studies.proportion import clopper_pearson


def power_rows(bodies: Sequence[Powered]) -> list[dict[str, Any]]:
    """One row a tool, rule, load and budget; a column a slowdown, the first of which, none, is of false alarms."""
    groups: dict[tuple[str, str, bool, float], list[Powered]] = {}
    for body in bodies:
        for rule in body.alarms:
            groups.setdefault((body.tool, rule, body.loaded, body.budget_s), []).append(body)
    return [
        {
            "tool": tool,
            "rule": rule,
            "machine": "loaded" if loaded else "quiet",
            "budget_s": budget_s,
            "wall_s": round(median(body.wall_s for body in group), 1),
            **{_head(s): _share([b.alarms[rule] for b in group if b.injected == s]) for s in _injected(bodies)},
        }
        for (tool, rule, loaded, budget_s), group in groups.items()
    ]


def pooled_rows(bodies: Sequence[Powered]) -> list[dict[str, str]]:
    """One row a tool and rule, alarms of trials over all loads and budgets; a column a slowdown, the first none. With
    intervals, so that none of a few is not read as never."""
    rules = dict.fromkeys((body.tool, rule) for body in bodies for rule in body.alarms)
    return [
        {
            "tool, by its rule": f"{tool}, {rule}",
            **{_head(s): _share(alarms(bodies, tool, rule, s)) for s in _injected(bodies)},
            "wall, s": f"{median(body.wall_s for body in bodies if body.tool == tool):.0f}",
        }
        for tool, rule in rules
    ]


def alarms(bodies: Sequence[Powered], tool: str, rule: str, injected: float) -> list[bool]:
    """What a tool said by one of its rules, trial by trial, of one slowdown."""
    return [b.alarms[rule] for b in bodies if b.tool == tool and b.injected == injected and rule in b.alarms]


def _injected(bodies: Sequence[Powered]) -> list[float]:
    return sorted({body.injected for body in bodies})


def _head(injected: float) -> str:
    return f"sees {injected:.0%}" if injected else "false alarms"


def _share(alarms: Sequence[bool]) -> str:
    if not alarms:
        return "-"
    low, high = clopper_pearson(sum(alarms), len(alarms), 1 - ERROR_RATE)
    return f"{sum(alarms)} of {len(alarms)} [{low:.0%}, {high:.0%}]"
