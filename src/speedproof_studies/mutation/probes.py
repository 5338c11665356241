"""Probes: questions to the gate whose answers are known. A mutant that changes one of them is noticed, or killed."""

import re
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from types import FrameType, ModuleType
from typing import Any, NamedTuple

from bench.controls import CONTROLS
from bench.findings import FINDINGS
from speedproof.clock import monotonic_s
from speedproof.digest import with_shared
from speedproof.errors import NotEquivalent
from speedproof.gate import watching
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.gate.check import certify
from speedproof.gate.control import SEED, Control
from speedproof.own.asking import check_pair
from speedproof.own.pair import OwnPair
from speedproof.pairs.finding import Finding, Pair
from speedproof.pairs.subjects import Subject, Subjects
from speedproof.pairs.workload import Workload
from speedproof_studies.gate_source import path_of
from speedproof_studies.textbook import arguments, buffers, state
from speedproof_studies.textbook.entry import Entry

from .mutants import OTHER_WORDS
from .planting import RULER

TWIN_WORKLOADS = ("smoke", "hostile")
"""What a mutated twin is shown the gate on, where its pair has it."""
KINDS_OF_SUBJECT = ("tiny:jumprelu", "tiny:topk", "tiny:gated", "tiny:hook_z")
"""Subjects on which the first finding's twins must pass too: each kind of SAE decides in its own way who fires, and a
hook inside attention gives a vector per head."""
OTHER_WAYS = ("tiny:bridge", "tiny:hook_z")
"""Subjects on which the twins that share a pass go other ways: by weights that lie elsewhere, by the model itself."""


TEXTBOOK: tuple[Entry, ...] = (*arguments.ENTRIES, *buffers.ENTRIES, *state.ENTRIES)
"""Rewrites of a user's own that the gate's general part is asked about: what a call leaves behind, mostly."""
N_DIGITS = 2
"""Digits of a number that are compared between two answers' words: the last ones may hang on memory's alignment."""


class Said(NamedTuple):
    """What is wrong with an answer, or nothing; and all of its words and numbers."""

    wrong: str
    words: str = ""


@dataclass(frozen=True)
class Probe:
    """One question to the gate."""

    name: str
    ask: Callable[[], Said]


@dataclass(frozen=True)
class Asked:
    """What a probe of the unmutated code said and took: seconds, and the functions of the ruler that it ran."""

    name: str
    wrong: str
    words: str
    seconds: float
    entered: frozenset[tuple[str, str]]


def twin_probes(module: ModuleType, subjects: Subjects) -> list[Probe]:
    """The gate's answers to the batched twins that `module` holds, in place of those of its name, or that share it."""

    def ask(finding: Finding, pair: Pair, workload: Workload) -> Said:
        answer = certify(
            finding,
            pair,
            _alone(workload),
            _held(pair, module),
            subjects.kept(pair.subject(workload)),
            seed=SEED,
        )
        # Another right twin may be as right in other words, so these do not count.
        return Said("" if isinstance(answer, Certificate) else answer.rule)

    path = path_of(module.__name__)
    held = [(f, p) for f in FINDINGS for p in f.pairs if path in with_shared(path_of(p.batched.__module__))]
    signatures = [Probe(f"{p.name} signature", partial(_signature, p, module)) for _, p in held]
    return signatures + [
        Probe(f"{pair.name} {workload.name}", partial(ask, finding, pair, workload))
        for finding, pair in held
        for workload in _asked_of(finding, pair)
    ]


def _held(pair: Pair, module: ModuleType) -> Callable[..., Any]:
    """The pair's batched twin: the module's own, or that of the twin's module as it is now."""
    where = module if pair.batched.__module__ == module.__name__ else import_module(pair.batched.__module__)
    function: Callable[..., Any] = getattr(where, pair.name)
    return function


def _asked_of(finding: Finding, pair: Pair) -> list[Workload]:
    smoke = pair.workload("smoke")
    of_saes = KINDS_OF_SUBJECT if finding is FINDINGS[0] else ()
    kinds = dict.fromkeys((*of_saes, *(OTHER_WAYS if finding in FINDINGS[:2] else ())))
    named = [workload for workload in pair.workloads if workload.name in TWIN_WORKLOADS]
    return [*named, *(replace(smoke, name=kind, subject=kind) for kind in kinds)]


def _signature(pair: Pair, module: ModuleType) -> Said:
    """Whoever brings a function of their own is asked this before the gate is (`pairs/candidate.py`)."""
    try:
        pair.require_signature(_held(pair, module))
    except ValueError:
        return Said("signature")
    return Said("")


