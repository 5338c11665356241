"""Wrong twins of finding 3: the report's own fix, and what becomes of it."""

from typing import Any

import impl_batched.category_lookup as batched

from ..findings.category_lookup import FINDING
from .control import Control


def report_fix_text_to_idx(
    features: Any, texts: list[str], categories: dict[str, list[str]], threshold: float = 5.0
) -> dict[str, Any]:
    """The report's fix: one index per text, looked up without asking whether the text is there."""
    text_to_idx = {text: i for i, text in enumerate(texts)}
    return _specialists(
        features, texts, {c: [text_to_idx[t] for t in members] for c, members in categories.items()}, threshold
    )


def report_fix_that_skips_absent_texts(
    features: Any, texts: list[str], categories: dict[str, list[str]], threshold: float = 5.0
) -> dict[str, Any]:
    """The report's fix after its first KeyError."""
    text_to_idx = {text: i for i, text in enumerate(texts)}
    indices = {c: [text_to_idx[t] for t in members if t in text_to_idx] for c, members in categories.items()}
    return _specialists(features, texts, indices, threshold)


def _specialists(features: Any, texts: list[str], indices: dict[str, list[int]], threshold: float) -> dict[str, Any]:
    """The rest of the function, done right, for the rows named in `indices`."""
    marked = {c: [f"{c} {i}" if i in rows else "" for i in range(len(texts))] for c, rows in indices.items()}
    return {
        c: batched.analyze_specialists(features, marks, {c: [mark for mark in marks if mark]}, threshold)[c]
        for c, marks in marked.items()
    }


CONTROLS = (
    Control(
        FINDING,
        report_fix_text_to_idx,
        why="raises KeyError where the definition ignores a text that is absent",
        expect="KeyError",
    ),
    Control(
        FINDING,
        report_fix_that_skips_absent_texts,
        why="keeps only the last of equal texts, so that a category's other texts count as outside it",
        expect="inside_count",
    ),
)
