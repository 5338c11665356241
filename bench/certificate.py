"""Certificates: evidence that a function gives the definition's answer, for this source, workload and environment.

There is one way to get a certificate, `certify`, and measuring cannot be asked for without one.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch

from . import state
from .clock import elapsed_s
from .digest import digest, source_digest
from .environment import current_environment
from .equivalence import METRICS, Allowed, Evidence, Inputs
from .errors import BadInput, NotEquivalent, Uncertified
from .finding import Finding, Pair
from .oracle import Oracle
from .subject import Subject, find_subject
from .workload import Workload

DEFINITION_FACTOR = 2.0
"""A candidate's error may be this many times the definition's own: both are roundings of the same number, and which
of two equally good roundings is closer is chance. PyTorch's dynamo benchmarks use the same factor."""


@dataclass(frozen=True)
class Certificate:
    """Evidence of equivalence. Issued by `certify` alone; `seal` ties the fields together.

    `allowed` is what the candidate was held to, per measure; outputs of timed calls are held to it again.
    """

    finding: str
    function: str
    workload: Workload
    twin: str
    sources: Mapping[str, str]
    environment: str
    allowed: Allowed
    definition: Evidence
    candidate: Evidence
    n_checks: int
    seal: str = field(repr=False)

    def __post_init__(self) -> None:
        if self.seal != _seal(self.__dict__):
            raise Uncertified("A certificate can only come from certify(); this one's seal does not fit its content.")

    def require_covers(self, finding: Finding, pair: Pair, workload: Workload, candidate: Callable[..., Any]) -> None:
        """Raises Uncertified, saying what changed, unless this certificate is for exactly this and holds here."""
        here = {
            "finding": (self.finding, finding.name),
            "function": (self.function, pair.name),
            "workload": (self.workload.digest, workload.digest),
            "source": (dict(self.sources), _sources(pair, candidate)),
            "environment": (self.environment, current_environment().digest),
        }
        changed = [name for name, (certified, present) in here.items() if certified != present]
        if changed:
            raise Uncertified(
                f"{finding.name} on {workload.name!r} is not certified: {', '.join(changed)} changed since the check. "
                f"Expected a certificate for what is measured. Run: python -m bench check {finding.name}"
            )


Code = Literal["not equivalent", "definition changed", "definition wrong", "failed"]
"""Why a check did not pass, in two words."""


@dataclass(frozen=True)
class Refusal:
    """Why there is no certificate: the code of the reason, and the reason in the user's words."""

    finding: str
    function: str
    workload: Workload
    twin: str
    code: Code
    reason: str

    def __str__(self) -> str:
        return f"WITHHELD({self.code}: {self.reason})"


def certify(
    finding: Finding,
    pair: Pair,
    workload: Workload,
    candidate: Callable[..., Any] | None = None,
    subject: Subject | None = None,
) -> Certificate | Refusal:
    """Check `candidate` (the batched twin unless given) against the definition and the oracle.

    The definition is held to the rounding bound alone, the candidate to twice the definition's error and the bound.
    The candidate is called with all items, again, in another order, with half of them and with items repeated, each
    time on fresh inputs. Whatever the candidate does, the answer is a certificate or a refusal.

    Raises:
        BadInput: the subject cannot be loaded, or the definition itself raises on this workload.
    """
    subject = subject or find_subject(workload.subject, workload.dtype)
    return _Check(finding, pair, workload, candidate or pair.batched, subject).answer()


