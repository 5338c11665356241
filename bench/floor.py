"""Floors: what the records of a sitting say of the machine, and of the least time of its figures."""

from collections.abc import Sequence
from typing import Any

from .bodies import Needed, Rated
from .comparison import Comparison
from .roofline import Machine, Roofline


def machine_of(bodies: Sequence[Any]) -> Machine | None:
    """What the machine could do in a sitting, by all that was measured of it; None where nothing was."""
    rated = [body for body in bodies if isinstance(body, Rated)]
    if not rated:
        return None
    return Machine(tuple(r for b in rated for r in b.multiplied), tuple(r for b in rated for r in b.moved))


def roofline_of(comparison: Comparison, bodies: Sequence[Any]) -> Roofline | None:
    """A figure's floor, where its sitting knows the least work and the machine's rates."""
    machine, certificate = machine_of(bodies), comparison.certificate
    about = (certificate.finding, certificate.function, certificate.workload.digest)
    for body in bodies:
        if machine and isinstance(body, Needed) and (body.finding, body.function, body.workload.digest) == about:
            return Roofline(body.work, machine, comparison.baseline_s, comparison.contender_s)
    return None
