"""The gate as a value: the rules and trials that count, the error that is allowed, what a certificate covers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from . import outputs, pinned, state
from .certificate import Certificate, sources
from .diagnosis import unit_roundoff
from .digest import digest
from .environment import current_environment
from .equivalence import METRICS, Allowed, Evidence, Inputs, settle
from .errors import BadInput, Uncertified, unknown
from .finding import Finding, Pair
from .oracle import Oracle
from .rules import RULES
from .subject import Subject
from .trials import ALTERED, OTHER, SEVERAL, TRIALS, VARIED_ARGUMENTS
from .workload import Workload

DEFINITION_FACTOR = 2.0
"""A candidate's error may be this many times the definition's own: both are roundings of the same number, and which
of two equally good roundings is closer is chance. Source: PyTorch's dynamo benchmarks hold a compiled model to the same
multiple of the eager model's error against float64 (`torch/_dynamo/utils.py`, `same`)."""


TRIAL_NAMES = (
    *(trial.name for trial in TRIALS),
    *map(OTHER.format, VARIED_ARGUMENTS),
    SEVERAL.name,
    *ALTERED,
)
"""Every trial by name; from the second line on those that some pairs alone have."""
NAMES = (*RULES, *state.ASPECTS, *TRIAL_NAMES)
"""Every rule, aspect of state and trial by name."""


@dataclass(frozen=True)
class Gate:
    """Every rule, aspect of state and trial, except those left out. Nothing is certified for measuring by less."""

    left_out: frozenset[str] = frozenset()
    """Names of rules, aspects and trials. Raises BadInput for one that no finding has."""
    allowed: tuple[tuple[str, str], ...] = ()
    """Aspects of state that a function may leave changed, each with the reason. Raises BadInput for any other name."""

    def __post_init__(self) -> None:
        for name, why in self.allowed:
            if name not in state.ASPECTS:
                raise unknown("aspect of state", name, list(state.ASPECTS))
            if not why.strip():
                raise BadInput(f"Allowing {name!r} needs a reason. Expected: --allow {f'{name}: WHY'!r}.")
        if strangers := sorted(self.left_out - set(NAMES)):
            raise unknown("rule, aspect or trial", strangers[0], list(NAMES))

    @property
    def rules(self) -> frozenset[str]:
        """The rules that count."""
        return frozenset({*RULES, *state.ASPECTS}) - self.without

    @property
    def without(self) -> frozenset[str]:
        """What does not count: names left out, and aspects that may change."""
        return self.left_out | {name for name, _ in self.allowed}

    @property
    def digest(self) -> str:
        """Fingerprint; part of a certificate."""
        return digest([*NAMES, sorted(self.without)])


GATE = Gate()
"""The whole gate."""


def gate_that_allows(waivers: Sequence[str]) -> Gate:
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
    return Gate(allowed=tuple(allowed))


def allowed_error(definition: Evidence, floor: Allowed) -> Allowed:
    """What a candidate is held to, by measure."""
    return {m: DEFINITION_FACTOR * definition.worst_errors.get(m, 0.0) + floor[m] for m in METRICS}


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
        "gate": (certificate.gate, GATE.digest),
    }
    changed = [name for name, (certified, present) in here.items() if certified != present]
    if pinned.objection(finding, pair):
        changed.append("definition")
    if changed:
        raise Uncertified(
            f"{finding.name} on {workload.name!r} is not certified: {', '.join(changed)} changed since the check. "
            f"Expected a certificate for what is measured. Run: python -m bench check {finding.name}"
        )


def recheck(certificate: Certificate, pair: Pair, oracle: Oracle, calls: Sequence[tuple[Inputs, Any]]) -> None:
    """Hold the outputs of timed calls to what was certified. Raises NotEquivalent."""
    allowed = {m: certificate.allowed.get(m, 0.0) for m in METRICS}
    earlier: list[Any] = []
    for inputs, output in calls:
        for objection in outputs.objections(output, earlier, set(), outputs.autograd(output)):
            raise objection
        earlier.append(output)
        settle(pair.equivalence.examine(inputs, oracle, output, allowed), GATE.rules)


def rounding_bound(pair: Pair, subject: Subject) -> Allowed:
    """Share of the output's scale that rounding may move it by: u * sqrt(d_model) * (blocks + 1).

    u is the type's unit roundoff. A sum's rounding errors are nearly independent and grow with the square root of its
    length, which for the encoder and most of a block is d_model (Higham and Mary, "A new approach to
    probabilistic rounding error analysis", 2019; Ipsen and Zhou, arXiv:1906.10465). One such error for each block and
    one for the SAE's encoder.
    """
    if not pair.equivalence.why:
        return dict.fromkeys(METRICS, 0.0)
    return dict.fromkeys(METRICS, unit_roundoff(subject.dtype) * subject.d_model**0.5 * (subject.depth + 1))
