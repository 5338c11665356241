"""The check: one question put to the gate. There is no other way to a certificate, and it fails closed."""

import inspect
import os
import shlex
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import chdir, closing, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any

from speedproof.callables import name_of, where
from speedproof.clock import elapsed_s
from speedproof.environment import current_environment
from speedproof.errors import NotEquivalent
from speedproof.failures import show_where_asked
from speedproof.folders import CACHE, ROOT
from speedproof.pairs.contract import Evidence, Inputs, settle
from speedproof.pairs.finding import Finding, Pair
from speedproof.pairs.subjects import Subject
from speedproof.pairs.trial import Asking, Call, Trial
from speedproof.pairs.workload import Workload
from speedproof.processes import bounded

from . import built, outputs, pinned, refusals, state, watching
from .baseline import UNREADABLE, Baseline
from .certificate import Certificate, Code, Refusal, issue, sources
from .gate import GATE, Gate, allowed_error
from .trials import new_seed, trials_of

SHORTEST_LIMIT_S = 60.0
"""Seconds that any call of a candidate may take."""
HANGS = 50.0
"""Times the definition's own seconds on all items that a call may take beyond that: slower by more is no rewrite of
anything, and some trials have longer texts than the workload."""


def certify(
    finding: Finding,
    pair: Pair,
    workload: Workload,
    candidate: Callable[..., Any] | None = None,
    subject: Subject | None = None,
    gate: Gate = GATE,
    seed: int | None = None,
    called: str = "",
) -> Certificate | Refusal:
    """Check `candidate` (the batched twin unless given) against the definition and the pair's reference.

    The definition is held to the rounding bound alone, the candidate to twice the definition's error and the bound, in
    every trial (`trials.py`) and by every rule. `seed` draws the fresh texts; without it they cannot be foreseen.
    `called` is what the user calls the candidate, FILE.py:NAME; without it, its own name and place are told.
    Whatever the candidate does, the answer is a certificate or a refusal.

    Raises:
        BadInput: the subject cannot be loaded, the gate names what the pair has not, or the definition itself raises on
            this workload.
    """
    gate.require_known(pair)
    subject = subject or pair.subject(workload)
    seed = new_seed() if seed is None else seed
    return Check(finding, pair, workload, candidate or pair.batched, subject, gate, seed, called).answer()


