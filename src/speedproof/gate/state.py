"""What a call must leave as it found it, aspect by aspect: each is a rule of the gate by itself.

One list says what is watched, how it is seen and how it is put back: what every process has, and what a pair's kit
knows of its libraries. The topics are in `aspects/`.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from speedproof.errors import NotEquivalent
from speedproof.pairs.aspect import Aspect, Key, Scene
from speedproof.pairs.kit import Kit

from . import watching
from .aspects.of_numbers import NUMBERS
from .aspects.of_process import PROCESS
from .aspects.of_python import PYTHON

N_SHOWN = 3
"""Things that a refusal names of what changed."""

FUNCTIONS = "functions"
FILES = Aspect(
    "files",
    lambda _: watching.files(),
    why_not="what was written may stand where something else stood, and nobody knows what",
)

Usual = frozenset[tuple[str, Any]]
"""(aspect, attribute) that the definition itself changes, so that nobody is blamed for it."""


@cache
def watched(kit: Kit) -> tuple[Aspect, ...]:
    """Every aspect, in the order in which it is looked at and put back."""
    return (*kit.aspects, *NUMBERS, *PYTHON, *PROCESS, FILES, _functions(kit))


def _functions(kit: Kit) -> Aspect:
    """A library may load more of itself; only what was there before counts, and what is added to a class in use."""
    return Aspect(
        FUNCTIONS,
        lambda scene: watching.functions(kit, scene.modules),
        lambda scene, seen: watching.put_back(kit, dict(seen), scene.modules),
        counts=lambda place, scene: watching.is_of_a_class(kit, place, scene.modules),
    )


_last: list["Snapshot"] = []
"""The last snapshot within each `restored`. It is held, since the next one costs little where nothing changed since."""


class Snapshot(dict[str, Any]):
    """Every aspect as it is now, by name. With `keep` it holds what it takes to put everything back."""

    def __init__(
        self,
        kit: Kit,
        modules: Mapping[str, Any],
        keep: bool = False,
        known: Mapping[str, Any] | None = None,
        aspects: Sequence[Aspect] | None = None,
    ) -> None:
        """`known` are aspects that need not be looked at; `aspects` are those that count, if not all."""
        self.kit, self.scene = kit, Scene(modules, keep)
        self.aspects = watched(kit) if aspects is None else aspects
        self.n_imported = len(sys.modules)
        known = known or {}
        looked_at = [aspect for aspect in self.aspects if aspect.name not in known]
        with kit.undisturbed():
            super().__init__(known, **{aspect.name: aspect.look(self.scene) for aspect in looked_at})
        if _last and aspects is None:
            _last[-1] = self

    def now(self) -> "Snapshot":
        """The same aspects once more."""
        all_of_them = self.aspects is watched(self.kit)
        return Snapshot(self.kit, self.scene.modules, aspects=None if all_of_them else self.aspects)

    def changes(self, after: "Snapshot") -> Iterator[tuple[Aspect, list[Any]]]:
        """Each aspect, with what is no longer as it was."""
        for aspect in self.aspects:
            yield aspect, aspect.changed(self[aspect.name], after[aspect.name], after.scene)

    def put_back(self, subject_too: bool = True) -> None:
        """Undoes what changed since, as far as it can be undone; of the subject's modules only if `subject_too`."""
        for aspect, changed in self.changes(self.now()):
            if changed and aspect.put_back and (subject_too or not aspect.of_subject):
                aspect.put_back(self.scene, self[aspect.name])


def before_call(kit: Kit, modules: Mapping[str, Any], usual: Usual) -> Snapshot:
    """Every aspect before a call of the candidate.

    Functions take as long to look at as all else. They stand as they did after the last call, unless something was
    imported since, or the definition, which is called in between, replaces some.
    """
    last = _last[-1] if _last else None
    stand = (
        last is not None
        and (last.kit, last.n_imported) == (kit, len(sys.modules))
        and last.scene.modules is modules
        and not any(name == FUNCTIONS for name, _ in usual)
    )
    return Snapshot(kit, modules, known={FUNCTIONS: last[FUNCTIONS]} if last and stand else None)


def usual(before: Snapshot, after: Snapshot, everything: bool = False) -> Usual:
    """What a call of the definition changed that is the libraries' own: attributes that they made or wrote. Or all that
    it changed, where a candidate may do as the definition does."""
    return frozenset(
        (aspect.name, _attribute(place))
        for aspect, changed in before.changes(after)
        if everything or aspect.may_be_usual
        for place in changed
    )


def objections(before: Snapshot, after: Snapshot, usual: Usual = frozenset()) -> Iterator[NotEquivalent]:
    """One for each aspect that a call left changed, except in what is usual."""
    for aspect, changed in before.changes(after):
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
    after = before.now()
    found = list(objections(before, after, usual))
    of_subject = {aspect.name for aspect in watched(before.kit) if aspect.of_subject}
    certain = [objection for objection in found if objection.rule in of_subject]
    if certain or not found or after.n_imported == before.n_imported:
        return found
    before.put_back(subject_too=False)
    before = before.now()
    again()
    return list(objections(before, before.now(), usual))


@contextmanager
def restored(kit: Kit, modules: Mapping[str, Any]) -> Iterator[None]:
    """Puts back what a bad twin leaves changed, so that it spoils its own check and no later one."""
    before = Snapshot(kit, modules, keep=True)
    _last.append(before)
    try:
        yield
    finally:
        # Held until all is put back, since one more look costs little beside it.
        last = _last.pop()
        before.put_back()
        del last
