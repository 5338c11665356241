"""Functions that are wrong on purpose, by finding. The gate is only as good as what it rejects."""

from bench.findings import NAMES
from speedproof.gate.control import Control
from speedproof.pairs.references import resolve

from . import arguments, definitions, limits, memories, outputs, process_leaks, state_leaks

CONTROLS: tuple[Control, ...] = (
    *(control for name in NAMES for control in resolve(f"{__name__}.{name}:CONTROLS")),
    *definitions.CONTROLS,
    *outputs.CONTROLS,
    *limits.CONTROLS,
    *memories.CONTROLS,
    *arguments.CONTROLS,
    *state_leaks.CONTROLS,
    *process_leaks.CONTROLS,
)
