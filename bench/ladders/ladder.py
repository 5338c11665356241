"""A ladder: the same work with one change more on every rung, so that each change's own share is seen."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..finding import TWINS, Finding, Pair

CAREFUL = "careful"
"""The rung that a careful user would write without being told: a loop, no graph, the one hook, an early stop."""


@dataclass(frozen=True)
class Rung:
    """One step of a ladder: a function that stands in for a twin, and what it adds to the rung below."""

    name: str
    adds: str
    function: Callable[..., Any]


@dataclass(frozen=True)
class Ladder:
    """The rungs of one pair, from the definition up. The batched twin is the last, or a finding's claim ends below.

    Raises:
        ValueError: the first rung is not the definition, the batched twin is missing, a name comes twice or is not
            its function's, or a rung takes other parameters than the definition.
    """

    finding: Finding
    pair: Pair
    rungs: tuple[Rung, ...]

    def __post_init__(self) -> None:
        twins = {name: self.pair.twin(name) for name in TWINS}
        names = [rung.name for rung in self.rungs]
        if not names or names[0] != TWINS[0] or TWINS[1] not in names or len(set(names)) != len(names):
            raise ValueError(f"{self.finding.name}: expected rungs from 'sequential' by way of 'batched', got {names}.")
        for rung in self.rungs:
            # A certificate names its function, so a rung goes by the same name; twins go by their sides'.
            if rung.function is not twins.get(rung.name, rung.function):
                raise ValueError(f"{self.finding.name}: rung {rung.name!r} is not the pair's {rung.name} twin.")
            if rung.name not in twins and rung.name != rung.function.__name__:
                raise ValueError(f"{self.finding.name}: rung {rung.name!r} is called {rung.function.__name__!r}.")
            self.pair.require_signature(rung.function)

    @property
    def names(self) -> tuple[str, ...]:
        """The rungs' names, from the definition up."""
        return tuple(rung.name for rung in self.rungs)

    @property
    def careful_beside(self) -> tuple[str, str]:
        """What the careful rung is timed against, as (baseline, contender): the batched twin, where that goes on from
        it; else the definition, where the careful rung goes beyond the batched twin."""
        is_beyond = self.names.index(CAREFUL) > self.names.index(TWINS[1])
        return (TWINS[0], CAREFUL) if is_beyond else (CAREFUL, TWINS[1])
