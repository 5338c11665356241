"""What a call leaves changed of the process: noted, and put back as it was."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any

from speedproof.errors import NotEquivalent
from speedproof.gate.state import FUNCTIONS, Snapshot, watched
from speedproof.pairs.aspect import Aspect
from speedproof.pairs.kit import Kit
from speedproof.pairs.marks import Same

from .files import FILES, NOTHING, Entry, noted

Place = tuple[str, str]
"""An aspect of the process's state, and what in it."""
ASIDE = (FUNCTIONS, "running threads", "child processes")
"""Aspects that cannot be put back in whole, or that no reference changes."""


@cache
def compared(kit: Kit) -> tuple[Aspect, ...]:
    """Aspects in which a candidate must do as the reference does. Where random generators stand is told by itself."""
    return tuple(
        aspect
        for aspect in watched(kit)
        if aspect.put_back
        and not aspect.of_subject
        and aspect.name not in ASIDE
        and not aspect.name.endswith("random state")
    )


@contextmanager
def kept_apart(kit: Kit, of_state: bool) -> Iterator[Mapping[Place, Any]]:
    """Puts back what is changed within: in the folder that is written into, and, with `of_state`, of the process's
    state. Afterwards the mapping says what."""
    with noted() as left, _state_noted(kit, left) if of_state else nullcontext():
        yield left


@contextmanager
def _state_noted(kit: Kit, left: dict[Place, Any]) -> Iterator[None]:
    before = Snapshot(kit, {}, keep=True, aspects=compared(kit))
    try:
        yield
    finally:
        after = before.now()
        for aspect, changed in before.changes(after):
            left |= {(aspect.name, str(place)): _seen(after[aspect.name], place) for place in changed}
        if left:
            before.put_back()


def _seen(value: Any, place: Any) -> Any:
    return _told(value.get(place, NOTHING) if isinstance(value, Mapping) else value)


def _told(found: Any) -> Any:
    """What stands there. An object that is no plain data, such as a handler, goes by its name or its class: each call
    may make one anew."""
    if isinstance(found, Same):
        return getattr(found.value, "__qualname__", None) or repr(type(found.value))
    return tuple(map(_told, found)) if type(found) is tuple else found


def state_objection(wanted: Mapping[Place, Any], left: Mapping[Place, Any]) -> NotEquivalent | None:
    """What is wrong with the state that a candidate left."""
    for place in [*wanted, *left]:
        if place in wanted and place in left and wanted[place] == left[place]:
            continue
        aspect, what = place
        of = f" ({what})" if what != aspect else ""
        mine, its = left.get(place), wanted.get(place)
        if isinstance(mine, Entry) and isinstance(its, Entry):
            told = f"writes another {what}: it {its.apart(mine)}."
        elif aspect == FILES:
            told = _of_file(what, place in wanted, its, mine)
        elif place not in left:
            told = f"leaves the {aspect}{of} as before, where the reference changes it."
        elif place not in wanted:
            told = f"changes the {aspect}{of}, which the reference does not."
        else:
            told = f"leaves the {aspect}{of} as {left[place]!r:.60}, the reference as {wanted[place]!r:.60}."
        return NotEquivalent(aspect, told)
    return None


def _of_file(path: str, is_wanted: bool, its: Any, mine: Any) -> str:
    """Of a file that one of the two leaves as it was, or deletes."""
    if its == NOTHING:
        return f"does not delete {path}, which the reference does."
    if mine == NOTHING:
        return f"deletes {path}, which the reference does not."
    if is_wanted:
        return f"does not make or change {path}, which the reference does."
    return f"makes or changes {path}, which the reference does not."
