"""Seconds of one function alone, where the definition would take too long beside it: no speed-up comes of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from speedproof.gate.certificate import Certificate
from speedproof.gate.gate import require_covers
from speedproof.pairs.references import Target
from speedproof.pairs.subjects import Subjects
from speedproof.pairs.workload import Workload

from .sampling import retain_memory, take, warm

N_PROCESSES = 4
"""Fresh processes: as many as a comparison takes at least."""
N_SAMPLES = 3
"""Samples in each, of which the middle one is told."""


@dataclass(frozen=True)
class Sampled:
    """An arm on a workload whose answers were held to the definition's on some of the items.

    `certificate` is of the largest size of the same series that the definition was asked about.
    """

    target: Target
    workload: Workload
    certificate: Certificate
    n_sampled: int


def alone(sampled: Sequence[Sampled]) -> Iterator[tuple[float, ...]]:
    """Runs in a fresh process: seconds per call, some samples of each in order. Raises Uncertified."""
    retain_memory()
    subjects = Subjects()
    for one in sampled:
        pair, certificate = one.target.pair, one.certificate
        arm = pair.arm(certificate.twin)
        require_covers(certificate, one.target.finding, pair, certificate.workload, arm)
        subject = subjects.kept(pair.subject(one.workload))
        form = warm(arm, pair, one.workload, subject)
        make = partial(pair.inputs_of(arm), one.workload, subject, None)
        yield tuple(take(arm, form, make, pair.kit.wait)[2].seconds for _ in range(N_SAMPLES))
