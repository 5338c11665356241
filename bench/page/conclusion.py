"""Conclusions: what a reader should take home of a claim, in one sentence made of the row's own figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..comparison import Verdict
from ..finding import TWINS
from ..row import Row
from ..wording import seconds

Standing = Literal["holds", "refuted", "open", "withheld"]
MARKS: dict[Standing, str] = {"holds": "✓", "refuted": "✗", "open": "?", "withheld": "–"}
"""Shown beside the word, so that the colour is never alone."""
HELD = ("exceeded", "confirmed", "as expected", "consistent")


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


def conclusion(row: Row) -> Conclusion:
    """Of a finding's first row, which carries the claim."""
    if row.verdict in (Verdict.WITHHELD, Verdict.STALE):
        return Conclusion("withheld", str(row.verdict).lower(), f"No figure: {row.reason}.")
    word = row.outcome.split(":")[0].split(",")[0]
    standing: Standing = "holds" if word.startswith(HELD) else "refuted" if word.startswith("refuted") else "open"
    return Conclusion(standing, _short(word), " ".join(filter(None, (_sentence(row, word), _careful(row)))))


def _short(word: str) -> str:
    return {"as expected": "holds", "consistent with the claim": "consistent"}.get(word, word)


def _sentence(row: Row, word: str) -> str:
    """The claim against the figure."""
    claim = row.finding.claim
    if row.finding.name == "grad_mode" and row.counted:
        change = "no change of speed was shown" if row.verdict is Verdict.AMBIGUOUS else "the speed changes too"
        return f"{_capital(row.outcome.partition(': ')[2])}; {change}."
    if claim.low == claim.high == 1:
        return _unchanged(row)
    if claim.low is None or claim.high is None:
        told = row.outcome.partition(": ")[2]
        return f"{_capital(told) if word == 'confirmed' else _undecided(row, told)}."
    words = {
        "exceeded": f"More than the {claim.words} claimed, over the whole interval",
        "confirmed": f"Within the {claim.words} claimed, over the whole interval",
        "consistent with the claim": f"The interval meets the {claim.words} claimed, but does not lie within",
        "refuted": f"Not the {claim.words} claimed: {row.outcome.partition(': ')[2]}",
    }
    return f"{words.get(word, f'Too little is known to hold it against the {claim.words} claimed')}."


def _unchanged(row: Row) -> str:
    assert row.comparison is not None
    if row.verdict is not Verdict.VERIFIED:
        return "As claimed, no change of speed was shown."
    share = 1 - 1 / row.comparison.speedup
    spared_s = row.comparison.baseline_s - row.comparison.contender_s
    way = "faster" if share > 0 else "slower"
    return f"It does change the speed: {abs(share):.1%} {way}, which is {seconds(abs(spared_s))} a call."


def _undecided(row: Row, told: str) -> str:
    assert row.comparison is not None
    on = row.comparison.certificate.workload
    here = f"Not settled for {on.n_items:,} items on {on.subject}"
    return f"{here}; over sizes {told}" if told and row.ends else _capital(row.outcome)


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
    loop = row.beside
    if not loop or not loop.comparison or not loop.careful_s:
        return ""
    low, high = loop.comparison.interval
    known = f"{loop.comparison.speedup:.1f}x [{low:.1f}, {high:.1f}]"
    doubt = "" if loop.verdict is Verdict.VERIFIED else f" ({loop.verdict})"
    if loop.contender == TWINS[1]:
        return f"Against a loop written with care, {known} is left{doubt}."
    return f"A loop written with care is {known} as fast as the {loop.baseline} twin{doubt}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
