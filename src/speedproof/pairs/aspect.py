"""An aspect: one thing that a call must leave as it found it, how it is seen, and how it is put back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class Key(NamedTuple):
    """Where something was found: what it hangs on, under which name, and where inside that."""

    owner: str
    name: str
    inside: str = ""

    def __str__(self) -> str:
        return f"{self.owner}.{self.name}{self.inside}"


@dataclass
class Scene:
    """One moment of the program, with the subject's modules by name. With `keep` it can be put back."""

    modules: Mapping[str, Any]
    keep: bool = False
    put_aside: dict[Any, Any] = field(default_factory=dict)
    """Where an aspect may leave what only putting back needs."""

    def once(self, what: str, make: Callable[[], T]) -> T:
        """What several aspects look at, made for the first of them."""
        if what not in self.put_aside:
            self.put_aside[what] = make()
        made: T = self.put_aside[what]
        return made


PutBack = Callable[[Scene, Any], None]


@dataclass(frozen=True)
class Aspect:
    """`look` gives what can be seen, plain data or marks; a mapping lets a refusal name what changed in it.

    `put_back` is given the earlier scene and what was seen of it. Where there is none, or where it falls short,
    `why_not` says why.
    """

    name: str
    look: Callable[[Scene], Any]
    put_back: PutBack | None = None
    why_not: str = ""
    counts: Callable[[Any, Any], bool] = field(default=lambda key, scene: True)
    """Whether something that is new in a mapping counts; what was there before always does."""
    losses_count: bool = True
    """Whether it counts where something in a mapping is gone."""
    may_be_usual: bool = False
    """Whether what the definition changes in it is the libraries' own way: caches, notes of the last input."""
    of_subject: bool = False
    """Whether it is of the subject's modules, which nothing touches by being imported."""

    def __post_init__(self) -> None:
        if not self.put_back and not self.why_not:
            raise ValueError(f"{self.name}: cannot be put back, and nothing says why")

    def changed(self, before: Any, after: Any, scene: Scene) -> list[Any]:
        """What is no longer as it was: keys of a mapping, or the aspect's own name."""
        if before is after:
            return []
        if not isinstance(before, Mapping):
            return [] if before == after else [self.name]
        lost = [key for key in before if key not in after] if self.losses_count else []
        other = [key for key, value in before.items() if key in after and after[key] != value]
        return lost + other + [key for key in after if key not in before and self.counts(key, scene)]


def never(key: Any, scene: Scene) -> bool:
    """For mappings in which only what was there before counts."""
    return False
