"""Draws: one set of arguments, made anew as often as it is asked for from a size, a seed and a form."""

import copy
import os
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Literal

from speedproof.errors import BadInput
from speedproof.pairs.marks import is_array, numpy

from .effects.files import made_anew, put
from .values.differences import first_apart, is_identical, shown
from .values.leaf import Leaves, is_tensor, torch
from .values.leaves import given

Form = Literal[
    "plain",
    "defaults",
    "distinct",
    "strided",
    "fortran",
    "reversed",
    "shuffled",
    "repeated",
    "sliced",
    "empty",
    "ragged",
    "subclasses",
    "special",
]
"""How the same values are held in memory, or what becomes of an example's items."""
IN_MEMORY: tuple[Form, ...] = ("distinct", "strided", "fortran")
"""Forms that leave every value as it is: asked about whatever the inputs come from."""
OF_ITEMS: tuple[Form, ...] = ("reversed", "shuffled", "repeated", "sliced", "empty")
"""Forms that change which items there are: asked about where nothing promises what they are like."""
WHERE_ASKED: tuple[Form, ...] = ("ragged", "subclasses")
"""Forms that only a user can promise the functions are for."""
SPECIAL = (float("nan"), float("inf"), float("-inf"), -0.0, 5e-324, 1e150)
"""Not a number, infinite, minus zero, subnormal, and close to the square root of the largest."""

PATHS = (str, bytes, PurePath)
"""What a path is given as."""
Make = Callable[[int, int], Mapping[str, Any]]
"""Arguments of one call, of a size and a seed; the same values for the same two numbers."""


class Drawn(dict[str, Any]):
    """Keyword arguments of one call, and the draw that makes the same ones again."""

    draw: "Draw"


@dataclass(frozen=True, eq=False)
class Source:
    """Where inputs come from."""

    given: Make
    words: str
    """What a refusal and a card call it."""
    optional: frozenset[str] = frozenset()
    """Arguments that may be left out."""
    has_sizes: bool = True
    """Whether a size means anything to it."""
    may_change_items: bool = False
    """Whether other items are as good: an example promises nothing, a generator does."""
    shrink: Callable[[Callable[[Mapping[str, Any]], bool]], Mapping[str, Any] | None] | None = None
    """Finds the smallest arguments for which something holds, where the source itself knows smaller ones."""
    files: Mapping[str, Any] = field(default_factory=dict)
    """What else stands in the folder for temporary files."""

    def make(self, size: int, seed: int) -> Mapping[str, Any]:
        """Arguments of that size and seed, whose files are in a folder that was empty before."""
        with made_anew(f"{size}_{seed}") as bring_back:
            made = self.given(size, seed)
            bring_back(lambda: [_as_path(leaf.value) for leaf in given(made).values() if isinstance(leaf.value, PATHS)])
            if self.files:
                put(self.files)
            return made


@dataclass(frozen=True)
class Draw:
    """One set of arguments. Equal draws make equal ones."""

    source: Source
    size: int
    seed: int
    form: Form = "plain"

    def make(self) -> Drawn:
        """Fresh objects at every call."""
        made = Drawn(self.source.make(self.size, self.seed))
        if self.form != "plain":
            rng = random.Random(self.seed)
            if self.form == "defaults":
                made = Drawn({name: one for name, one in made.items() if name not in self.source.optional})
            else:
                made = Drawn({name: _formed(value, self.form, rng) for name, value in made.items()})
        made.draw = self
        return made

    @property
    def words(self) -> str:
        """Which one it is."""
        size = f"size {self.size}, " if self.source.has_sizes else ""
        form = f", {self.form}" if self.form != "plain" else ""
        return f"{size}seed {self.seed}{form}"

    def changes_anything(self) -> bool:
        """Whether its form makes another set of arguments of the plain ones."""
        if self.form == "distinct":
            return True
        if self.form == "defaults":
            return not self.source.optional.isdisjoint(self.source.make(self.size, self.seed))
        plain, formed = Draw(self.source, self.size, self.seed).make(), self.make()
        if self.form in IN_MEMORY:
            return any(_layout(plain[name]) != _layout(formed[name]) for name in plain)
        return not is_identical(given(plain), given(formed))


def _as_path(value: Any) -> str:
    return os.fsdecode(value).removeprefix("file://")


def require_repeatable(source: Source, size: int) -> None:
    """Raises BadInput where the same size and seed give other values: what was seen could not be shown again."""
    once, again = (given(source.make(size, 7)) for _ in range(2))
    if not is_identical(once, again):
        place = first_apart(once, again)
        raise BadInput(
            f"{source.words} ignores its seed: asked twice for the same, it gave different inputs. First apart: "
            f"{place}, {_at(once, place)} and {_at(again, place)}. Expected every "
            "random number to come from the argument rng, and no name or time that is another in every call; paths of "
            "tempfile are the same."
        )


def _at(found: Leaves, place: str) -> str:
    return shown(found[place]) if place in found else "nothing"


