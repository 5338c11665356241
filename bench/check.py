"""The check: one question put to the gate. There is no other way to a certificate, and it fails closed."""

import inspect
import os
import shlex
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from . import outputs, patches, pinned, state
from .certificate import Certificate, Code, Refusal, issue, sources
from .clock import elapsed_s
from .diagnosis import diagnose
from .environment import current_environment
from .equivalence import Evidence, Inputs, settle
from .errors import BadInput, NotEquivalent
from .finding import Finding, Pair
from .gate import GATE, Gate, allowed_error, rounding_bound
from .oracle import Oracle
from .subject import Subject, find_subject
from .trials import Trial, new_seed, trials_for
from .workload import Workload


def certify(
    finding: Finding,
    pair: Pair,
    workload: Workload,
    candidate: Callable[..., Any] | None = None,
    subject: Subject | None = None,
    gate: Gate = GATE,
    seed: int | None = None,
) -> Certificate | Refusal:
    """Check `candidate` (the batched twin unless given) against the definition and the oracle.

    The definition is held to the rounding bound alone, the candidate to twice the definition's error and the bound, in
    every trial (`trials.py`) and by every rule. `seed` draws the fresh texts; without it they cannot be foreseen.
    Whatever the candidate does, the answer is a certificate or a refusal.

    Raises:
        BadInput: the subject cannot be loaded, or the definition itself raises on this workload.
    """
    subject = subject or find_subject(workload.subject, workload.dtype)
    seed = new_seed() if seed is None else seed
    return Check(finding, pair, workload, candidate or pair.batched, subject, gate, seed).answer()


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
    trial: Trial | None = None
    definition_s: float = 0.0
    """Seconds of the definition's call on all items: a guess at how long others will take, never a sample."""
    n_calls: int = 0
    places: dict[str, str] = field(default_factory=dict)
    """Folder that an input named -> the input's name; a refusal speaks of the latter, which is no one machine's."""
    usual_changes: state.Usual = frozenset()
    """What the definition's calls changed of the libraries' own, such as notes of the last input."""
    kept: list[Any] = field(default_factory=list)
    """Outputs so far, alive, so that memory which is used again is seen to be."""

    def __post_init__(self) -> None:
        torch.set_num_threads(self.workload.n_threads)
        self.oracle = Oracle(self.subject)
        self.floor = rounding_bound(self.pair, self.subject)
        self.twin = "batched" if self.candidate is self.pair.batched else self.candidate.__name__
        self.modules = state.modules_of(self.subject, self.pair.uses_model)
        self.weights = {p.untyped_storage().data_ptr() for m in self.modules.values() for p in m.parameters()}
        # Whether a check can tell anything is asked of all items; a few may well be alike.
        self.trial_rules = self.gate.rules - {"informative"}

    def answer(self) -> Certificate | Refusal:
        """The gate's answer."""
        try:
            self._heed(pinned.objection(self.finding, self.pair))
            definition = self._definition()
            self.allowed = allowed_error(definition, self.floor)
            with state.restored(self.modules):
                evidence = [seen for trial in trials_for(self.pair, self.workload) for seen in self._trial(trial)]
        except NotEquivalent as error:
            return self._refuse(error)
        return self._certificate(definition, evidence)

    def _heed(self, objection: NotEquivalent | None) -> None:
        if objection and objection.rule in self.gate.rules:
            raise objection

    def _definition(self) -> Evidence:
        """What the oracle says of the definition, on all items and then on three of them, in another order."""
        last, middle = self.workload.n_items - 1, self.workload.n_items // 2
        evidence, self.definition_s = self._agrees(self.pair.inputs(self.workload, self.subject, None), self.gate.rules)
        # Ends with another item than the first call, so that what a forward pass notes of its input is seen to change.
        self._agrees(self.pair.inputs(self.workload, self.subject, [middle, last, middle]), self.trial_rules)
        return evidence

    def _agrees(self, inputs: Inputs, rules: frozenset[str]) -> tuple[Evidence, float]:
        before = state.snapshot(self.modules)
        try:
            output, took_s = elapsed_s(partial(self.pair.sequential, **inputs))
            self.usual_changes |= state.usual(before, state.snapshot(self.modules))
        except Exception as error:
            raise BadInput(
                f"{self.finding.name} on {_label(self.workload)}: the definition itself raised "
                f"{type(error).__name__}: {str(error)[:300]}. Expected a workload that it can run."
            ) from error
        self.usual = outputs.autograd(output)
        try:
            return settle(self.pair.equivalence.examine(inputs, self.oracle, output, self.floor), rules), took_s
        except NotEquivalent as error:
            if error.rule == "informative":
                raise
            self._heed(NotEquivalent("definition right", f"the definition disagrees with the oracle: {error}"))
            return Evidence(0), took_s

    def _trial(self, trial: Trial) -> Iterator[Evidence]:
        if trial.name in self.gate.left_out:
            return
        self.trial = trial
        workload = trial.workload(self.workload, self.seed)
        inputs = self.pair.inputs(workload, self.subject, list(trial.pick(workload.n_items)))
        yield self._call(inputs, self.oracle.unremembered() if trial.fresh else self.oracle)
        if trial.alter:
            with trial.alter(inputs, self.subject, self.oracle) as oracle:
                yield self._call(inputs, oracle)

    def _call(self, inputs: Inputs, oracle: Oracle) -> Evidence:
        """One call of the candidate. Raises NotEquivalent where anything is wrong with it."""
        self.n_calls += 1
        self.places = {str(value): f"<{name}>" for name, value in inputs.items() if isinstance(value, Path)}
        before, given = state.snapshot(self.modules), outputs.fingerprint(inputs)
        try:
            with patches.watching(tuple(value for value in inputs.values() if isinstance(value, Path))):
                output, _ = elapsed_s(partial(self.candidate, **inputs))
        except (Exception, SystemExit) as error:
            self._heed(NotEquivalent("raises", f"raised {type(error).__name__}: {str(error)[:300]}."))
            return Evidence(0)
        for objection in state.left_behind(before, self.usual_changes, partial(self._ask_again, inputs)):
            if not self._is_of_others(objection, before, inputs):
                self._heed(objection)
        if outputs.fingerprint(inputs) != given:
            self._heed(NotEquivalent("inputs", "changes its inputs. Expected them as they were given."))
        foreign = self.weights | outputs.memory(dict(inputs))
        for objection in outputs.objections(output, self.kept, foreign, self.usual):
            self._heed(objection)
        self.kept.append(output)
        return self._examined(inputs, oracle, output)

    def _ask_again(self, inputs: Inputs) -> None:
        with suppress(Exception, SystemExit):
            self.candidate(**inputs)

    def _is_of_others(self, objection: NotEquivalent, before: Mapping[str, Any], inputs: Inputs) -> bool:
        """Whether names that came or went in the working directory are another program's doing.

        They are where the candidate, asked again in an empty folder, leaves none there.
        """
        if objection.rule != "files" or patches.written() != before["files"].written:
            return False
        with tempfile.TemporaryDirectory() as empty, chdir(empty), suppress(Exception):
            self.candidate(**inputs)
            return not os.listdir(empty)
        return False

    def _examined(self, inputs: Inputs, oracle: Oracle, output: Any) -> Evidence:
        try:
            return settle(self.pair.equivalence.examine(inputs, oracle, output, self.allowed), self.trial_rules)
        except NotEquivalent as error:
            pattern = diagnose(self.pair.equivalence, inputs, oracle, output, self.allowed)
            raise NotEquivalent(error.rule, f"{error} {pattern}".strip(), error.excess) from error
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            # The output is not built as the equivalence reads it.
            self._heed(NotEquivalent("type", f"returns what cannot be read as the answer: {error!r}."))
            return Evidence(0)

    def _refuse(self, error: NotEquivalent) -> Refusal:
        finding, pair, workload = self.finding, self.pair, self.workload
        code = CODES.get(error.rule, "not equivalent")
        told = "" if code in ("definition changed", "definition wrong", "invalid check") else f"{self.twin} "
        trial = self.trial.name if self.trial else ""
        during = f" Trial: {trial} ({self.trial.why})." if self.trial and self.n_calls > 1 else ""
        words = str(error)
        for place, name in self.places.items():
            words = words.replace(place, name)
        reason = f"{finding.name} on {_label(workload)}: {told}{words}{during} Reproduce: {self._command()}"
        common = (finding.name, pair.name, workload, self.twin)
        return Refusal(*common, code, reason, error.rule, trial, error.excess)

    def _command(self) -> str:
        """What gives the same refusal again."""
        workload = self.workload
        parts = [f"python -m bench check {self.finding.name} --function {self.pair.name} --workload {workload.name}"]
        parts += [f"--subject {workload.subject}"]
        parts += [f"--dtype {workload.dtype}"] if workload.dtype != "float32" else []
        parts += ["--texts THE_SAME_FILE"] if workload.form == "given" else []
        parts += [f"--seed {self.seed}"] if self.trial and self.trial.fresh else []
        parts += [f"--candidate {_where(self.candidate)}"] if self.twin != "batched" else []
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
            allowed=self.allowed if self.pair.equivalence.why else {},
            definition=definition,
            candidate=replace(
                worst,
                n_compared=sum(seen.n_compared for seen in evidence),
                n_in_band=sum(seen.n_in_band for seen in evidence),
            ),
            n_checks=len(evidence),
            gate=self.gate.digest,
            allowed_to=dict(self.gate.allowed),
        )


CODES: dict[str, Code] = {
    "definition pinned": "definition changed",
    "definition right": "definition wrong",
    "informative": "invalid check",
    "raises": "failed",
}
"""Rules whose refusals go by another code than `not equivalent`."""


def _label(workload: Workload) -> str:
    return f"{workload.name!r} ({workload.subject}, {workload.dtype})"


def _where(candidate: Callable[..., Any]) -> str:
    """FILE.py:FUNCTION, relative to the current folder where it lies below it."""
    path = Path(inspect.getsourcefile(candidate) or "?")
    return f"{path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}:{candidate.__name__}"
