"""Outcomes: what a comparison of two sides says of answers, work and time; derived from records alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from speedproof.records.sides import Compared
from speedproof.timing.comparison import holm
from speedproof.timing.estimate import MARGIN, Estimate
from speedproof.timing.method import CONFIRMING, ERROR_RATE, method_named
from speedproof.wording import in_percent

from .slowdown import slowdown

ANSWERS = {
    "same": "same, to the last bit",
    "rounding": "differ within rounding",
    "different": "DIFFERENT",
    "unstable": "right; no bits to compare, a side's own differ from call to call",
}


@dataclass(frozen=True)
class Outcome:
    """One twin on two sides, read."""

    body: Compared
    doubtful: bool
    """Whether the first samples exclude no change, among all questions of the comparison."""
    margin: float = MARGIN
    """Change, as a share, within which both sides are called alike."""

    @property
    def answers(self) -> str:
        """What became of the answers."""
        seen = self.body.answers
        if seen is None:
            return f"unsupported({self.body.failure})"
        if seen.status == "different":
            sides = zip(("before", "after"), seen.wrong, strict=True)
            told = "; ".join(f"{side}: {words}" for side, words in sides if words) or seen.first
            return f"{ANSWERS[seen.status]}: {told}"
        if seen.status == "rounding" and seen.largest is not None:
            return f"{ANSWERS[seen.status]}: {seen.n_different} values, by up to {seen.largest:.1e} of the largest"
        return ANSWERS[seen.status]

    @property
    def work(self) -> list[str]:
        """Every counter whose number moved."""
        told = []
        for name, (before, after) in self.body.counts.items():
            if before != after:
                shown = ("none" if n is None else f"{n:,}" for n in (before, after))
                told.append(f"{name.replace('_', ' ')} {' to '.join(shown)}")
        known = {name for name, pair in self.body.counts.items() if pair[0] != pair[1]}
        # The same number of operators may be other ones.
        told += [f"other {of.replace('_', ' ')}" for of in self.body.tables if of not in known]
        return told

    @cached_property
    def slowdown(self) -> Estimate | None:
        """after / before, above 1 is slower; None where nothing was timed."""
        return slowdown_of(self.body)

    @cached_property
    def time(self) -> str:
        """`slower`, `faster`, `alike` within the margin, `undecided`, `not confirmed`, or why nothing was timed."""
        answers = self.body.answers
        if answers is None or answers.status == "different" or self.body.timing_failure:
            return f"WITHHELD({self.body.timing_failure or self.body.failure or 'answers differ'})"
        if self.slowdown is None:
            return "not timed"
        if not self.doubtful:
            return "alike" if self.slowdown.is_alike(self.margin) else "undecided"
        again = slowdown(self.body.confirming, method_named(self.body.method)) if self.body.confirming else None
        is_slower = self.slowdown.factor > 1
        if again is None or again.p_value >= CONFIRMING or (again.factor > 1) != is_slower:
            return "not confirmed"
        return "slower" if is_slower else "faster"

    @property
    def time_told(self) -> str:
        """The same; where it is open, with the change that would have been seen."""
        seen = in_percent(self.slowdown.detectable) if self.slowdown and self.time == "undecided" else ""
        return f"{self.time} (would have shown {seen})" if seen else self.time

    @property
    def changed(self) -> bool:
        """Whether anything is to be reported: other answers beyond rounding or on one side only, work, or time."""
        answers = self.body.answers
        return answers is None or answers.status == "different" or bool(self.work) or self.time in ("slower", "faster")

    @property
    def identical(self) -> bool:
        """Whether nothing at all differs: the bits of the answers neither."""
        answers = self.body.answers
        return not self.changed and bool(answers and answers.status == "same")


def outcomes(bodies: Sequence[Compared], margin: float = MARGIN) -> list[Outcome]:
    """One for each twin of one pair of sides in one sitting; together they are the family that Holm corrects for."""
    estimates = [slowdown_of(body) for body in bodies]
    return [Outcome(body, doubtful, margin) for body, doubtful in zip(bodies, suspicious(estimates), strict=True)]


def slowdown_of(body: Compared) -> Estimate | None:
    """after / before, by the method of the record; None where nothing was timed."""
    return slowdown(body.launches, method_named(body.method)) if body.launches else None


def suspicious(estimates: Sequence[Estimate | None]) -> list[bool]:
    """Which of them exclude no change, among all that there are."""
    adjusted = iter(holm([one.p_value for one in estimates if one]))
    return [bool(one and next(adjusted) < ERROR_RATE) for one in estimates]
