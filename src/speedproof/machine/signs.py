"""Signs: one thing each about the machine, and whether one can measure with it."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What a sign means for figures."""

    GOOD = "ok"
    DOUBTFUL = "doubtful"
    FATAL = "cannot run"


@dataclass(frozen=True)
class Sign:
    """What was seen, and what to do about it where it is not good."""

    about: str
    state: State
    seen: str
    advice: str = ""

    @property
    def line(self) -> str:
        """All of it in one line."""
        return f"{self.about}: {self.state}: {self.seen}{f'; {self.advice}' if self.advice else ''}"


def good(about: str, seen: str) -> Sign:
    """A sign that nothing is wrong."""
    return Sign(about, State.GOOD, seen)


def judged(about: str, seen: str, advice: str, state: State = State.DOUBTFUL) -> Sign:
    """Good where there is no advice to give; else of that state."""
    return Sign(about, state, seen, advice) if advice else good(about, seen)
