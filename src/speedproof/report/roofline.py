"""Floors: what the records of a sitting say of the machine, and of the least time of its figures."""

import math
from collections.abc import Sequence
from statistics import fmean, median

from speedproof.machine.rates import GFLOP_S
from speedproof.machine.roofline import Machine, Roofline, Work
from speedproof.records.base import About
from speedproof.records.kinds import Needed, Rated
from speedproof.timing.comparison import Comparison
from speedproof.timing.launches import Launch
from speedproof.wording import digits

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
    beside = shares_beside(needed.work, machine, comparison.usable)
    return Roofline(needed.work, machine, comparison.baseline_s, comparison.contender_s, beside)


def share_words(roof: Roofline, side: int) -> str:
    """How much of the machine's limit the definition (0) or the batched twin (1) reaches, in percent."""
    beside = f" ({100 * roof.shares_beside[side]:.0f}% by the rate beside each call)" if roof.shares_beside else ""
    return f"{digits(100 * roof.shares[side])}%{beside}"


def shares_beside(work: Work, machine: Machine, launches: Sequence[Launch]) -> tuple[float, float] | None:
    """Floor / time of baseline and contender, each call by the rate of products right after it, or by its weights read
    once at the machine's best: the middle of each launch, and their geometric mean. None where no rate was taken beside
    some call."""
    if not launches or any(GFLOP_S not in side for one in launches for side in one.seen):
        return None

    def share(side: int) -> float:
        middles = []
        for one in launches:
            beside = zip(one.seen[side][GFLOP_S], (one.baseline_s, one.contender_s)[side], strict=True)
            middles.append(median(machine.least_s(work, 1e9 / rate) / seconds for rate, seconds in beside))
        return math.exp(fmean(map(math.log, middles)))

    return share(0), share(1)
