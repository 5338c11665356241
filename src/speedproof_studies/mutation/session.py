"""One run of mutants, made in a fresh process: which are tried, what became of them, what is recorded."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speedproof.digest import file_digest
from speedproof.errors import unknown
from speedproof.folders import ROOT
from speedproof.processes import Saying
from speedproof.sittings.sitting import Sitting
from speedproof_studies.gate_source import GATE, gate_digest, path_of
from speedproof_studies.kinds import Mutated

from .mutants import OTHER_WORDS, Mutant, mutants_of, sampled
from .survivors import read_reasons, stale, survived

if TYPE_CHECKING:
    from .trying import Fate

TWINS = tuple(sorted(f"impl_batched.{path.stem}" for path in (ROOT / "impl_batched").glob("[!_]*.py")))
GROUPS = {"twins": TWINS, "gate": GATE}
"""Names that stand for several modules."""


def chosen_modules(names: Sequence[str] | None) -> tuple[str, ...]:
    """The modules of these names and groups; all if none is named. Raises BadInput."""
    found: list[str] = []
    for name in names or GROUPS:
        if name not in GROUPS and name not in (*TWINS, *GATE):
            raise unknown("module", name, [*GROUPS, *TWINS, *GATE])
        found += GROUPS.get(name, (name,))
    return tuple(dict.fromkeys(found))


def mutate(
    sitting: Sitting, modules: Sequence[str], sample: int | None, workers: int, reasons: Path
) -> tuple[list[Mutated], list[str]]:
    """Plants faults in the modules named. What became of them, and the reasons that are not needed."""
    found: list[Mutated] = []
    unneeded: list[str] = []
    for message in sitting.told(run_mutants, tuple(modules), sample, sitting.seed, workers, reasons):
        if isinstance(message, list):
            unneeded = message
        else:
            found += sitting.keep([message])
    return found, unneeded


def run_mutants(
    modules: Sequence[str], sample: int | None, seed: int, workers: int, reasons: Path
) -> Iterator[Saying | list[str] | Mutated]:
    """Runs in a fresh process. Of the gate's mutants `sample` are drawn from the seed; the twins' are all tried.

    Yields what is being done, then the reasons that are not needed, then one `Mutated` a module.
    """
    # It needs torch, which the process that asks may do without.
    from .trying import fates

    given, gate = read_reasons(reasons), gate_digest()
    yield Saying("making mutants", 0)
    made = {module: mutants_of(module) for module in modules}
    tried = _drawn(made, sample, seed)
    judged: list[Fate] = []
    yield Saying("asking today's code", len(tried))
    for fate in fates(tried, workers):
        judged.append(fate)
        yield Saying(f"mutants of {fate.mutant.module}", len(tried) - len(judged))
    existing = [mutant for mutants in made.values() for mutant in mutants]
    yield stale(given, modules, existing, [fate.mutant for fate in judged if not fate.survived])
    for module, mutants in made.items():
        own = [fate for fate in judged if fate.mutant.module == module]
        yield Mutated(
            module=module,
            source=file_digest(path_of(module)),
            n_mutants=len(mutants),
            n_tried=len(own),
            killed=dict(Counter(_killer(fate) for fate in own if not fate.survived)),
            survived=tuple(survived(fate.mutant, given) for fate in own if fate.survived),
            seed=seed,
            gate=gate,
        )


def _drawn(made: dict[str, list[Mutant]], sample: int | None, seed: int) -> list[Mutant]:
    twins = [mutant for module in made if module in TWINS for mutant in made[module]]
    gate = [mutant for module in made if module not in TWINS for mutant in made[module]]
    return [*twins, *sampled(gate, sample, seed)]


def _killer(fate: "Fate") -> Any:
    """What killed it: for a twin the gate's rule, for the gate what was judged wrongly or said in other words."""
    kind = fate.probe.split(" ")[0]
    is_of_gate = fate.how != OTHER_WORDS and kind in ("control", "twin", "own", "import", "timeout")
    return kind if is_of_gate else fate.how or fate.probe
