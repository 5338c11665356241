"""Fitness: is this machine fit to measure, and for which findings? Looks, measures nothing, changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from speedproof.clock import disagreement
from speedproof.folders import CACHE
from speedproof.lens.pretrained.hub.names import PRETRAINED
from speedproof.machine.cores import (
    COMPARED_S,
    conditions,
    settings,
    sign_of_accelerator,
    sign_of_clock,
    signs_of_machine,
    signs_of_threads,
)
from speedproof.machine.signs import Sign, State
from speedproof.machine.software import (
    CONSTRAINTS,
    installed_versions,
    signs_of_hub,
    signs_of_libraries,
    signs_of_versions,
    tested_versions,
)
from speedproof.machine.storage import MODEL_BYTES, sign_of_file_system, sign_of_folder, sign_of_memory
from speedproof.pairs.finding import Finding
from speedproof.records.kinds import Sat
from speedproof.records.record import Record

from .outlook import Outlook, outlooks, worst


@dataclass(frozen=True)
class Fitness:
    """Everything that was seen, and what it means for each finding."""

    signs: tuple[Sign, ...]
    outlooks: tuple[Outlook, ...]

    @property
    def state(self) -> State:
        """Fit, doubtful where figures would be, unfit where no finding can be measured or one lacks what it needs."""
        return worst(self.signs)


def fitness(
    findings: Sequence[Finding], records: Sequence[Record], results: Path, ask_the_hub: bool = False
) -> Fitness:
    """Looks at the machine for some seconds, and at what the findings need where there are any. Asks the hub only if
    told to."""
    installed = installed_versions()
    n_threads = max((w.n_threads for one in findings for pair in one.pairs for w in pair.workloads), default=1)
    signs = [
        *signs_of_machine(conditions(n_threads)),
        *signs_of_threads(settings(), n_threads),
        sign_of_clock(disagreement(COMPARED_S)),
        sign_of_accelerator(bool(findings)),
        sign_of_folder("results folder", results),
        sign_of_folder("cache folder", CACHE),
    ]
    if findings:
        needed = max((r.body.peak_host_bytes for r in records if isinstance(r.body, Sat)), default=MODEL_BYTES)
        signs += [sign_of_memory(needed), sign_of_file_system(CACHE)]
        signs += signs_of_versions(installed, tested_versions(CONSTRAINTS))
        signs += signs_of_hub(PRETRAINED, ask_the_hub)
    else:
        signs += signs_of_libraries(installed)
    return Fitness(tuple(signs), tuple(outlooks(findings, signs)))
