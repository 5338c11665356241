"""A rewrite: a right function that goes about the work in another way, drawn from a seed. The gate must pass it."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

from speedproof.pairs.finding import Finding

Option = bool | int | str


@dataclass(frozen=True)
class Rewrite:
    """One valid way to do what a finding's first function does."""

    finding: Finding
    options: Mapping[str, Option]
    """What was chosen, by the choice's name; only choices that matter here."""
    function: Callable[..., Any]
    """Takes the definition's arguments."""


@dataclass(frozen=True)
class Family:
    """All rewrites of one finding, and the way to draw one."""

    finding: Finding
    draw: Callable[[random.Random], Rewrite]


class Choices:
    """A frozen dataclass whose fields are drawn independently, each from the values of that name in `ALTERNATIVES`."""

    ALTERNATIVES: ClassVar[Mapping[str, Sequence[Option]]]

    @classmethod
    def drawn(cls, rng: random.Random) -> Self:
        """One choice per field. A value that stands twice among the alternatives is twice as likely."""
        return cls(**{name: rng.choice(values) for name, values in cls.ALTERNATIVES.items()})

    @property
    def options(self) -> dict[str, Option]:
        """The choices made, by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
