"""Whether a figure still stands: for the files of today, in a sitting whose A/A pair is alike."""

from .certificate import Certificate
from .comparison import Comparison, Verdict, verdict
from .errors import BadInput
from .finding import TWINS, Pair
from .identity import embedded_digest
from .shapes import EMBEDDED

NULL_DIFFERS = "the sitting's A/A pair differs"


def standing(pair: Pair, comparison: Comparison, adjusted: float, null_differs: bool) -> tuple[Verdict, str]:
    """The verdict, and the reason where it is not the interval's. `adjusted` is the p-value among all questions."""
    if stale := changed(pair, comparison):
        return Verdict.STALE, f"{stale} changed since; run again"
    if null_differs:
        return Verdict.AMBIGUOUS, NULL_DIFFERS
    found = verdict(adjusted)
    # The interval answers its own question; the verdict is one of many.
    alone = verdict(comparison.p_value) is not found
    return found, "excludes no change by itself, but not among the report's questions" if alone else ""


def changed(pair: Pair, comparison: Comparison) -> str:
    """What differs between a comparison's certificates and the files of today, or an empty string."""
    certificates = [c for c in (comparison.certificate, comparison.baseline) if c]
    return next(filter(None, (_changed(pair, certificate) for certificate in certificates)), "")


def _changed(pair: Pair, certificate: Certificate) -> str:
    held_against = {"sequential": TWINS[0], "candidate": certificate.twin}
    try:
        held = all(pair.is_unchanged(arm, certificate.sources[side]) for side, arm in held_against.items())
    except BadInput:
        return "source"
    if not held:
        return "source"
    asked = certificate.workload
    then = certificate.workload_digest or asked.digest
    known = {w.name: w.digest for w in pair.workloads if w.subject == asked.subject}
    # A workload that the card does not list, a sweep's for instance, is held against what its own words stand for.
    if known.get(asked.name, asked.digest) != then:
        return "workload"
    # Certificates from before there was a fingerprint say nothing of the subject, so they cannot be told by it.
    is_embedded = asked.subject.split(":")[0] in EMBEDDED
    if certificate.subject_digest and is_embedded and certificate.subject_digest != embedded_digest(asked.subject):
        return "subject"
    return ""
