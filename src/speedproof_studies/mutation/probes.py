"""Probes: questions to the gate whose answers are known. A mutant that changes one of them is noticed, or killed."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import FrameType, ModuleType
from typing import Any

from bench.controls import CONTROLS
from bench.findings import FINDINGS
from speedproof.clock import monotonic_s
from speedproof.gate import watching
from speedproof.gate.certificate import Certificate, Refusal
from speedproof.gate.check import certify
from speedproof.gate.control import SEED, Control
from speedproof.pairs.finding import Finding, Pair
from speedproof.pairs.subjects import Subject, Subjects
from speedproof.pairs.workload import Workload

from .planting import RULER

TWIN_WORKLOADS = ("smoke", "hostile")
"""What a mutated twin is shown the gate on, where its pair has it."""
KINDS_OF_SUBJECT = ("tiny:jumprelu", "tiny:topk", "tiny:gated", "tiny:hook_z")
"""Subjects on which the first finding's twins must pass too: each kind of SAE decides in its own way who fires, and a
hook inside attention gives a vector per head."""


@dataclass(frozen=True)
class Probe:
    """One question. `ask` says what is wrong with the answer, or nothing."""

    name: str
    ask: Callable[[], str]


@dataclass(frozen=True)
class Asked:
    """What a probe of the unmutated code took: seconds, and the functions of the ruler that it ran."""

    name: str
    wrong: str
    seconds: float
    entered: frozenset[tuple[str, str]]


def twin_probes(module: ModuleType, subjects: Subjects) -> list[Probe]:
    """The gate's answers to the batched twins that `module` holds, in place of those of its name."""

    def ask(finding: Finding, pair: Pair, workload: Workload) -> str:
        answer = certify(
            finding,
            pair,
            _alone(workload),
            getattr(module, pair.name),
            subjects.kept(pair.subject(workload)),
            seed=SEED,
        )
        return "" if isinstance(answer, Certificate) else answer.rule

    held = [(f, p) for f in FINDINGS for p in f.pairs if p.batched.__module__ == module.__name__]
    signatures = [Probe(f"{p.name} signature", partial(_signature, p, module)) for _, p in held]
    return signatures + [
        Probe(f"{pair.name} {workload.name}", partial(ask, finding, pair, workload))
        for finding, pair in held
        for workload in _asked_of(finding, pair)
    ]


def _asked_of(finding: Finding, pair: Pair) -> list[Workload]:
    smoke = pair.workload("smoke")
    kinds = KINDS_OF_SUBJECT if finding is FINDINGS[0] else ()
    named = [workload for workload in pair.workloads if workload.name in TWIN_WORKLOADS]
    return [*named, *(replace(smoke, name=kind, subject=kind) for kind in kinds)]


def _signature(pair: Pair, module: ModuleType) -> str:
    """Whoever brings a function of their own is asked this before the gate is (`pairs/candidate.py`)."""
    try:
        pair.require_signature(getattr(module, pair.name))
    except ValueError:
        return "signature"
    return ""


def gate_probes(subjects: Subjects) -> list[Probe]:
    """Every control must be judged as it should be, and every batched twin must pass."""
    controls = [
        Probe(f"control {c.finding.name} {c.name} {c.on.name}", partial(_judged, c, subjects)) for c in CONTROLS
    ]
    twins = [
        Probe(f"twin {p.name} {name}", partial(_passes, f, p, _subject(p, name, subjects)))
        for f in FINDINGS
        for p in f.pairs
        for name in ("tiny", *(KINDS_OF_SUBJECT if p is FINDINGS[0].pairs[0] else ()))
    ]
    return [*controls, *twins]


def _subject(pair: Pair, name: str, subjects: Subjects) -> Subject:
    return subjects.kept(pair.subject(replace(pair.workload("smoke"), subject=name)))


def _judged(control: Control, subjects: Subjects) -> str:
    alone = replace(control, workload=_alone(control.on))
    judgement = alone.judge(subjects.kept(control.pair.subject(control.on)))
    return "" if judgement.as_expected else _told(judgement.answer)


def _passes(finding: Finding, pair: Pair, subject: Subject) -> str:
    answer = certify(finding, pair, _alone(pair.workload("smoke")), subject=subject, seed=SEED)
    return answer.rule if isinstance(answer, Refusal) else ""


def _alone(workload: Workload) -> Workload:
    """On one thread: several trials run at once, and threads that outnumber the cores wait for each other."""
    return replace(workload, n_threads=1)


def _told(answer: Certificate | Refusal) -> str:
    return answer.rule if isinstance(answer, Refusal) else "passes"


def first_wrong(probes: Sequence[Probe]) -> tuple[str, str]:
    """The name of the first probe whose answer is wrong, and what it says; two empty strings where none is."""
    for probe in probes:
        try:
            wrong = probe.ask()
        except Exception as error:
            wrong = f"raises {type(error).__name__}"
        if wrong:
            return probe.name, wrong
    return "", ""


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
        _, wrong = first_wrong([probe])
    finally:
        sys.settrace(None)
    ours = frozenset((module, name) for module, name in entered if module.split(".")[0] in RULER)
    return Asked(probe.name, wrong, monotonic_s() - start, ours)
