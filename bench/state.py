"""What a call must leave as it found it, aspect by aspect: each is a rule of the gate by itself.

One list says what is watched, how it is seen and how it is put back; the topics are in `aspects/`.
"""

import sys
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from . import patches
from .aspects.aspect import Aspect, Scene
from .aspects.of_modules import MODULES
from .aspects.of_numbers import NUMBERS
from .aspects.of_process import PROCESS
from .aspects.of_python import PYTHON
from .aspects.of_tokenizers import TOKENIZERS
from .aspects.of_torch import TORCH
from .aspects.walk import Key
from .errors import NotEquivalent
from .subject import Subject

N_SHOWN = 3
"""Things that a refusal names of what changed."""

WATCHED: tuple[Aspect, ...] = (
    *TORCH,
    *MODULES,
    *TOKENIZERS,
    *NUMBERS,
    *PYTHON,
    *PROCESS,
    Aspect(
        "files",
        lambda _: patches.files(),
        why_not="what was written may stand where something else stood, and nobody knows what",
    ),
    # A library may load more of itself; only what was there before counts, and what is added to a class in use.
    Aspect(
        "functions",
        lambda scene: patches.functions(scene.modules),
        lambda scene, seen: patches.put_back(dict(seen), scene.modules),
        counts=lambda place, scene: patches.is_of_a_class(place, scene.modules),
    ),
)
"""Every aspect, in the order in which it is looked at and put back."""

ASPECTS: Mapping[str, Aspect] = {aspect.name: aspect for aspect in WATCHED}
"""The same by name. A refusal names the aspect as its rule."""

OF_THE_SUBJECT = frozenset(aspect.name for aspect in (*MODULES, *TOKENIZERS))
"""Aspects of the model, the SAEs and the tokenizer."""

Modules = Mapping[str, Any]
"""The subject's model and SAEs by name; empty for a finding that uses none."""
Usual = frozenset[tuple[str, Any]]
"""(aspect, attribute) that the definition itself changes, so that nobody is blamed for it."""


class Snapshot(dict[str, Any]):
    """Every aspect as it is now, by name. With `keep` it holds what it takes to put everything back."""

    def __init__(self, modules: Mapping[str, Any], keep: bool = False) -> None:
        self.scene = Scene(modules, keep)
        self.n_imported = len(sys.modules)
        # What a function left switched on must not be asked about itself.
        with torch._C.DisableTorchFunction():
            super().__init__({aspect.name: aspect.look(self.scene) for aspect in WATCHED})

    def put_back(self, but: Container[str] = ()) -> None:
        """Undoes what changed since, as far as it can be undone, except in some aspects."""
        after = Snapshot(self.scene.modules)
        for aspect in (one for one in WATCHED if one.name not in but):
            if aspect.put_back and aspect.changed(self[aspect.name], after[aspect.name], after.scene):
                aspect.put_back(self.scene, self[aspect.name])


def snapshot(modules: Mapping[str, Any]) -> Snapshot:
    """Every aspect as it is now."""
    return Snapshot(modules)


def usual(before: Snapshot, after: Snapshot) -> Usual:
    """What a call of the definition changed that is the libraries' own: attributes that they made or wrote."""
    return frozenset(
        (aspect.name, _attribute(place))
        for aspect in WATCHED
        if aspect.may_be_usual
        for place in aspect.changed(before[aspect.name], after[aspect.name], after.scene)
    )


def objections(before: Snapshot, after: Snapshot, usual: Usual = frozenset()) -> Iterator[NotEquivalent]:
    """One for each aspect that a call left changed, except in what is usual."""
    for aspect in WATCHED:
        changed = aspect.changed(before[aspect.name], after[aspect.name], after.scene)
        counting = [place for place in changed if (aspect.name, _attribute(place)) not in usual]
        if counting:
            yield NotEquivalent(aspect.name, _told(aspect, counting))


def _attribute(place: Any) -> Any:
    return place[:2] if isinstance(place, Key) else place


def _told(aspect: Aspect, changed: list[Any]) -> str:
    names = [str(place) for place in changed[:N_SHOWN] if place != aspect.name]
    more = f" and {len(changed) - N_SHOWN} more" if len(changed) > N_SHOWN else ""
    shown = f" ({', '.join(names)}{more})" if names else ""
    return (
        f"leaves state behind: {aspect.name} changed{shown}. Expected everything as before the call. "
        f'Where the function must do so: --allow "{aspect.name}: WHY".'
    )


def left_behind(before: Snapshot, usual: Usual, again: Callable[[], Any]) -> list[NotEquivalent]:
    """The objections to the call since `before`. Where it imported something, some are asked for when called `again`.

    A module that is imported may add filters, handlers and hooks of its own. It does so once: with all of that put back
    and the module there, a second call leaves only what the function itself does. No import touches the subject.
    """
    after = Snapshot(before.scene.modules)
    found = list(objections(before, after, usual))
    certain = [objection for objection in found if objection.rule in OF_THE_SUBJECT]
    if certain or not found or after.n_imported == before.n_imported:
        return found
    before.put_back(but=OF_THE_SUBJECT)
    before = Snapshot(before.scene.modules)
    again()
    return list(objections(before, Snapshot(before.scene.modules), usual))


def modules_of(subject: Subject, uses_model: bool) -> dict[str, Any]:
    """The modules whose state counts."""
    return {"model": subject.model, **subject.saes} if uses_model else {}


@contextmanager
def restored(modules: Mapping[str, Any]) -> Iterator[None]:
    """Puts back what a bad twin leaves changed, so that it spoils its own check and no later one."""
    before = Snapshot(modules, keep=True)
    try:
        yield
    finally:
        before.put_back()