@dataclass
class _Check:
    """One question put to the gate."""

    finding: Finding
    pair: Pair
    workload: Workload
    candidate: Callable[..., Any]
    subject: Subject

    def __post_init__(self) -> None:
        torch.set_num_threads(self.workload.n_threads)
        self.oracle = Oracle(self.subject)
        self.floor = rounding_bound(self.pair, self.subject)
        self.twin = "batched" if self.candidate is self.pair.batched else self.candidate.__name__

    def answer(self) -> Certificate | Refusal:
        if source_digest(self.pair.sequential) != self.finding.definition_digest:
            return self._refuse(
                "definition changed",
                f"impl_sequential/{self.finding.name}.py has digest {source_digest(self.pair.sequential)}, pinned is "
                f"{self.finding.definition_digest}. A definition is never tuned; restore it, or pin the new digest, "
                "which retires the old records.",
            )
        try:
            definition = self._definition()
        except NotEquivalent as error:
            return self._refuse("definition wrong", f"the definition disagrees with the oracle: {error}")
        allowed = {m: DEFINITION_FACTOR * definition.worst_errors.get(m, 0.0) + self.floor[m] for m in METRICS}
        evidence: list[Evidence] = []
        with state.restored(self.subject, self.pair.uses_model):
            for order in _orders(self.workload.n_items):
                seen = self._candidate(self.pair.inputs(self.workload, self.subject, order), allowed)
                if isinstance(seen, Refusal):
                    return seen
                evidence.append(seen)
        return self._certificate(allowed, definition, evidence)

    def _definition(self) -> Evidence:
        inputs = self.pair.inputs(self.workload, self.subject, None)
        try:
            output, _ = elapsed_s(partial(self.pair.sequential, **inputs))
        except Exception as error:
            raise BadInput(
                f"{self.finding.name} on {_label(self.workload)}: the definition itself raised "
                f"{type(error).__name__}: {str(error)[:300]}. Expected a workload that it can run."
            ) from error
        return self.pair.equivalence.check(inputs, self.oracle, output, self.floor)

    def _candidate(self, inputs: Inputs, allowed: Allowed) -> Evidence | Refusal:
        """One call of the candidate, and what is wrong with it if anything is."""
        before, fingerprint = state.snapshot(self.subject, self.pair.uses_model), _fingerprint(inputs)
        try:
            output, _ = elapsed_s(partial(self.candidate, **inputs))
        except (Exception, SystemExit) as error:
            return self._refuse("failed", f"raised {type(error).__name__}: {str(error)[:300]}.")
        try:
            state.require_unchanged(before, state.snapshot(self.subject, self.pair.uses_model))
            if _fingerprint(inputs) != fingerprint:
                raise NotEquivalent("changes its inputs. Expected them as they were given.")
            return self.pair.equivalence.check(inputs, self.oracle, output, allowed)
        except NotEquivalent as error:
            pattern = self.pair.explain(inputs, self.subject, output) if self.pair.explain else ""
            return self._refuse("not equivalent", f"{error} {pattern}".strip())
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            # The output is not built as the equivalence reads it.
            return self._refuse("not equivalent", f"returns what cannot be read as the answer: {error!r}.")

    def _refuse(self, code: Code, error: str) -> Refusal:
        finding, pair, workload = self.finding, self.pair, self.workload
        again = f"Reproduce: python -m bench check {finding.name} --function {pair.name} --workload {workload.name}"
        again += f" --subject {workload.subject}"
        again += "" if self.twin == "batched" else f" --candidate {_where(self.candidate)}"
        who = "" if code.startswith("definition") else f"{self.twin} "
        reason = f"{finding.name} on {_label(workload)}: {who}{error} {again}"
        return Refusal(finding.name, pair.name, workload, self.twin, code, reason)

    def _certificate(self, allowed: Allowed, definition: Evidence, evidence: list[Evidence]) -> Certificate:
        content: dict[str, Any] = {
            "finding": self.finding.name,
            "function": self.pair.name,
            "workload": self.workload,
            "twin": self.twin,
            "sources": _sources(self.pair, self.candidate),
            "environment": current_environment().digest,
            "allowed": allowed if self.pair.equivalence.why else {},
            "definition": definition,
            "candidate": max(evidence, key=lambda seen: seen.worst_errors.get("element", 0.0)),
            "n_checks": len(evidence),
        }
        return Certificate(**content, seal=_seal(content))


def recheck(certificate: Certificate, pair: Pair, inputs: Inputs, oracle: Oracle, output: Any) -> None:
    """Hold the output of a timed call to what was certified. Raises NotEquivalent."""
    pair.equivalence.check(inputs, oracle, output, {m: certificate.allowed.get(m, 0.0) for m in METRICS})


def rounding_bound(pair: Pair, subject: Subject) -> Allowed:
    """Share of the output's scale that rounding may move it by: u * sqrt(d_model) * (blocks + 1).

    u is the type's unit roundoff. A sum's rounding errors are nearly independent and grow with the square root of its
    length, which for the encoder and most of a block is d_model (Higham and Mary, "A new approach to
    probabilistic rounding error analysis", 2019; Ipsen and Zhou, arXiv:1906.10465). One such error for each block and
    one for the SAE's encoder.
    """
    if not pair.equivalence.why:
        return dict.fromkeys(METRICS, 0.0)
    unit_roundoff = torch.finfo(getattr(torch, subject.dtype)).eps / 2
    return dict.fromkeys(METRICS, unit_roundoff * subject.d_model**0.5 * (subject.depth + 1))


def _orders(n_items: int) -> list[list[int]]:
    """All items, again, backwards, the second half, and the first item repeated among the others."""
    everything = list(range(n_items))
    return [everything, everything, everything[::-1], everything[n_items // 2 :], [0, *everything[: n_items // 3], 0]]


def _label(workload: Workload) -> str:
    return f"{workload.name!r} ({workload.subject}, {workload.dtype})"


def _where(candidate: Callable[..., Any]) -> str:
    """FILE.py:FUNCTION, relative to the current folder where it lies below it."""
    path = Path(inspect.getsourcefile(candidate) or "?")
    return f"{path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}:{candidate.__name__}"


def _fingerprint(inputs: Inputs) -> str:
    plain = {k: v for k, v in inputs.items() if isinstance(v, str | int | float | list | dict) and k != "saes"}
    tensors = {k: (v._version, v.data_ptr()) for k, v in inputs.items() if isinstance(v, torch.Tensor)}
    return digest([plain, tensors])


def _sources(pair: Pair, candidate: Callable[..., Any]) -> dict[str, str]:
    return {"sequential": source_digest(pair.sequential), "candidate": source_digest(candidate)}


def _seal(content: Mapping[str, Any]) -> str:
    return digest({name: repr(value) for name, value in content.items() if name != "seal"})
