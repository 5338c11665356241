"""Certificates: evidence that a function gives the definition's answer, for this source, workload and environment.

There is one way to get a certificate, `check.certify`, and measuring cannot be asked for without one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from speedproof.digest import digest, recorded, source_digest
from speedproof.errors import Uncertified
from speedproof.pairs.contract import Allowed, Evidence
from speedproof.pairs.finding import Pair
from speedproof.pairs.workload import Workload


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
    seal_version: int = 1
    """How it was sealed. Records from before there was a number are of the first kind."""
    workload_digest: str = ""
    """The workload's fingerprint when it was asked about; its texts may be others today."""
    subject_digest: str = ""
    """The subject's, where one is run: other weights are another subject."""
    untried: tuple[str, ...] = ()
    """What the check could not ask, in words."""
    allowed_to: Mapping[str, str] = field(default_factory=dict)
    """Aspects of state that the candidate was allowed to leave changed, and why. Such a certificate covers nothing that
    is measured, since the gate's fingerprint is another."""

    def __post_init__(self) -> None:
        if self.seal_version not in _SEALS or self.seal != _SEALS[self.seal_version](self.__dict__):
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

    @property
    def why(self) -> str:
        """The reason alone, without what was asked and how it is seen again."""
        return self._parts[0]

    @property
    def asked(self) -> str:
        """The trial, with what it is for where that was told; nothing where it was no trial."""
        return self._parts[1]

    @property
    def again(self) -> str:
        """What gives the same refusal again."""
        return self._parts[2]

    @property
    def _parts(self) -> tuple[str, str, str]:
        """Taken from the end, since answers are part of the reason, and may hold any words."""
        words, mark, again = self.reason.rpartition(" Reproduce: ")
        if not mark:
            return self.reason, "", ""
        why, mark, asked = words.rpartition(f" Trial: {self.trial} ") if self.trial else (words, "", "")
        return (why, f"{self.trial} {asked}", again) if mark else (words, self.trial, again)


def issue(**content: Any) -> Certificate:
    """A certificate, sealed. For `check.certify` alone."""
    newest = max(_SEALS)
    return Certificate(**content, seal=_SEALS[newest](content), seal_version=newest)


def sources(pair: Pair, candidate: Callable[..., Any]) -> dict[str, str]:
    """Fingerprints of what was checked."""
    return {"sequential": source_digest(pair.sequential), "candidate": source_digest(candidate)}


_PLAIN = ("finding", "function", "twin", "sources", "environment", "allowed", "n_checks", "gate")
_NESTED = {
    "workload": ("Workload", ("name", "subject", "n_items", "form", "seed", "dtype", "n_threads", "given")),
    "definition": ("Evidence", ("n_compared", "worst_errors", "worst_at", "n_in_band")),
    "candidate": ("Evidence", ("n_compared", "worst_errors", "worst_at", "n_in_band")),
}
"""What the first seals were made of: classes as they were then called, and their fields in the order of then."""
_FIRST = frozenset([*_PLAIN, *(f"{name}.{field}" for name, (_, fields) in _NESTED.items() for field in fields)])
_UNSEALED_AT_FIRST = "workload.n_categories"


def _seal_of_words(content: Mapping[str, Any]) -> str:
    """The first seal, of Python's own words for each value. What came into a certificate since has no part in it."""
    later = recorded(Certificate, _without_seal(content), ())
    if strangers := sorted(later.keys() - _FIRST - {_UNSEALED_AT_FIRST}):
        return f"none, since it knows nothing of {strangers}"
    words = {name: repr(content[name]) for name in _PLAIN}
    for name, (kind, fields) in _NESTED.items():
        words[name] = f"{kind}({', '.join(f'{field}={getattr(content[name], field)!r}' for field in fields)})"
    return digest(words)


def _seal_of_data(content: Mapping[str, Any]) -> str:
    """The second, of plain data: a renamed class, another order and a field that is added later leave it as it is."""
    return digest(recorded(Certificate, _without_seal(content), _FIRST | {_UNSEALED_AT_FIRST}))


def _without_seal(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name not in ("seal", "seal_version")}


_SEALS = {1: _seal_of_words, 2: _seal_of_data}
