"""Conclusions: the words for what became of a claim. In a table's cell, as a badge, and as a sentence to take home."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from speedproof.pairs.finding import TWINS, Moved
from speedproof.report.claims import Outcome, Standing
from speedproof.report.row import Row
from speedproof.timing.comparison import Comparison, Verdict
from speedproof.wording import seconds

MARKS: Mapping[Standing, str] = {"holds": "✓", "refuted": "✗", "open": "?", "withheld": "–"}
"""Shown beside the word, so that the colour is never alone."""
DEPENDS = "depends on the size"
CELLS: Mapping[Outcome, tuple[str, str]] = {
    "exceeded": ("exceeded", "exceeded"),
    "within": ("confirmed", "confirmed"),
    "overlapping": ("consistent with the claim", "consistent"),
    "below": ("refuted: less than claimed", "refuted"),
    "slower": ("refuted: slower", "refuted"),
    "faster": ("confirmed: faster", "confirmed"),
    "unchanged": ("as expected: no change shown", "holds"),
    "changed": ("refuted: it does change", "refuted"),
    "moved": ("confirmed", "confirmed"),
    "unmoved": ("refuted", "refuted"),
    "undecided": ("undecided", "undecided"),
    "too few processes": ("undecided: too few processes", "undecided"),
    "not counted": ("undecided: not counted", "undecided"),
    "no figure": ("", ""),
}
"""What a table says of each outcome, and the word for it by itself."""


@dataclass(frozen=True)
class Conclusion:
    """What became of a claim: its standing, the word for it, and a sentence."""

    standing: Standing
    word: str
    sentence: str

    @property
    def mark(self) -> str:
        """The standing as a sign."""
        return MARKS[self.standing]


def outcome(row: Row) -> str:
    """What became of the claim, in a table's cell; nothing for a function that carries none, or has no figure."""
    if row.held is None:
        return ""
    said, _ = CELLS[row.held.outcome]
    if row.held.outcome in ("moved", "unmoved"):
        return f"{said}: {_counts(row)}"
    if row.over_sizes:
        # A claim without a figure is about every size, so one size cannot leave it undecided.
        return f"{DEPENDS}: {row.over_sizes}" if row.held.standing == "open" else f"{said}, {row.over_sizes}"
    return said


def conclusion(row: Row) -> Conclusion:
    """Of a finding's first row, which carries the claim."""
    if row.held is None or row.held.standing == "withheld":
        return Conclusion("withheld", row.figure.verdict.word.lower(), f"No figure: {row.figure.why}.")
    word = DEPENDS if row.over_sizes and row.held.standing == "open" else CELLS[row.held.outcome][1]
    return Conclusion(row.held.standing, word, " ".join(filter(None, (_sentence(row), _careful(row)))))


def _sentence(row: Row) -> str:
    """The claim against the figure."""
    assert row.held and row.figure.comparison
    claimed = f"the {row.finding.claim.words} claimed"
    over_sizes = f", {row.over_sizes}" if row.over_sizes else ""
    match row.held.outcome:
        case "exceeded":
            return f"More than {claimed}, over the whole interval."
        case "within":
            return f"Within {claimed}, over the whole interval."
        case "overlapping":
            return f"The interval meets {claimed}, but does not lie within."
        case "below":
            return f"Not {claimed}: less than claimed."
        case "slower":
            return f"Slower{over_sizes}." if row.finding.claim.band is None else f"Not {claimed}: slower."
        case "faster":
            return f"Faster{over_sizes}."
        case "unchanged":
            return "As claimed, no change of speed was shown."
        case "changed":
            return _changed(row.figure.comparison)
        case "not counted":
            return "What it is about was not counted in this sitting."
        case "moved" | "unmoved":
            is_open = row.figure.verdict is Verdict.AMBIGUOUS
            counts, speed = _counts(row), "no change of speed was shown" if is_open else "the speed changes too"
            return f"{counts[:1].upper()}{counts[1:]}; {speed}."
    return _open(row, claimed)


def _open(row: Row, claimed: str) -> str:
    on = row.figure.about.workload
    if row.finding.claim.band is None and on:
        here = f"Not settled for {on.n_items:,} items on {on.subject}"
        return f"{here}; over sizes {row.over_sizes}." if row.over_sizes else f"{here}."
    return f"Too little is known to hold it against {claimed}."


def _changed(comparison: Comparison) -> str:
    share = 1 - 1 / comparison.speedup
    spared_s = comparison.baseline_s - comparison.contender_s
    way = "faster" if share > 0 else "slower"
    return f"It does change the speed: {abs(share):.1%} {way}, which is {seconds(abs(spared_s))} a call."


def _counts(row: Row) -> str:
    """What the claim's counter said before and after."""
    effect = row.finding.claim.effect
    assert row.held and row.counted and isinstance(effect, Moved)
    (before, after), call = row.held.counts, row.counted.call
    if effect.counter.startswith("bytes_"):
        of = effect.counter.removeprefix("bytes_").replace("_", " ")
        return f"{before / 1e6:,.0f} MB {of} in {call}, then {after / 1e6:,.0f} MB"
    return f"{before:,} {effect.counter.replace('_', ' ')} in {call}, then {after:,}"


def overall(standings: Sequence[Standing]) -> str:
    """How many claims hold, are refuted, are open or have no figure, in words."""
    words: dict[Standing, tuple[str, str]] = {
        "holds": ("holds", "hold"),
        "refuted": ("is refuted", "are refuted"),
        "open": ("is not settled", "are not settled"),
        "withheld": ("has no figure", "have no figure"),
    }
    counts = [(standings.count(one), told) for one, told in words.items() if one in standings]
    return ", ".join(f"{n} {one if n == 1 else more}" for n, (one, more) in counts)


def _careful(row: Row) -> str:
    """What a careful loop leaves of it."""
    if not row.careful or not row.careful.comparison:
        return ""
    compared, (baseline, contender) = row.careful.comparison, row.careful.about.arms
    low, high = compared.interval
    known = f"{compared.speedup:.1f}x [{low:.1f}, {high:.1f}]"
    doubt = "" if row.careful.verdict is Verdict.VERIFIED else f" ({row.careful.verdict.word})"
    if contender == TWINS[1]:
        return f"Against a loop written with care, {known} is left{doubt}."
    return f"A loop written with care is {known} as fast as the {baseline} twin{doubt}."
