"""Rewrites as textbooks and pull requests have them, right and wrong, that the check is held against."""

from typing import Any

from speedproof_studies.textbook.entry import Entry

ENTRIES: tuple[Entry, ...]


def __getattr__(name: str) -> Any:
    """`ENTRIES`, read when it is asked for: one topic's file loads without the libraries of the others."""
    if name != "ENTRIES":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from speedproof_studies.textbook import (
        arguments,
        arithmetic,
        averages,
        buffers,
        containers,
        frames,
        linear,
        logits,
        lookups,
        searching,
        signals,
        sorting,
        state,
        tallies,
        tensors,
        texts,
        words,
    )

    return (
        *sorting.ENTRIES,
        *searching.ENTRIES,
        *containers.ENTRIES,
        *lookups.ENTRIES,
        *arithmetic.ENTRIES,
        *texts.ENTRIES,
        *words.ENTRIES,
        *arguments.ENTRIES,
        *state.ENTRIES,
        *averages.ENTRIES,
        *tallies.ENTRIES,
        *logits.ENTRIES,
        *linear.ENTRIES,
        *signals.ENTRIES,
        *buffers.ENTRIES,
        *frames.ENTRIES,
        *tensors.ENTRIES,
    )
