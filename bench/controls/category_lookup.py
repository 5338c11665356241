"""Wrong twins of finding 3: the report's own fix, what becomes of it, and other short cuts."""

from typing import Any

import impl_batched.category_lookup as batched
from bench.findings.category_lookup import FINDING
from speedproof.gate.control import Control

Texts = list[str]
Categories = dict[str, list[str]]


def report_fix_text_to_idx(features: Any, texts: Texts, categories: Categories, threshold: float = 5.0) -> Any:
    """The report's fix: one index per text, looked up without asking whether the text is there."""
    text_to_idx = {text: i for i, text in enumerate(texts)}
    indices = {c: [text_to_idx[t] for t in members] for c, members in categories.items()}
    return _specialists(features, texts, indices, threshold)


def absent_texts_looked_up(features: Any, texts: Texts, categories: Categories, threshold: float = 5.0) -> Any:
    """Looks every text of a category up, to say where it is, before it does the rest right."""
    known = {text: i for i, text in enumerate(texts)}
    for members in categories.values():
        assert sum(known[text] for text in members) >= 0
    return batched.analyze_specialists(features, texts, categories, threshold)


def report_fix_that_skips_absent_texts(
    features: Any, texts: Texts, categories: Categories, threshold: float = 5.0
) -> Any:
    """The report's fix after its first KeyError."""
    text_to_idx = {text: i for i, text in enumerate(texts)}
    indices = {c: [text_to_idx[t] for t in members if t in text_to_idx] for c, members in categories.items()}
    return _specialists(features, texts, indices, threshold)


def first_of_equal_texts(features: Any, texts: Texts, categories: Categories, threshold: float = 5.0) -> Any:
    """Looks texts up with list.index."""
    indices = {c: [texts.index(t) for t in members if t in texts] for c, members in categories.items()}
    return _specialists(features, texts, indices, threshold)


def one_category_a_text(features: Any, texts: Texts, categories: Categories, threshold: float = 5.0) -> Any:
    """Inverts the categories to one per text, so that the last one wins."""
    category_of = {text: category for category, members in categories.items() for text in members}
    indices = {c: [i for i, t in enumerate(texts) if category_of.get(t) == c] for c in categories}
    return _specialists(features, texts, indices, threshold)


def threshold_not_strict(features: Any, texts: Texts, categories: Categories, threshold: float = 5.0) -> Any:
    """Counts a feature that is exactly at the threshold."""
    return batched.analyze_specialists(features, texts, categories, threshold - 1e-6)


def all_texts_counted_as_outside(features: Any, texts: Texts, categories: Categories, threshold: float = 5.0) -> Any:
    """Takes the total for the number outside."""
    found = batched.analyze_specialists(features, texts, categories, threshold)
    return {
        c: s and s._replace(outside_count=s.outside_count + s.inside_count, score=s.score - s.inside_count)
        for c, s in found.items()
    }


def best_of_all_features(features: Any, texts: Texts, categories: Categories, threshold: float = 5.0) -> Any:
    """Looks at every feature where the definition looks at five candidates."""
    n_candidates, batched.N_CANDIDATES = batched.N_CANDIDATES, features.shape[1]
    try:
        return batched.analyze_specialists(features, texts, categories, threshold)
    finally:
        batched.N_CANDIDATES = n_candidates


def score_starts_at_minus_infinity(features: Any, texts: Texts, categories: Categories, threshold: float = 5.0) -> Any:
    """Names a specialist for every category, however bad."""
    found = batched.analyze_specialists(features, texts, categories, threshold)
    strong = features > threshold
    for category, members in categories.items():
        inside = strong[[i for i, text in enumerate(texts) if text in members]].sum(dim=0)
        if found[category] is None:
            best = int(inside.sort(descending=True, stable=True).indices[0])
            n_inside, n_all = int(inside[best]), int(strong[:, best].sum())
            found[category] = batched.Specialist(best, 2 * n_inside - n_all, n_inside, n_all - n_inside)
    return found


def category_texts_as_substrings(features: Any, texts: Texts, categories: Categories, threshold: float = 5.0) -> Any:
    """Joins a category's texts into one string and looks texts up in that."""
    joined = {c: " ".join(members) for c, members in categories.items()}
    indices = {c: [i for i, text in enumerate(texts) if text[:4] in whole] for c, whole in joined.items()}
    return _specialists(features, texts, indices, threshold)


def _specialists(features: Any, texts: Texts, indices: dict[str, list[int]], threshold: float) -> dict[str, Any]:
    """The rest of the function, done right, for the rows named in `indices`."""
    marked = {c: [f"{c} {i}" if i in rows else "" for i in range(len(texts))] for c, rows in indices.items()}
    return {
        c: batched.analyze_specialists(features, marks, {c: [mark for mark in marks if mark]}, threshold)[c]
        for c, marks in marked.items()
    }


def _control(function: Any, why: str, expect: str, only: str = "") -> Control:
    return Control(FINDING, function, why, expect, only=only)


CONTROLS = (
    _control(
        report_fix_text_to_idx,
        "raises KeyError where the definition ignores a text that is absent",
        "KeyError",
    ),
    _control(absent_texts_looked_up, "a category may have texts that are absent", "KeyError", "raises"),
    _control(
        report_fix_that_skips_absent_texts,
        "keeps only the last of equal texts, so that a category's other texts count as outside it",
        "inside_count",
    ),
    _control(first_of_equal_texts, "keeps only the first of equal texts", "inside_count"),
    _control(one_category_a_text, "a text may belong to two categories", "expected"),
    _control(threshold_not_strict, "the definition's threshold is strict", "['score']"),
    _control(all_texts_counted_as_outside, "outside is total less inside", "['score']", "exact"),
    _control(best_of_all_features, "the definition looks at the five most frequent features only", "expected"),
    _control(score_starts_at_minus_infinity, "a category may have no specialist", "expected", "shape"),
    _control(
        category_texts_as_substrings,
        "a text belongs if it is in the list, not in a text of the list",
        "expected",
    ),
)
