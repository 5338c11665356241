"""The study's table: false alarms and detections of each tool and rule, with exact intervals, by one sampling rule."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from speedproof.records.record import Record
from speedproof.timing.method import ERROR_RATE
from speedproof_studies.kinds import Powered
from speedproof_studies.proportion import clopper_pearson

from .aims import BY_DEFAULT, OURS

LOADS = {False: "quiet", True: "loaded"}
TELL_TENTHS = 50
"""Trials from which on an end of the interval is told in tenths of a per cent: none of 300 is at most 1.2%."""


@dataclass(frozen=True)
class Pool:
    """Trials that are added up: those of one rule, from however many machines and sittings."""

    rule: str
    trials: tuple[Powered, ...]
    n_machines: int
    n_left_out: int
    """Trials of other rules."""

    @property
    def line(self) -> str:
        """What is added up, and what is not."""
        if not self.trials:
            return "No trial is on record."
        machines = "one machine" if self.n_machines == 1 else f"{self.n_machines} machines"
        rule = f"by the rule '{self.rule}'" if self.rule else "by the rule of records that name none"
        counted = f"{_number(len(self.trials))} on {machines}, {rule}"
        if self.rule != BY_DEFAULT:
            counted = f"None by today's rule yet; shown is the newest other: {counted}"
        n_withheld = sum(bool(body.withheld) for body in self.trials)
        counted += f", {n_withheld:,} of them withheld, which is no alarm" if n_withheld else ""
        left_out = f"; {_number(self.n_left_out)} of other rules left out" if self.n_left_out else ""
        return f"{counted}{left_out}."

    @property
    def budget(self) -> str:
        """What each tool was given for a question."""
        if self.rule:
            return (
                "in the same wall time: a peer is given what a question took this one at the same load, start included"
            )
        seconds = " and ".join(f"{one:g}" for one in sorted({body.budget_s for body in self.trials}))
        return f"at {seconds} s of timing a question"

    @cached_property
    def rows(self) -> list[dict[str, str]]:
        """One row a tool and rule, over both loads."""
        return [_row(self.trials, tool, rule, "both", self._injected) for tool, rule in _rules(self.trials)]

    @cached_property
    def rows_by_load(self) -> list[dict[str, str]]:
        """One row a tool and rule over both loads, and behind it one for each load."""
        found = []
        for tool, rule in _rules(self.trials):
            found.append(_row(self.trials, tool, rule, "both", self._injected))
            found += self._apart(tool, rule)
        return found

    @cached_property
    def own_by_load(self) -> list[dict[str, str]]:
        """This tool's rows for each load."""
        return [row for tool, rule in _rules(self.trials) if tool == OURS for row in self._apart(tool, rule)]

    @property
    def _injected(self) -> list[float]:
        return sorted({body.injected for body in self.trials})

    def _apart(self, tool: str, rule: str) -> list[dict[str, str]]:
        loads = sorted({body.loaded for body in self.trials if body.tool == tool})
        at = {loaded: [body for body in self.trials if body.loaded is loaded] for loaded in loads}
        return [_row(at[loaded], tool, rule, LOADS[loaded], self._injected) for loaded in loads]


def pool(records: Iterable[Record], today: str = BY_DEFAULT) -> Pool:
    """Trials of today's rule; where there are none, of the rule of the newest trial."""
    powered = [record for record in records if isinstance(record.body, Powered)]
    newest = max(powered, key=lambda record: record.written).body if powered else None
    is_today = any(_trial(record).rule == today for record in powered)
    rule = today if is_today or not isinstance(newest, Powered) else newest.rule
    counted = [record for record in powered if _trial(record).rule == rule]
    return Pool(
        rule,
        tuple(map(_trial, counted)),
        len({record.environment.machine for record in counted}),
        len(powered) - len(counted),
    )


def _trial(record: Record) -> Powered:
    assert isinstance(record.body, Powered)
    return record.body


def _number(n_trials: int) -> str:
    return "1 trial" if n_trials == 1 else f"{n_trials:,} trials"


def _rules(bodies: Sequence[Powered]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((body.tool, rule) for body in bodies for rule in body.alarms))


def _row(bodies: Sequence[Powered], tool: str, rule: str, machine: str, injected: Sequence[float]) -> dict[str, str]:
    """What one tool said by one of its rules; with intervals, so that none of a few is not read as never."""
    return {
        "tool, by its rule": f"{tool}, {rule}",
        "machine": machine,
        **{_head(s): _share(alarms(bodies, tool, rule, s)) for s in injected},
        "wall, s": f"{median(body.wall_s for body in bodies if body.tool == tool):.0f}",
    }


def alarms(bodies: Sequence[Powered], tool: str, rule: str, injected: float) -> list[bool]:
    """What a tool said by one of its rules, trial by trial, of one slowdown."""
    return [b.alarms[rule] for b in bodies if b.tool == tool and b.injected == injected and rule in b.alarms]


def _head(injected: float) -> str:
    return f"sees {injected:.0%}" if injected else "false alarms"


def _share(alarms: Sequence[bool]) -> str:
    if not alarms:
        return "-"
    low, high = clopper_pearson(sum(alarms), len(alarms), 1 - ERROR_RATE)
    digits = 0 if len(alarms) < TELL_TENTHS else 1
    return f"{sum(alarms)} of {len(alarms)} [{low:.{digits}%}, {high:.{digits}%}]"
