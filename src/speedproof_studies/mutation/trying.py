"""Mutants on trial: each in a fork of its own, shown the probes until one kills it."""

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any

import torch

from speedproof import search_path
from speedproof.errors import BadInput
from speedproof.lens.subject import find_subject
from speedproof.pairs.subjects import Subjects
from speedproof_studies.forks import Outcome, forked

from .mutants import Mutant
from .planting import RULER, forget_ruler, plant
from .probes import Asked, ask_all, first_wrong, twin_probes

LIMIT_FACTOR = 4.0
"""A mutant may take so many times the seconds of the unmutated code."""
LIMIT_MARGIN = 15.0
"""Seconds on top of that: a machine in other use stretches a short trial more than a long one."""
EVERYTHING = 600.0
"""Seconds that the unmutated code may take."""


@dataclass(frozen=True)
class Fate:
    """What became of a mutant: the probe that killed it and what that said; both empty where it survived."""

    mutant: Mutant
    probe: str = ""
    how: str = ""

    @property
    def survived(self) -> bool:
        """Whether nothing noticed it."""
        return not self.probe


@dataclass
class Bench:
    """What mutants of one kind are shown to: the probes of today's code, those that kill most first."""

    asked: list[Asked]
    shown: Callable[[Mutant, Mapping[str, str]], Any]
    kills: Counter[str] = field(default_factory=Counter)

    def job(self, mutant: Mutant) -> tuple[Mutant, Callable[[], Any], float]:
        """The trial, and the seconds that it may take."""
        relevant = [one for one in self.asked if _can_notice(one, mutant)]
        relevant.sort(key=lambda one: (-self.kills[one.name], one.seconds))
        limit_s = LIMIT_FACTOR * sum(one.seconds for one in relevant) + LIMIT_MARGIN
        return mutant, partial(self.shown, mutant, {one.name: one.words for one in relevant}), limit_s

    def fate(self, mutant: Mutant, outcome: Outcome) -> Fate:
        """What the outcome of a trial says."""
        probe, how = (outcome.ended, "") if outcome.answer is None else outcome.answer
        self.kills[probe] += 1
        return Fate(mutant, probe, how)


def _can_notice(asked: Asked, mutant: Mutant) -> bool:
    """Whether the probe runs the function with the fault. What no function holds runs at import."""
    is_of_ruler = mutant.module.split(".")[0] in RULER
    return not (is_of_ruler and mutant.function) or (mutant.module, mutant.function) in asked.entered


def fates(mutants: Sequence[Mutant], workers: int) -> Iterator[Fate]:
    """What becomes of each mutant, of twins and of the gate, `workers` at a time.

    Raises:
        BadInput: a probe fails on today's code.
    """
    # Forks inherit no thread pools, so none may begin here.
    torch.set_num_threads(1)
    subjects = _warm()
    # The ruler must still be found from another folder.
    for folder, names in search_path.OWN.items():
        search_path.find_only(folder, names)
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        for modules in _groups(mutants):
            chosen = [mutant for mutant in mutants if mutant.module in modules]
            bench = _bench(modules[0], subjects, scratch)
            for mutant, outcome in forked((bench.job(mutant) for mutant in chosen), workers):
                yield bench.fate(mutant, outcome)


def _groups(mutants: Sequence[Mutant]) -> list[list[str]]:
    """Modules that share probes: each twin's alone, the gate's together."""
    modules = list(dict.fromkeys(mutant.module for mutant in mutants))
    gate = [module for module in modules if module.split(".")[0] in RULER]
    return [*([module] for module in modules if module not in gate), *([gate] if gate else [])]


def _warm() -> Subjects:
    subject = find_subject("tiny")
    # Loaded here, so that no fork has to.
    _ = subject.model, subject.saes, subject.in_float64.model, subject.in_float64.saes
    return Subjects({subject: subject})


def _bench(module: str, subjects: Subjects, scratch: str) -> Bench:
    """Today's code is shown all probes first, in a fork like the mutants', and again: words that it does not repeat do
    not count."""
    if module.split(".")[0] in RULER:
        shown, ask = partial(show_gate, scratch), partial(_ask_gate, scratch)
    else:
        shown, ask = partial(_show_twin, scratch, subjects), partial(_ask_twin, scratch, subjects, module)
    said: list[dict[str, Any]] = []
    for _, outcome in forked([("today", ask, EVERYTHING), ("again", ask, EVERYTHING)], 1):
        if outcome.answer is None:
            raise BadInput(
                f"The probes of {module} ended with {outcome.ended} on today's code: {outcome.why}. Expected all to be "
                "right."
            )
        said.append({name: words for name, _, words, *_ in outcome.answer})
    asked = [
        Asked(name, wrong, words if all(one[name] == words for one in said) else "", s, frozenset(map(tuple, entered)))
        for name, wrong, words, s, entered in outcome.answer
    ]
    if failed := [f"{one.name} ({one.wrong})" for one in asked if one.wrong]:
        raise BadInput(
            f"Probes of {module} fail on today's code: {', '.join(failed[:5])}. Expected all to be right, or no mutant "
            "can be told from it. Run: python -m bench controls"
        )
    return Bench(asked, shown)


def _apart(scratch: str) -> str:
    """A folder of this process's own, also to work in: a file that appears beside somebody else counts as written."""
    tempfile.tempdir = tempfile.mkdtemp(dir=scratch)
    os.chdir(tempfile.tempdir)
    return tempfile.tempdir


def _plain(asked: Sequence[Asked]) -> list[tuple[str, str, str, float, list[tuple[str, str]]]]:
    return [(one.name, one.wrong, one.words, one.seconds, sorted(one.entered)) for one in asked]


def _ask_twin(scratch: str, subjects: Subjects, module: str) -> Any:
    _apart(scratch)
    return _plain(ask_all(twin_probes(import_module(module), subjects)))


def _show_twin(scratch: str, subjects: Subjects, mutant: Mutant, todays: Mapping[str, str]) -> tuple[str, str]:
    _apart(scratch)
    try:
        probes = {probe.name: probe for probe in twin_probes(plant(mutant), subjects)}
    except Exception as error:
        return "import", f"raises {type(error).__name__}"
    return first_wrong([probes[name] for name in todays], todays)


def _ask_gate(scratch: str) -> Any:
    # Imported anew as for a mutant, so that the same functions run.
    probes = _anew(scratch, forget_ruler)
    return _plain(probes.ask_all(probes.gate_probes(probes.Subjects())))


def show_gate(scratch: str, mutant: Mutant, todays: Mapping[str, str]) -> tuple[str, str]:
    """The probe that the mutant of the gate gets wrong, and what it says. For a fork, in a folder below `scratch`.

    `todays` are the words that today's code says, by the names of the probes that are asked.
    """
    try:
        planted = _anew(scratch, partial(plant, mutant))
        probes = {probe.name: probe for probe in planted.gate_probes(planted.Subjects())}
    except Exception as error:
        return "import", f"raises {type(error).__name__}"
    found: tuple[str, str] = planted.first_wrong([probes[name] for name in todays], todays)
    return found


def _anew(scratch: str, renew: Callable[[], Any]) -> ModuleType:
    """The probes of the ruler as it is after `renew`, with memories of its own.

    A wrong oracle must neither read right answers nor leave wrong ones to others.
    """
    os.environ["SPEEDPROOF_CACHE"] = _apart(scratch)
    renew()
    return import_module("speedproof_studies.mutation.probes")
