"""Functions that are wrong on purpose, by finding. The gate is only as good as what it rejects."""

from speedproof.gate.control import Control

from . import (
    arguments,
    category_lookup,
    comparison_table,
    definitions,
    feature_links,
    grad_mode,
    limits,
    memories,
    outputs,
    process_leaks,
    sae_cache,
    state_leaks,
    text_batching,
)

CONTROLS: tuple[Control, ...] = (
    *text_batching.CONTROLS,
    *comparison_table.CONTROLS,
    *category_lookup.CONTROLS,
    *feature_links.CONTROLS,
    *sae_cache.CONTROLS,
    *grad_mode.CONTROLS,
    *definitions.CONTROLS,
    *outputs.CONTROLS,
    *limits.CONTROLS,
    *memories.CONTROLS,
    *arguments.CONTROLS,
    *state_leaks.CONTROLS,
    *process_leaks.CONTROLS,
)
