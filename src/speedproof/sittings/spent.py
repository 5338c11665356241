"""Where a sitting's time goes, by stage."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from speedproof.clock import monotonic_s

STAGES = {
    "checking": "certificates",
    "counting": "counters",
    "control": "controls",
    "rewriting": "rewrites",
}
"""First word of what a process says that it is at -> what a person calls that."""
AT_ONCE = "at once"
"""Seconds that stages took at the same time as others: in them two processes worked, and one second passed."""


@dataclass
class Spent:
    """Seconds by stage."""

    seconds: dict[str, float] = field(default_factory=dict)
    is_on: bool = False
    """Whether a stage is at work that counts as one, whatever its processes say."""

    @contextmanager
    def on(self, stage: str) -> Iterator[None]:
        """All that happens meanwhile is of this stage."""
        begun_s, self.is_on = monotonic_s(), True
        try:
            yield
        finally:
            self.is_on = False
            self.add(stage, monotonic_s() - begun_s)

    def add(self, stage: str, seconds: float) -> None:
        """Adds to a stage."""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds


class Watch:
    """Of processes that begin together: which stage each is at, and since when."""

    def __init__(self, spent: Spent) -> None:
        self._spent, self._begun_s = spent, monotonic_s()
        self._at: dict[int, tuple[str, float, float]] = {}
        """Process -> stage, since when, until when as far as it was heard."""
        self._added_s = 0.0

    def heard(self, place: int, words: str = "") -> None:
        """A process said something; `words` say what it is at from now on, where they do."""
        now_s = monotonic_s()
        stage, since_s, _ = self._at.get(place, ("", self._begun_s, now_s))
        new = STAGES.get(words.split()[0], "") if words else stage
        if new != stage and stage:
            self._add(stage, now_s - since_s)
            since_s = now_s
        self._at[place] = new, since_s, now_s

    def end(self) -> None:
        """All have ended."""
        for stage, since_s, until_s in self._at.values():
            self._add(stage, until_s - since_s)
        # What they did at once passed once.
        self._spent.add(AT_ONCE, max(0.0, self._added_s - (monotonic_s() - self._begun_s)))

    def _add(self, stage: str, seconds: float) -> None:
        if stage and not self._spent.is_on:
            self._spent.add(stage, seconds)
            self._added_s += seconds


def in_words(wall_s: float, seconds: Mapping[str, float]) -> str:
    """Where the time went, in one line."""
    at_once_s = round(seconds.get(AT_ONCE, 0.0))
    parts = {stage: one for stage, one in seconds.items() if stage != AT_ONCE and round(one)}
    rest_s = max(0.0, wall_s - sum(parts.values()) + at_once_s)
    told = [f"{stage} {_minutes(one)}" for stage, one in parts.items()]
    if at_once_s:
        told.append(f"less {_minutes(at_once_s)} in which two of these ran at once")
    told.append(f"the rest {_minutes(rest_s)}")
    minutes, left_s = divmod(round(wall_s), 60)
    return f"Took {minutes} min {left_s} s: {', '.join(told)}."


def _minutes(seconds: float) -> str:
    return "{}:{:02}".format(*divmod(round(seconds), 60))
