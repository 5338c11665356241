"""Certificates: evidence that a function gives the definition's answer, for this source, workload and environment.

There is one way to get a certificate, `check.certify`, and measuring cannot be asked for without one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .digest import digest, source_digest
from .equivalence import Allowed, Evidence
from .errors import Uncertified
from .finding import Pair
from .workload import Workload


@dataclass(frozen=True)
class Certificate:
    """Evidence of equivalence. Issued by `check.certify` alone; `seal` ties the fields together.

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
    gate: str
    """Fingerprint of the rules and trials that the candidate was put to."""
    seal: str = field(repr=False)

    def __post_init__(self) -> None:
        if self.seal != _seal(self.__dict__):
            raise Uncertified("A certificate can only come from certify(); this one's seal does not fit its content.")


Code = Literal["not equivalent", "definition changed", "definition wrong", "invalid check", "failed"]
"""Why a check did not pass, in two words."""


@dataclass(frozen=True)
class Refusal:
    """Why there is no certificate: the code of the reason, the rule, and the reason in the user's words.

    `excess` is the error as a multiple of what is allowed, where the rule is about a number.
    """

    finding: str
    function: str
    workload: Workload
    twin: str
    code: Code
    reason: str
    rule: str
    trial: str = ""
    excess: float | None = None

    def __str__(self) -> str:
        return f"WITHHELD({self.code}: {self.reason})"


def issue(**content: Any) -> Certificate:
    """A certificate, sealed. For `check.certify` alone."""
    return Certificate(**content, seal=_seal(content))


def sources(pair: Pair, candidate: Callable[..., Any]) -> dict[str, str]:
    """Fingerprints of what was checked."""
    return {"sequential": source_digest(pair.sequential), "candidate": source_digest(candidate)}


def _seal(content: Mapping[str, Any]) -> str:
    return digest({name: repr(value) for name, value in content.items() if name != "seal"})
