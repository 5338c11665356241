"""Plans: which two arms of a pair are timed against each other, named by the certificates that allow it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from speedproof.gate.certificate import Certificate
from speedproof.gate.gate import require_covers
from speedproof.pairs.finding import TWINS, Finding, Pair, named
from speedproof.pairs.references import Target


@dataclass(frozen=True)
class Plan:
    """One comparison to be made: a contender against a baseline, each certified. The definition needs no certificate.

    An arm against itself is the A/A pair.
    """

    target: Target
    certificate: Certificate
    """The contender's."""
    baseline_certificate: Certificate | None = None
    """The baseline's; none where that is the definition."""

    @property
    def finding(self) -> Finding:
        """The finding."""
        return self.target.finding

    @property
    def pair(self) -> Pair:
        """The pair that is measured."""
        return self.target.pair

    @property
    def baseline(self) -> str:
        """Name of the arm that the speed-up is over."""
        return self.baseline_certificate.twin if self.baseline_certificate else TWINS[0]

    @property
    def contender(self) -> str:
        """Name of the arm whose speed-up it is."""
        return self.certificate.twin

    @property
    def null(self) -> bool:
        """Whether this is an A/A pair."""
        return self.baseline == self.contender

    @property
    def is_of_twins(self) -> bool:
        """Whether the definition is held against the batched twin, which is what a claim is about."""
        return (self.baseline, self.contender) == TWINS

    @property
    def functions(self) -> tuple[Callable[..., Any], Callable[..., Any]]:
        """Baseline and contender, if the certificates still cover them. Raises Uncertified, BadInput."""
        functions = self.pair.arm(self.baseline), self.pair.arm(self.contender)
        for certificate, function in zip((self.baseline_certificate, self.certificate), functions, strict=True):
            if certificate:
                require_covers(certificate, self.finding, self.pair, self.certificate.workload, function)
        return functions

    @property
    def certificates(self) -> tuple[Certificate, Certificate]:
        """What baseline and contender are held to; the definition to what its contender is."""
        return self.baseline_certificate or self.certificate, self.certificate

    @property
    def label(self) -> str:
        """What a progress bar says."""
        if self.null:
            return "A/A"
        arms = "" if self.is_of_twins else f", {self.contender} against {self.baseline}"
        return f"{self.finding.name}.{self.pair.name}{arms}"


def plans_of_pairs(findings: Sequence[Finding], certificates: Sequence[Certificate]) -> list[Plan]:
    """Every certified pair, the careful loop beside it where it has one, and one A/A pair."""
    batched = [c for c in certificates if c.twin == TWINS[1]]
    plans = [Plan(_target(findings, certificate), certificate) for certificate in batched]
    for certificate in batched:
        target = _target(findings, certificate)
        beside, arms = target.pair.careful_beside, _arms(certificates, certificate)
        if beside and all(name in arms for name in beside):
            baseline, contender = beside
            plans.append(Plan(target, _certified(arms[contender]), arms[baseline]))
    return plans + _null(findings, batched)


def plans_of_ladders(findings: Sequence[Finding], certificates: Sequence[Certificate]) -> list[Plan]:
    """Every certified rung against the nearest certified rung below it, and one A/A pair."""
    plans: list[Plan] = []
    for first in {(c.finding, c.function, c.workload.digest): c for c in certificates}.values():
        target, arms = _target(findings, first), _arms(certificates, first)
        names = [name for name in target.pair.ladder if name in arms]
        plans += [Plan(target, _certified(arms[above]), arms[below]) for below, above in pairwise(names)]
    return plans + _null(findings, [c for c in certificates if c.twin == TWINS[1]] or certificates)


def _target(findings: Sequence[Finding], certificate: Certificate) -> Target:
    return named(findings, certificate.finding).target(certificate.function)


def _arms(certificates: Sequence[Certificate], like: Certificate) -> dict[str, Certificate | None]:
    """Certificates by arm for the same function and workload; the definition stands without one."""
    about = (like.finding, like.function, like.workload)
    same = {c.twin: c for c in certificates if (c.finding, c.function, c.workload) == about}
    return {TWINS[0]: None, **same}


def _certified(certificate: Certificate | None) -> Certificate:
    if certificate is None:
        raise ValueError("A contender needs a certificate; the definition can only be a baseline.")
    return certificate


def _null(findings: Sequence[Finding], certificates: Sequence[Certificate]) -> list[Plan]:
    return [Plan(_target(findings, one), one, one) for one in certificates[:1]]
