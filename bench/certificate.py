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
from .errors import NotEquivalent, SpeedproofError, Uncertified
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


@dataclass(frozen=True)
class Refusal:
    """Why there is no certificate: the code of the reason, and the reason in the user's words."""

    finding: str
    function: str
    workload: Workload
    twin: str
    code: Literal["not equivalent", "definition changed", "definition wrong", "failed"]
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
    time on fresh inputs. Never raises for what the candidate does; bad requests raise BadInput.
    """
    candidate = candidate or pair.batched
    twin = "batched" if candidate is pair.batched else candidate.__name__

    def refuse(code: Any, error: object, inputs: Inputs | None = None, output: Any = None) -> Refusal:
        pattern = pair.explain(inputs, subject, output) if pair.explain and inputs and subject else ""
        again = f"Reproduce: python -m bench check {finding.name} --function {pair.name} --workload {workload.name}"
        again += f" --subject {workload.subject}" + ("" if twin == "batched" else f" --candidate {_where(candidate)}")
        reason = " ".join(part for part in (str(error), pattern, again) if part)
        return Refusal(finding.name, pair.name, workload, twin, code, reason)

    if source_digest(pair.sequential) != finding.definition_digest:
        return refuse(
            "definition changed",
            f"impl_sequential/{finding.name}.py is not the pinned definition {finding.definition_digest}. "
            "A definition is never tuned; restore it, or pin the new digest, which retires the old records.",
        )
    subject = subject or find_subject(workload.subject, workload.dtype)
    torch.set_num_threads(workload.n_threads)
    oracle = Oracle(subject)
    floor = rounding_bound(pair, subject)
    try:
        inputs = pair.inputs(workload, subject, None)
        output, _ = elapsed_s(partial(pair.sequential, **inputs))
        definition = pair.equivalence.check(inputs, oracle, output, floor)
    except NotEquivalent as error:
        return refuse("definition wrong", f"the definition disagrees with the oracle: {error}")
    allowed = {m: DEFINITION_FACTOR * definition.worst_errors.get(m, 0.0) + floor[m] for m in METRICS}
    evidence: list[Evidence] = []
    inputs, output = {}, None
    try:
        with state.restored(subject, pair.uses_model):
            for order in _orders(workload.n_items):
                inputs, output = pair.inputs(workload, subject, order), None
                before = state.snapshot(subject, pair.uses_model)
                fingerprint = _fingerprint(inputs)
                output, _ = elapsed_s(partial(candidate, **inputs))
                state.require_unchanged(before, state.snapshot(subject, pair.uses_model))
                if _fingerprint(inputs) != fingerprint:
                    raise NotEquivalent("changes its inputs. Expected them as they were given.")
                evidence.append(pair.equivalence.check(inputs, oracle, output, allowed))
    except NotEquivalent as error:
        return refuse("not equivalent", f"{finding.name} on {_label(workload)}: {twin} {error}", inputs, output)
    except SpeedproofError:
        raise
    except Exception as error:
        return refuse(
            "failed", f"{finding.name} on {_label(workload)}: {twin} raised {type(error).__name__}: {str(error)[:300]}."
        )
    worst = max(evidence, key=lambda e: e.worst_errors.get("element", 0.0))
    content: dict[str, Any] = {
        "finding": finding.name,
        "function": pair.name,
        "workload": workload,
        "twin": twin,
        "sources": _sources(pair, candidate),
        "environment": current_environment().digest,
        "allowed": allowed if pair.equivalence.why else {},
        "definition": definition,
        "candidate": worst,
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