def gate_probes(subjects: Subjects) -> list[Probe]:
    """Every control and textbook rewrite must be judged as it should be, and every batched twin must pass."""
    controls = [
        Probe(f"control {c.finding.name} {c.name} {c.on.name}", partial(_judged, c, subjects)) for c in CONTROLS
    ]
    twins = [
        Probe(f"twin {p.name} {name}", partial(_passes, f, p, _subject(p, name, subjects)))
        for f in FINDINGS
        for p in f.pairs
        for name in ("tiny", *(KINDS_OF_SUBJECT if p is FINDINGS[0].pairs[0] else ()))
    ]
    own = [Probe(f"own {entry.name}", partial(_read, entry)) for entry in TEXTBOOK]
    return [*controls, *twins, *own]


def _subject(pair: Pair, name: str, subjects: Subjects) -> Subject:
    return subjects.kept(pair.subject(replace(pair.workload("smoke"), subject=name)))


def _judged(control: Control, subjects: Subjects) -> Said:
    alone = replace(control, workload=_alone(control.on))
    judgement = alone.judge(subjects.kept(control.pair.subject(control.on)))
    return Said("" if judgement.as_expected else _told(judgement.answer), _words(judgement.answer))


def _passes(finding: Finding, pair: Pair, subject: Subject) -> Said:
    answer = certify(finding, pair, _alone(pair.workload("smoke")), subject=subject, seed=SEED)
    return Said(answer.rule if isinstance(answer, Refusal) else "", _words(answer))


def _read(entry: Entry) -> Said:
    """What the check of anybody's pairs says of a textbook's rewrite, on few sizes."""
    pair = OwnPair(entry.reference, entry.candidate, entry.inputs, same=entry.same, sizes=(0, 1, 3, 20))
    try:
        words = _words(check_pair(pair, seed=SEED).certificate)
    except NotEquivalent as error:
        return Said(error.rule if entry.right else "", _plainly(f"{error.rule} {error}"))
    return Said("" if entry.right else "passes", words)


def _words(answer: Certificate | Refusal) -> str:
    """All that it says which the same question always gets as an answer."""
    if isinstance(answer, Refusal):
        return _plainly(f"{answer.code} {answer.rule} {answer.trial} {answer.excess} {answer.reason}")
    seen = answer.n_checks, answer.allowed, answer.definition, answer.candidate, answer.untried
    return _plainly(" ".join(map(str, seen)))


def _plainly(words: str) -> str:
    """Without folders of this process, and with numbers of few digits."""
    words = words.replace(tempfile.gettempdir(), "")
    return re.sub(r"\d+\.\d+(?:e[-+]?\d+)?", lambda found: f"{float(found[0]):.{N_DIGITS}g}", words)


def _alone(workload: Workload) -> Workload:
    """On one thread: several trials run at once, and threads that outnumber the cores wait for each other."""
    return replace(workload, n_threads=1)


def _told(answer: Certificate | Refusal) -> str:
    return answer.rule if isinstance(answer, Refusal) else "passes"


def first_wrong(probes: Sequence[Probe], todays: Mapping[str, str] | None = None) -> tuple[str, str]:
    """The name of the first probe whose answer is wrong, and what it says; two empty strings where none is.

    With the words that today's code says, by probe, an answer in others is wrong too.
    """
    for probe in probes:
        said = _said(probe)
        if said.wrong:
            return probe.name, said.wrong
        if todays and todays.get(probe.name, "") not in ("", said.words):
            return probe.name, OTHER_WORDS
    return "", ""


def _said(probe: Probe) -> Said:
    try:
        return probe.ask()
    except Exception as error:
        return Said(f"raises {type(error).__name__}")


def ask_all(probes: Sequence[Probe]) -> list[Asked]:
    """Asks each probe, and notes what it takes."""
    # An audit hook is traced only if it says so.
    watching._audit.__cantrace__ = True  # type: ignore[attr-defined]
    return [_asked(probe) for probe in probes]


def _asked(probe: Probe) -> Asked:
    entered: set[tuple[str, str]] = set()

    def note(frame: FrameType, event: str, value: Any) -> None:
        entered.add((frame.f_globals.get("__name__", ""), frame.f_code.co_qualname.partition(".<")[0]))

    start = monotonic_s()
    sys.settrace(note)
    try:
        said = _said(probe)
    finally:
        sys.settrace(None)
    ours = frozenset((module, name) for module, name in entered if module.split(".")[0] in RULER)
    return Asked(probe.name, said.wrong, said.words, monotonic_s() - start, ours)