def _formed(value: Any, form: Form, rng: random.Random) -> Any:
    if form == "distinct":
        return _distinct(value)
    if form in IN_MEMORY:
        return _in_memory(value, form)
    if form == "special":
        return _special(value, rng)
    if form == "subclasses":
        return _of_subclass(value)
    if form == "ragged":
        return _ragged(value, rng)
    return _other_items(value, form, rng)


def _distinct(value: Any) -> Any:
    """Equal, and another object at every place, so that whoever goes by identity is seen."""
    if type(value) is str and value:
        return "".join(list(value))
    if type(value) is bytes and value:
        return bytes(bytearray(value))
    if type(value) is int and abs(value) > 256:
        return int(str(value))
    if type(value) is float:
        return float(repr(value))
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(_distinct(one) for one in value)
    if type(value) is dict:
        return {_distinct(key): _distinct(one) for key, one in value.items()}
    return value


def _in_memory(value: Any, form: Form) -> Any:
    if is_array(value) and value.ndim:
        if form == "fortran":
            return numpy().asfortranarray(value) if value.ndim > 1 else value
        wide = numpy().repeat(value, 2, axis=-1)
        return wide[..., ::2]
    if is_tensor(value) and value.dim():
        if form == "fortran":
            return value.transpose(0, -1).contiguous().transpose(0, -1) if value.dim() > 1 else value
        return torch().repeat_interleave(value.detach(), 2, dim=-1)[..., ::2].requires_grad_(value.requires_grad)
    if type(value) in (list, tuple):
        return type(value)(_in_memory(one, form) for one in value)
    if type(value) is dict:
        return {key: _in_memory(one, form) for key, one in value.items()}
    return value


def _layout(value: Any) -> Any:
    if is_array(value):
        return value.strides
    if is_tensor(value):
        return value.stride()
    if isinstance(value, list | tuple):
        return [_layout(one) for one in value]
    return [_layout(one) for one in value.values()] if isinstance(value, dict) else None


def _other_items(value: Any, form: Form, rng: random.Random) -> Any:
    """Of a list, a tuple, a text or an array by rows; all else as it is."""
    is_row = (is_array(value) and value.ndim) or (is_tensor(value) and value.dim())
    if not (is_row or type(value) in (list, tuple, str)):
        return value
    n = len(value)
    order = list(range(n))
    if form == "reversed":
        order.reverse()
    elif form == "shuffled":
        rng.shuffle(order)
    elif form == "repeated":
        order = [0, *order, *order[: n // 2]] if n else order
    elif form == "sliced":
        order = order[n // 3 : n - n // 3]
    else:
        order = []
    if is_row:
        return value[order] if order else value[:0]
    picked = [value[i] for i in order]
    return "".join(picked) if type(value) is str else type(value)(picked)


class AList(list[Any]):
    """A list of somebody's own class."""


class ADict(dict[Any, Any]):
    """A dictionary of somebody's own class."""


class AText(str):
    """A text of somebody's own class."""


OWN_CLASSES: dict[type, type] = {list: AList, dict: ADict, str: AText}


def _of_subclass(value: Any) -> Any:
    """The argument alone, not what is in it: equal, and of a class of its own."""
    return OWN_CLASSES[type(value)](value) if type(value) in OWN_CLASSES else value


def _ragged(value: Any, rng: random.Random) -> Any:
    """Rows of a list or a tuple, each cut at another place."""
    if type(value) not in (list, tuple):
        return value
    is_row = [type(row) in (list, tuple, str) for row in value]
    return type(value)(
        row[: rng.randrange(len(row) + 1)] if whole else row for row, whole in zip(value, is_row, strict=True)
    )


def _special(value: Any, rng: random.Random) -> Any:
    """With some of the floating-point numbers replaced by such as break somebody's code."""
    if type(value) is float:
        return rng.choice(SPECIAL) if rng.random() < 0.2 else value
    if is_array(value) and value.dtype.kind == "f" and value.size:
        changed = value.copy()
        for place, special in _placed(value.size, rng):
            changed.flat[place] = special
        return changed
    if is_tensor(value) and value.is_floating_point() and value.numel():
        changed = value.detach().clone()
        for place, special in _placed(value.numel(), rng):
            changed.view(-1)[place] = special
        return changed.requires_grad_(value.requires_grad)
    if type(value) in (list, tuple):
        return type(value)(_special(one, rng) for one in value)
    return {key: _special(one, rng) for key, one in value.items()} if type(value) is dict else value


def _placed(n: int, rng: random.Random) -> list[tuple[int, float]]:
    """Special values, and places for them of which none is taken twice."""
    return list(zip(rng.sample(range(n), min(n, len(SPECIAL))), rng.sample(SPECIAL, len(SPECIAL)), strict=False))


def copied(value: Any) -> Any:
    """A deep copy. Raises BadInput where there can be none."""
    try:
        return copy.deepcopy(value)
    except Exception as error:
        raise BadInput(
            f"The example cannot be copied: {type(error).__name__}: {error}. Expected values that copy.deepcopy "
            "copies, or a function make(size, rng) that makes them anew."
        ) from error