@dataclass
class Check:
    """A candidate, what it is held against, and how far the check has got."""

    finding: Finding
    pair: Pair
    workload: Workload
    candidate: Callable[..., Any]
    subject: Subject
    gate: Gate
    seed: int
    called: str = ""
    trial: Trial | None = None
    n_calls: int = 0
    n_answered: int = 0
    exits: bool = False
    """Whether the candidate ended the process instead of answering."""
    places: dict[str, str] = field(default_factory=dict)
    """Folder that an input named -> the input's name; a refusal speaks of the latter, which is no one machine's."""
    kept: list[Any] = field(default_factory=list)
    """Outputs so far, alive, so that memory which is used again is seen to be."""
    held: set[int] = field(default_factory=set)
    """Their memory."""

    def __post_init__(self) -> None:
        self.kit = self.pair.kit
        self.kit.use_threads(self.workload.n_threads)
        reference = self.pair.reference(self.subject)
        self.floor = self.pair.equivalence.floor(self.subject)
        own_name = self.called.rpartition(":")[2] or name_of(self.candidate)
        self.twin = "batched" if self.candidate is self.pair.batched else own_name
        self.modules = self.pair.modules(self.subject)
        # Whether a check can tell anything is asked of all items; a few may well be alike.
        self.without_in_trials = self.gate.without | {"informative"}
        about = (self.workload, self.subject, reference)
        self.definition = Baseline(self.pair, *about, self.floor, self.gate.without, self.modules)
        self.asking = Asking(self.pair.inputs, *about, self.seed, self.definition.passes)

    def answer(self) -> Certificate | Refusal:
        """The gate's answer."""
        try:
            self._heed(pinned.objection(self.finding, self.pair))
            definition = self.definition.evidence()
            self.allowed = allowed_error(definition, self.floor)
            with state.restored(self.kit, self.modules):
                evidence = [seen for trial in trials_of(self.pair) for seen in self._trial(trial)]
                self._refuses()
            self._heed(self._proves_nothing())
        except NotEquivalent as error:
            return self._refuse(error)
        return self._certificate(definition, evidence)

    def _heed(self, objection: NotEquivalent | None) -> None:
        if objection and objection.rule not in self.gate.without:
            raise objection

    def _heed_all(self, objections: Iterable[NotEquivalent]) -> None:
        for objection in objections:
            self._heed(objection)

    def _proves_nothing(self) -> NotEquivalent | None:
        if self.pair.items or self.asking.n_told_apart:
            return None
        told = "the check is invalid: no trial was seen to change the answer."
        if not self.pair.picks_items:
            told += (
                " Expected inputs whose answers differ; these are always the same, or so is what the reference says."
            )
        return NotEquivalent("informative", told)

    def _trial(self, trial: Trial) -> list[Evidence]:
        if trial.name in self.gate.left_out:
            return []
        self.trial = trial
        try:
            return list(self._calls(trial))
        except NotEquivalent:
            if not self._find_defects(trial):
                raise
        return list(self._calls(trial))

    def _calls(self, trial: Trial) -> Iterator[Evidence]:
        # Closed at once, also after an objection, so that what a trial altered is put back.
        with closing(trial.calls(self.asking)) as calls, suppress(StopIteration):
            output = None
            while True:
                evidence, output = self._call(calls.send(output))
                yield evidence

    @property
    def limit_s(self) -> float:
        """Seconds after which a call of the candidate is taken to hang."""
        return max(SHORTEST_LIMIT_S, HANGS * self.definition.took_s)

    def _find_defects(self, trial: Trial) -> bool:
        """Whether the definition itself is wrong about some of what is asked; the trial is then made without that."""
        single = trial.singly(self.asking) if trial.singly else {}
        asked = {name: one for name, one in single.items() if name not in self.asking.defects}
        wrong = {name for name, one in asked.items() if not self.definition.is_right_about(one)}
        if wrong:
            self.asking.untried[f"{len(wrong)} {trial.name} on which the definition itself is wrong"] = None
            self.asking.defects |= wrong
        return bool(wrong)

    def _call(self, call: Call) -> tuple[Evidence, Any]:
        """One call of the candidate, and its output. Raises NotEquivalent where anything is wrong with it."""
        inputs = call.inputs
        self.n_calls += 1
        self.places = {str(value): f"<{name}>" for name, value in inputs.items() if isinstance(value, Path)}
        before = state.before_call(self.kit, self.modules, self.definition.changes)
        given = outputs.fingerprint(self.kit, inputs)
        raised = False
        try:
            with watching.watching(self.pair.may_write_in(inputs)), self.pair.equivalence.during(inputs):
                with bounded(self.limit_s, f"{self.twin} in trial {self.trial.name!r}" if self.trial else self.twin):
                    output, _ = elapsed_s(self._bound(call), self.kit.wait)
        except (Exception, SystemExit) as error:
            self.exits = isinstance(error, SystemExit)
            show_where_asked(error)
            if objection := self.pair.equivalence.raised(inputs, error):
                self._heed(objection)
                return Evidence(0), None
            output, raised = None, True
        for objection in state.left_behind(before, self.definition.changes, partial(self._ask_again, call)):
            if not self._is_of_others(objection, before, inputs):
                self._heed(objection)
        self._heed(self.pair.equivalence.left(inputs, outputs.fingerprint(self.kit, inputs) == given))
        if raised:
            # As the definition does.
            self.n_answered += 1
            return Evidence(1), None
        foreign, held = outputs.memory(self.kit, dict(inputs)), self.held
        if self.pair.equivalence.may_share(inputs):
            foreign, held = set(), held - foreign
        usual = self.pair.equivalence.autograd(inputs) or self.definition.autograd
        self._heed_all(outputs.objections(self.kit, output, held, foreign, usual))
        if not self.pair.picks_items:
            # Anybody's answers may be large, and one that is used again is so at once.
            self.kept.clear()
            self.held.clear()
        self.kept.append(output)
        self.held |= outputs.memory(self.kit, output)
        self.n_answered += 1
        return self._examined(inputs, call.reference, output), output

    def _bound(self, call: Call) -> Callable[[], Any]:
        """The candidate with its arguments, as the call gives them."""
        if call.how == "by position":
            n = n_by_position(call.inputs, self.pair.sequential)
            names = [*inspect.signature(self.pair.sequential).parameters][:n]
            rest = {name: value for name, value in call.inputs.items() if name not in names}
            return partial(self.candidate, *(call.inputs[name] for name in names), **rest)
        given = call.inputs.keys() - (self.pair.defaults if call.how == "defaults left out" else ())
        return partial(self.candidate, **{name: value for name, value in call.inputs.items() if name in given})

    def _refuses(self) -> None:
        """What the definition refuses by its documentation, the candidate must refuse."""
        self.trial = None
        fine = self.asking.inputs(range(min(2, self.workload.n_items)))
        for refused in self.pair.refused:
            self._heed(refusals.objection(self.pair.sequential, self.candidate, refused, fine))

    def _ask_again(self, call: Call) -> None:
        with suppress(Exception, SystemExit):
            self._bound(call)()

    def _is_of_others(self, objection: NotEquivalent, before: Mapping[str, Any], inputs: Inputs) -> bool:
        """Whether names that came or went in the working directory are another program's doing.

        They are where the candidate, asked again in an empty folder, leaves none there.
        """
        if objection.rule != "files" or watching.written() != before["files"].written:
            return False
        with tempfile.TemporaryDirectory() as empty, chdir(empty), suppress(Exception):
            self.candidate(**inputs)
            return not os.listdir(empty)
        return False

    def _examined(self, inputs: Inputs, reference: Any, output: Any) -> Evidence:
        try:
            evidence = settle(
                self.pair.equivalence.examine(inputs, reference, output, self.allowed), without=self._without_now
            )
            self._heed_all(built.objections(output, self.definition.outputs))
            return evidence
        except NotEquivalent as error:
            pattern = self.pair.equivalence.diagnose(inputs, reference, output, self.allowed)
            raise NotEquivalent(error.rule, f"{error} {pattern}".strip(), error.excess) from error
        except UNREADABLE as error:
            # The output is not built as the equivalence reads it.
            self._heed_all(built.objections(output, self.definition.outputs))
            self._heed(NotEquivalent("type", f"returns what cannot be read as the answer: {error!r}."))
            return Evidence(0)

    @property
    def _without_now(self) -> frozenset[str]:
        """A workload of one item tells nothing apart, so there the trial of hostile ones has to."""
        alone = self.workload.n_items == 1 and self.trial and self.trial.singly
        return self.gate.without if alone else self.without_in_trials

    def _refuse(self, error: NotEquivalent) -> Refusal:
        finding, pair, workload = self.finding, self.pair, self.workload
        code = CODES.get(error.rule, "not equivalent")
        never = self.pair.picks_items and not self.n_answered
        if error.rule == "raises" and (self.exits or never):
            code = "failed"
        who = f"{self.twin} " if pair.picks_items else f"{name_of(self.candidate)}: "
        told = "" if code in ("definition changed", "definition wrong", "invalid check") else who
        trial = self.trial.name if self.trial else ""
        during = f" Trial: {trial} ({self.trial.why})." if self.trial and self.n_calls > 1 else ""
        words = str(error)
        # What is below the project and the cache is no one machine's either; the cache may lie in the project.
        for place, name in (*self.places.items(), (str(CACHE), "<cache>"), (f"{ROOT}{os.sep}", "")):
            words = words.replace(place, name)
        about = f"{finding.name} on {workload.label}: " if pair.picks_items else ""
        reason = f"{about}{told}{words}{during} Reproduce: {self._command()}"
        # What cannot be written down in UTF-8 cannot be recorded.
        reason = reason.encode("utf-8", "backslashreplace").decode()
        common = (finding.name, pair.name, workload, self.twin)
        return Refusal(*common, code, reason, error.rule, trial, error.excess)

    def _command(self) -> str:
        """What gives the same refusal again."""
        if command := self.pair.command(self.seed):
            return command
        workload = self.workload
        parts = [f"python -m bench check {self.finding.name} --function {self.pair.name} --workload {workload.name}"]
        parts += [f"--subject {workload.subject}"]
        parts += [f"--dtype {workload.dtype}"] if workload.dtype != "float32" else []
        parts += ["--texts THE_SAME_FILE"] if workload.form == "given" else []
        parts += [f"--seed {self.seed}"] if self.trial and self.trial.seeded else []
        parts += [f"--candidate {self.called or where(self.candidate)}"] if self.twin != "batched" else []
        parts += [f"--allow {shlex.quote(f'{name}: {why}')}" for name, why in self.gate.allowed]
        return " ".join(parts)

    def _certificate(self, definition: Evidence, evidence: list[Evidence]) -> Certificate:
        worst = max(evidence, key=lambda seen: seen.worst_errors.get("element", 0.0))
        return issue(
            finding=self.finding.name,
            function=self.pair.name,
            workload=self.workload,
            twin=self.twin,
            sources=sources(self.pair, self.candidate),
            environment=current_environment().digest,
            allowed=self.allowed,
            definition=definition,
            candidate=replace(
                worst,
                n_compared=sum(seen.n_compared for seen in evidence),
                n_in_band=sum(seen.n_in_band for seen in evidence),
            ),
            n_checks=len(evidence),
            workload_digest=self.workload.digest,
            subject_digest=self.pair.subject_digest(self.subject),
            untried=tuple(self.asking.untried),
            gate=self.gate.digest(self.pair),
            allowed_to=dict(self.gate.allowed),
        )


def n_by_position(inputs: Inputs, function: Callable[..., Any]) -> int:
    """How many arguments can be given by position: the first ones, as long as the inputs have them."""
    parameters = inspect.signature(function).parameters.values()
    taken = takewhile(lambda p: p.name in inputs and p.kind is p.POSITIONAL_OR_KEYWORD, parameters)
    return sum(1 for _ in taken)


CODES: dict[str, Code] = {
    "definition pinned": "definition changed",
    "definition right": "definition wrong",
    "informative": "invalid check",
}
"""Rules whose refusals go by another code than `not equivalent`. A candidate that never answered has failed."""
