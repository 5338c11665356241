"""The gate as a value: the rules and trials that count, the error that is allowed, what a certificate covers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from speedproof.digest import digest
from speedproof.environment import current_environment
from speedproof.errors import BadInput, Uncertified, unknown
from speedproof.pairs.contract import Allowed, Evidence, Inputs, settle
from speedproof.pairs.finding import Finding, Pair
from speedproof.pairs.workload import Workload

from . import outputs, pinned
from .certificate import Certificate, sources
from .rules import RULES
from .state import watched
from .trials import trials_of

DEFINITION_FACTOR = 2.0
"""A candidate's error may be this many times the definition's own: both are roundings of the same number, and which
of two equally good roundings is closer is chance. Source: PyTorch's dynamo benchmarks hold a compiled model to the same
multiple of the eager model's error against float64 (`torch/_dynamo/utils.py`, `same`)."""


def aspects_of(pair: Pair) -> tuple[str, ...]:
    """Every aspect of state that a pair's functions must leave as it was, by name."""
    return tuple(aspect.name for aspect in watched(pair.kit))


def names_of(pair: Pair) -> tuple[str, ...]:
    """Every rule, aspect of state and trial of a pair, by name."""
    return (*RULES, *aspects_of(pair), *(trial.name for trial in trials_of(pair)))


@dataclass(frozen=True)
class Gate:
    """Every rule, aspect of state and trial of a pair, except those left out. Nothing is certified for measuring by
    less."""

    left_out: frozenset[str] = frozenset()
    """Names of rules, aspects and trials."""
    allowed: tuple[tuple[str, str], ...] = ()
    """Aspects of state that a function may leave changed, each with the reason."""

    @property
    def without(self) -> frozenset[str]:
        """What does not count: names left out, and aspects that may change."""
        return self.left_out | {name for name, _ in self.allowed}

    def require_known(self, pair: Pair) -> None:
        """Raises BadInput for a name that the pair has not, and for a reason that says nothing."""
        for name, why in self.allowed:
            if name not in aspects_of(pair):
                raise unknown("aspect of state", name, list(aspects_of(pair)))
            if not why.strip():
                raise BadInput(f"Allowing {name!r} needs a reason. Expected: --allow {f'{name}: WHY'!r}.")
        if strangers := sorted(self.left_out - set(names_of(pair))):
            raise unknown("rule, aspect or trial", strangers[0], list(names_of(pair)))

    def digest(self, pair: Pair) -> str:
        """Fingerprint of all that a pair is asked; part of a certificate."""
        return digest([*names_of(pair), sorted(self.without)])


GATE = Gate()
"""The whole gate."""


def gate_that_allows(waivers: Sequence[str], pair: Pair) -> Gate:
    """The whole gate, but for aspects of state named with a reason, as "thread count: the model was tuned for it".

    Raises:
        BadInput: no such aspect, one that is named twice, or no reason.
    """
    allowed: list[tuple[str, str]] = []
    for waiver in waivers:
        name, _, why = (part.strip() for part in waiver.partition(":"))
        if name in dict(allowed):
            raise BadInput(f"{name!r} is allowed twice. Expected one reason for each aspect of state.")
        allowed.append((name, why))
    gate = Gate(allowed=tuple(allowed))
    gate.require_known(pair)
    return gate


def allowed_error(definition: Evidence, floor: Allowed) -> Allowed:
    """What a candidate is held to, by measure."""
    return {m: DEFINITION_FACTOR * definition.worst_errors.get(m, 0.0) + least for m, least in floor.items()}


def require_covers(
    certificate: Certificate, finding: Finding, pair: Pair, workload: Workload, candidate: Callable[..., Any]
) -> None:
    """Raises Uncertified, saying what changed, unless the certificate is for exactly this and holds here."""
    here = {
        "finding": (certificate.finding, finding.name),
        "function": (certificate.function, pair.name),
        "workload": (certificate.workload.digest, workload.digest),
        "source": (dict(certificate.sources), sources(pair, candidate)),
        "environment": (certificate.environment, current_environment().digest),
        "gate": (certificate.gate, GATE.digest(pair)),
    }
    changed = [name for name, (certified, present) in here.items() if certified != present]
    if pinned.objection(finding, pair):
        changed.append("definition")
    if changed:
        raise Uncertified(
            f"{finding.name} on {workload.name!r} is not certified: {', '.join(changed)} changed since the check. "
            f"Expected a certificate for what is measured. Run: python -m bench check {finding.name}"
        )


def recheck(certificate: Certificate, pair: Pair, reference: Any, calls: Sequence[tuple[Inputs, Any]]) -> None:
    """Hold the outputs of timed calls to what was certified. Raises NotEquivalent."""
    held: set[int] = set()
    for inputs, output in calls:
        for objection in outputs.objections(pair.kit, output, held, set(), outputs.autograd(pair.kit, output)):
            raise objection
        # All outputs are alive in `calls`.
        held |= outputs.memory(pair.kit, output)
        settle(pair.equivalence.examine(inputs, reference, output, certificate.allowed))
