"""An aspect: one thing that a call must leave as it found it, how it is seen, and how it is put back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .walk import Walk, is_tokenizer


@dataclass
class Scene:
    """One moment of the program, with the subject's modules by name. With `keep` it can be put back."""

    modules: Mapping[str, Any]
    keep: bool = False

    @cached_property
    def walk(self) -> Walk:
        """What hangs on the modules; walked once, for all aspects that ask."""
        return Walk(self.modules, self.keep)

    @cached_property
    def tokenizers(self) -> dict[str, Any]:
        """The tokenizers of the modules, each once."""
        found = {name: getattr(module, "tokenizer", None) for name, module in self.modules.items()}
        each = {id(one): name for name, one in reversed(found.items()) if is_tokenizer(one)}
        return {f"{name}.tokenizer": found[name] for name in each.values()}

    @cached_property
    def put_aside(self) -> dict[Any, Any]:
        """Where an aspect may leave what only putting back needs."""
        return {}


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
