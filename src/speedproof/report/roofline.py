"""Floors: what the records of a sitting say of the machine, and of the least time of its figures."""

from speedproof.machine.roofline import Machine, Roofline
from speedproof.records.base import About
from speedproof.records.kinds import Needed, Rated
from speedproof.timing.comparison import Comparison

from .sittings import RecordedSitting


def machine_of(sitting: RecordedSitting) -> Machine | None:
    """What the machine could do in a sitting, by all that was measured of it; None where nothing was."""
    rated = sitting.of(Rated)
    if not rated:
        return None
    return Machine(tuple(r for b in rated for r in b.multiplied), tuple(r for b in rated for r in b.moved))


def roofline_of(comparison: Comparison, sitting: RecordedSitting) -> Roofline | None:
    """A figure's floor, where its sitting knows the least work and the machine's rates."""
    machine, work = machine_of(sitting), About.of(comparison.certificate).work
    needed = next((needed for needed in sitting.of(Needed) if needed.about.work == work), None)
    if not machine or not needed:
        return None
    return Roofline(needed.work, machine, comparison.baseline_s, comparison.contender_s)
